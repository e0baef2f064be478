//! Programs that compute with what they read: values, and whether to skip something. What hardware makes of such
//! dependencies is published, and herd7 and an exact machine can say it.

use super::litmus::{LABELS, outcome, site};
use super::random::Dice;
use std::sync::Arc;
use weakest::facade::Order::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use weakest::facade::{Atomic, Operation, Platform};
use weakest::{End, Program, Scenario};

/// A value to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Just(u64),
    /// What is in this register.
    Register(usize),
}
use Value::{Just, Register};

/// A read-modify-write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    Swap,
    Add,
    Or,
}

/// One step of a thread. Registers hold 0 at first, and each is loaded in one place only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Register, location.
    Load(usize, usize, Order),
    Store(usize, Value, Order),
    /// Register, location.
    Update(usize, usize, Update, Value, Order),
    /// Register, location, expected, new.
    Exchange(usize, usize, u64, Value, Order),
    Fence(Order),
    /// If the register is 0, or is not: go on behind so many steps.
    Skip {
        register: usize,
        if_zero: bool,
        steps: usize,
    },
}

/// Threads that depend on what they read.
#[derive(Clone, Debug)]
pub struct Dependent {
    pub name: String,
    pub threads: Vec<Vec<Step>>,
}

impl Dependent {
    pub fn new<const N: usize>(name: &str, threads: [&[Step]; N]) -> Self {
        Dependent { name: name.into(), threads: threads.map(<[_]>::to_vec).into() }
    }

    pub fn locations(&self) -> usize {
        let location = |step: &Step| match *step {
            Step::Load(_, x, _) | Step::Store(x, ..) | Step::Update(_, x, ..) | Step::Exchange(_, x, ..) => x + 1,
            Step::Fence(_) | Step::Skip { .. } => 0,
        };
        self.threads.iter().flatten().map(location).max().unwrap_or(0)
    }

    /// How many registers a thread loads: the first ones.
    pub fn registers(&self, thread: usize) -> usize {
        let loads = |step: &&Step| matches!(step, Step::Load(..) | Step::Update(..) | Step::Exchange(..));
        self.threads[thread].iter().filter(loads).count()
    }
}

impl Scenario for Dependent {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn about(&self) -> String {
        format!("the litmus test {}", self.name)
    }

    fn program<P: Platform>(&self) -> Program {
        let atoms: Arc<Vec<P::AtomicU32>> =
            Arc::new((0..self.locations()).map(|x| P::AtomicU32::new(LABELS[x], 0)).collect());
        let mut program = Program::new();
        for (thread, steps) in self.threads.iter().enumerate() {
            let (atoms, steps, registers) = (atoms.clone(), steps.clone(), self.registers(thread));
            program = program.thread(format!("P{thread}"), move || run::<P>(&steps, &atoms, registers));
        }
        let atoms = atoms.clone();
        program.finish(move |ends: &[End]| {
            let reads: Vec<Vec<u64>> = ends.iter().map(|end| end.notes().to_vec()).collect();
            let finals: Vec<u64> = atoms.iter().map(|atom| atom.load(site(Operation::Load, Relaxed)).into()).collect();
            outcome(&reads, &finals)
        })
    }
}

fn run<P: Platform>(steps: &[Step], atoms: &[P::AtomicU32], registers: usize) -> Vec<u64> {
    let mut held = vec![0; registers];
    let mut next = 0;
    while let Some(&step) = steps.get(next) {
        next += 1;
        let value = |value| match value {
            Just(value) => value as u32,
            Register(register) => held[register] as u32,
        };
        match step {
            Step::Load(r, x, order) => held[r] = atoms[x].load(site(Operation::Load, order)).into(),
            Step::Store(x, v, order) => atoms[x].store(site(Operation::Store, order), value(v)),
            Step::Update(r, x, update, v, order) => {
                let (site, v) = (site(Operation::Rmw, order), value(v));
                held[r] = match update {
                    Update::Swap => atoms[x].swap(site, v),
                    Update::Add => atoms[x].fetch_add(site, v),
                    Update::Or => atoms[x].fetch_or(site, v),
                }
                .into();
            }
            Step::Exchange(r, x, current, new, order) => {
                let found =
                    atoms[x].compare_exchange(site(Operation::CompareExchange, order), current as u32, value(new));
                held[r] = found.unwrap_or_else(|found| found).into();
            }
            Step::Fence(order) => P::fence(site(Operation::Fence, order)),
            Step::Skip { register, if_zero, steps } => next += if (held[register] == 0) == if_zero { steps } else { 0 },
        }
    }
    held
}

/// Writes of a random step: the next value, and now and then what a register holds.
fn value(dice: &mut Dice, next: &mut u64, registers: usize, dependencies: bool) -> Value {
    *next += 1;
    match dice.below(4) {
        0 if dependencies && registers > 0 => Register(dice.below(registers as u64) as usize),
        _ => Just(*next),
    }
}

/// Rings of threads that read, do something, and write what the next one reads: where load buffering is.
pub fn buffering(seed: u64, dependencies: bool) -> Dependent {
    let dice = &mut Dice(seed ^ 0x6c62_0000);
    let count = 2 + usize::from(dice.below(3) == 0);
    let locations = count as u64 + u64::from(dice.below(3) == 0);
    let mut next = 0;
    let threads = (0..count)
        .map(|thread| {
            let mut steps = Vec::new();
            let elsewhere = |dice: &mut Dice, x: usize| match dice.below(6) {
                0 => dice.below(locations) as usize,
                _ => x,
            };
            let x = elsewhere(dice, thread);
            let mut registers = 1;
            steps.push(match dice.below(4) {
                0 => {
                    next += 1;
                    let order = dice.of(&[Relaxed, Relaxed, Relaxed, Acquire, Release, AcqRel]);
                    Step::Update(0, x, dice.of(&[Update::Swap, Update::Add]), Just(next + 10), order)
                }
                1 if dice.below(3) == 0 => {
                    next += 1;
                    Step::Exchange(0, x, dice.of(&[0, 1]), Just(next), dice.of(&[Relaxed, Acquire, AcqRel]))
                }
                _ => Step::Load(0, x, dice.of(&[Relaxed, Relaxed, Relaxed, Acquire])),
            });
            let skip = dependencies && dice.below(4) == 0;
            if skip {
                steps.push(Step::Skip { register: 0, if_zero: dice.below(2) == 0, steps: 0 });
            }
            let between = steps.len();
            for _ in 0..dice.below(if count == 3 { 2 } else { 3 }) {
                let y = dice.below(locations) as usize;
                match dice.below(6) {
                    0 => steps.push(Step::Fence(dice.of(&[Acquire, Acquire, Release, SeqCst]))),
                    1 => {
                        steps.push(Step::Load(registers, y, dice.of(&[Relaxed, Acquire])));
                        registers += 1;
                    }
                    2 | 3 => {
                        let value = value(dice, &mut next, registers, dependencies);
                        steps.push(Step::Store(y, value, dice.of(&[Relaxed, Release])));
                    }
                    4 => {
                        let order = dice.of(&[Relaxed, Acquire, Release, AcqRel]);
                        steps.push(Step::Update(registers, y, dice.of(&[Update::Swap, Update::Or]), Just(32), order));
                        registers += 1;
                    }
                    _ => {}
                }
            }
            if skip {
                // Now and then the last write is skipped as well.
                let beyond = usize::from(dice.below(3) == 0);
                let length = steps.len() - between + beyond;
                if let Step::Skip { steps, .. } = &mut steps[between - 1] {
                    *steps = length;
                }
            }
            let x = elsewhere(dice, (thread + 1) % count);
            let last = value(dice, &mut next, registers, dependencies);
            steps.push(match dice.below(6) {
                0 => Step::Update(registers, x, Update::Add, Just(16), dice.of(&[Relaxed, Relaxed, Acquire, Release])),
                1 => Step::Update(registers, x, Update::Swap, last, dice.of(&[Relaxed, Relaxed, Acquire, Release])),
                2 => Step::Store(x, last, Release),
                _ => Step::Store(x, last, Relaxed),
            });
            steps
        })
        .collect();
    Dependent { name: format!("{}-{seed}", if dependencies { "depending" } else { "buffering" }), threads }
}

/// Reads whose value decides what comes next, but not whether the last store comes.
pub fn deciding(seed: u64) -> Dependent {
    let dice = &mut Dice(seed ^ 0x6465_6369);
    let mut first: Vec<Step> = (0..2).filter(|_| dice.below(4) > 0).map(|x| Step::Store(x, Just(1), Relaxed)).collect();
    if first.is_empty() {
        first.push(Step::Store(0, Just(1), Relaxed));
    }
    let mut threads = vec![first];
    for thread in 0..2 {
        let mut steps = vec![match dice.below(3) {
            0 => Step::Update(0, thread, Update::Or, Just(4), Relaxed),
            _ => Step::Load(0, thread, Relaxed),
        }];
        if dice.below(4) > 0 {
            steps.push(Step::Skip { register: 0, if_zero: dice.below(2) == 0, steps: 1 });
        }
        let mut registers = 1;
        match dice.below(3) {
            1 => steps.push(Step::Store(2, Just(3 + thread as u64), Relaxed)),
            order => {
                steps.push(Step::Load(1, 2, if order == 0 { Relaxed } else { Acquire }));
                registers = 2;
            }
        }
        steps.push(match dice.below(4) {
            0 => Step::Update(registers, 1 - thread, Update::Swap, Just(2), Relaxed),
            1 => Step::Update(registers, 1 - thread, Update::Or, Just(1), Relaxed),
            _ => Step::Store(1 - thread, Just(2), Relaxed),
        });
        threads.push(steps);
    }
    Dependent { name: format!("deciding-{seed}"), threads }
}

/// Relaxed loads and stores and nothing else.
pub fn relaxed(seed: u64) -> Dependent {
    let dice = &mut Dice(seed ^ 0x726c_7800);
    let (count, mut next) = (2 + dice.below(2), 0);
    let threads = (0..count)
        .map(|_| {
            let mut registers = 0;
            (0..1 + dice.below(if count == 2 { 4 } else { 3 }))
                .map(|_| {
                    let x = dice.below(2) as usize;
                    next += 1;
                    if dice.below(2) == 0 {
                        registers += 1;
                        Step::Load(registers - 1, x, Relaxed)
                    } else {
                        Step::Store(x, Just(next), Relaxed)
                    }
                })
                .collect()
        })
        .collect();
    Dependent { name: format!("relaxed-{seed}"), threads }
}

/// A ring of two threads that read, do what `between` says, and write what the other reads.
fn ring(
    name: &str,
    seed: u64,
    dice: &mut Dice,
    between: impl Fn(&mut Dice, usize, &mut usize) -> Vec<Step>,
) -> Dependent {
    let threads = (0..2).map(|thread| {
        let mut registers = 1;
        let mut steps = vec![Step::Load(0, thread, dice.of(&[Relaxed, Relaxed, Relaxed, Acquire]))];
        steps.extend(between(dice, thread, &mut registers));
        let (x, order) = (1 - thread, dice.of(&[Relaxed, Relaxed, Relaxed, Release]));
        steps.push(match dice.below(4) {
            0 => Step::Update(registers, x, dice.of(&[Update::Swap, Update::Or]), Just(4), order),
            1 => Step::Store(x, Register(dice.below(registers as u64) as usize), order),
            _ => Step::Store(x, Just(1), order),
        });
        steps
    });
    Dependent { name: format!("{name}-{seed}"), threads: threads.collect() }
}

/// Several accesses of one location in each thread: coherence, forwarding, what is read back of an own write.
pub fn coherent(seed: u64) -> Dependent {
    let dice = &mut Dice(seed ^ 0x636f_6865);
    ring("coherent", seed, dice, |dice, thread, registers| {
        let x = dice.of(&[thread, 2, 2]);
        let mut steps = vec![Step::Store(x, dice.of(&[Just(2), Register(0)]), dice.of(&[Relaxed, Relaxed, Release]))];
        for _ in 0..1 + dice.below(2) {
            steps.push(Step::Load(*registers, dice.of(&[x, x, 1 - thread]), dice.of(&[Relaxed, Relaxed, Acquire])));
            *registers += 1;
        }
        steps
    })
}

/// Branches within branches, and one behind another.
pub fn branching(seed: u64) -> Dependent {
    let dice = &mut Dice(seed ^ 0x6272_616e);
    ring("branching", seed, dice, |dice, _, registers| {
        let (if_zero, inner) = (dice.below(2) == 0, dice.below(2) == 0);
        let load = Step::Load(1, 2, dice.of(&[Relaxed, Relaxed, Acquire]));
        *registers = 2;
        let skip = |register, if_zero, steps| Step::Skip { register, if_zero, steps };
        match dice.below(3) {
            // What is skipped decides itself what comes next.
            0 => vec![skip(0, if_zero, 2), load, skip(1, inner, 1 - usize::from(dice.below(4) == 0))],
            1 => vec![load, skip(1, inner, usize::from(dice.below(2) == 0)), skip(0, if_zero, 0)],
            // Both ways do the same.
            _ => vec![skip(0, if_zero, 0), load],
        }
    })
}

/// Compare-and-exchanges between: those that fail are reads, and their success decides.
pub fn exchanging(seed: u64) -> Dependent {
    let dice = &mut Dice(seed ^ 0x6578_6368);
    ring("exchanging", seed, dice, |dice, thread, registers| {
        let x = dice.of(&[2, 2, thread, 1 - thread]);
        let order = dice.of(&[Relaxed, Acquire, Release, AcqRel]);
        let new = dice.of(&[Just(1), Just(3), Register(0)]);
        *registers = 2;
        let mut steps = vec![Step::Exchange(1, x, dice.of(&[0, 0, 1]), new, order)];
        if dice.below(2) == 0 {
            steps.push(Step::Skip { register: 1, if_zero: dice.below(2) == 0, steps: usize::from(dice.below(3) == 0) });
        }
        steps
    })
}

/// Fences of every strength behind reads, between writes, and where they order nothing.
pub fn fencing(seed: u64) -> Dependent {
    let dice = &mut Dice(seed ^ 0x6665_6e63);
    ring("fencing", seed, dice, |dice, thread, registers| {
        let fence = Step::Fence(dice.of(&[Relaxed, Acquire, Acquire, Release, AcqRel, SeqCst]));
        let access = match dice.below(3) {
            0 => Step::Store(2, Just(2 + thread as u64), dice.of(&[Relaxed, Release])),
            _ => {
                *registers = 2;
                Step::Load(1, dice.of(&[2, thread, 1 - thread]), dice.of(&[Relaxed, Acquire]))
            }
        };
        if dice.below(2) == 0 { vec![fence, access] } else { vec![access, fence] }
    })
}

/// Three threads in a ring, each of which reads, perhaps passes on what it read, and writes; one of them may look once more.
pub fn around(seed: u64) -> Dependent {
    let dice = &mut Dice(seed ^ 0x6172_6f75);
    let looks = dice.below(4) as usize;
    let threads = (0..3).map(|thread| {
        let order = dice.of(&[Relaxed, Relaxed, Relaxed, Acquire]);
        let mut steps = vec![match dice.below(5) {
            0 => Step::Update(0, thread, Update::Or, Just(4), order),
            _ => Step::Load(0, thread, order),
        }];
        if dice.below(4) == 0 {
            steps.push(Step::Skip { register: 0, if_zero: true, steps: dice.below(2) as usize });
        }
        let value = dice.of(&[Just(1), Just(1), Register(0)]);
        steps.push(Step::Store((thread + 1) % 3, value, dice.of(&[Relaxed, Relaxed, Relaxed, Release])));
        if looks == thread {
            steps.push(Step::Load(1, dice.below(3) as usize, dice.of(&[Relaxed, Acquire])));
        }
        steps
    });
    Dependent { name: format!("around-{seed}"), threads: threads.collect() }
}
