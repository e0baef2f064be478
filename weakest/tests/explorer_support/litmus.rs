//! Straight-line programs: small enough to write down, run by any engine, and judged by axioms.

use std::time::Duration;
use weakest::facade::{Atomic, Cell, Operation, Order, Platform, Site, Wait};
use weakest::{End, Program, Scenario};

/// One instruction of a thread. Locations and words are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    Load(usize, Order),
    Store(usize, u64, Order),
    Swap(usize, u64, Order),
    Add(usize, u64, Order),
    /// Location, expected, new.
    Exchange(usize, u64, u64, Order),
    /// Location, expected, new, and the ordering of failure.
    ExchangeElse(usize, u64, u64, Order, Order),
    Fence(Order),
    /// The light and the heavy half of an asymmetric fence.
    Light,
    Heavy,
    Read(usize),
    Write(usize, u64),
    /// Location, expected; a wait that times out.
    Wait(usize, u64),
    /// Location, how many.
    Wake(usize, u32),
    StoreAndWakeAll(usize, u64),
    /// Announces the location, as if to lock it.
    Announce(usize),
    Retire,
}

/// A program of straight-line threads over locations and words that hold 0 at first.
#[derive(Clone, Debug)]
pub struct Litmus {
    pub name: &'static str,
    pub threads: Vec<Vec<Instruction>>,
    /// Whether the threads may be killed.
    pub mortal: bool,
}

impl Litmus {
    pub fn new<const N: usize>(name: &'static str, threads: [&[Instruction]; N]) -> Self {
        Litmus { name, threads: threads.into_iter().map(<[_]>::to_vec).collect(), mortal: false }
    }

    pub fn locations(&self) -> usize {
        use Instruction::*;
        self.threads
            .iter()
            .flatten()
            .map(|instruction| match *instruction {
                Load(x, _) | Store(x, ..) | Swap(x, ..) | Add(x, ..) | Exchange(x, ..) | ExchangeElse(x, ..) => x + 1,
                Wait(x, _) | Wake(x, _) | StoreAndWakeAll(x, _) | Announce(x) => x + 1,
                Fence(_) | Light | Heavy | Read(_) | Write(..) | Retire => 0,
            })
            .max()
            .unwrap_or(0)
    }

    pub fn words(&self) -> usize {
        use Instruction::*;
        self.threads
            .iter()
            .flatten()
            .map(|instruction| match *instruction {
                Read(x) | Write(x, _) => x + 1,
                _ => 0,
            })
            .max()
            .unwrap_or(0)
    }
}

/// The outcome of an execution: what each thread read, in order, and the final values of the locations.
pub fn outcome(reads: &[Vec<u64>], finals: &[u64]) -> String {
    let list = |values: &[u64]| values.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    let threads: Vec<String> = reads.iter().map(|values| list(values)).collect();
    format!("{} [{}]", threads.join(" | "), list(finals))
}

pub const LABELS: [&str; 6] = ["x", "y", "z", "u", "v", "w"];

pub fn site(operation: Operation, order: Order) -> &'static Site {
    macro_rules! table {
        ($($operation:ident),*) => {
            match operation {
                $(Operation::$operation => {
                    const fn make(order: Order) -> Site {
                        Site { name: stringify!($operation), operation: Operation::$operation, order, pairs_with: &[], reason: "litmus" }
                    }
                    static SITES: [Site; 5] = [
                        make(Order::Relaxed), make(Order::Acquire), make(Order::Release), make(Order::AcqRel), make(Order::SeqCst),
                    ];
                    &SITES[order as usize]
                })*
            }
        };
    }
    table!(Load, Store, Rmw, CompareExchange, Fence, Read, Write, Wait, Wake)
}

/// Does one instruction, and notes what it returned.
fn step<P: Platform>(instruction: Instruction, atoms: &[P::AtomicU32], words: &[P::Cell], notes: &mut Vec<u64>) {
    let relaxed = Order::Relaxed;
    match instruction {
        Instruction::Load(x, order) => notes.push(atoms[x].load(site(Operation::Load, order)).into()),
        Instruction::Store(x, value, order) => atoms[x].store(site(Operation::Store, order), value as u32),
        Instruction::Swap(x, value, order) => {
            notes.push(atoms[x].swap(site(Operation::Rmw, order), value as u32).into());
        }
        Instruction::Add(x, value, order) => {
            notes.push(atoms[x].fetch_add(site(Operation::Rmw, order), value as u32).into());
        }
        Instruction::Exchange(x, current, new, order) => {
            let site = site(Operation::CompareExchange, order);
            let found = atoms[x].compare_exchange(site, current as u32, new as u32);
            notes.push(found.unwrap_or_else(|found| found).into());
        }
        Instruction::ExchangeElse(x, current, new, order, failure) => {
            let (site, failure) = (site(Operation::CompareExchange, order), site(Operation::Load, failure));
            let found = atoms[x].compare_exchange_else(site, failure, current as u32, new as u32);
            notes.push(found.unwrap_or_else(|found| found).into());
        }
        Instruction::Fence(order) => P::fence(site(Operation::Fence, order)),
        Instruction::Light => P::light_fence(site(Operation::Fence, Order::SeqCst)),
        Instruction::Heavy => P::heavy_fence(site(Operation::Fence, Order::SeqCst)),
        Instruction::Read(x) => notes.push(words[x].read(site(Operation::Read, relaxed))),
        Instruction::Write(x, value) => words[x].write(site(Operation::Write, relaxed), value),
        Instruction::Wait(x, expected) => {
            let time = Some(Duration::from_secs(1));
            notes.push(match P::wait(&atoms[x], site(Operation::Wait, relaxed), expected as u32, time) {
                Wait::Woken => 100,
                Wait::Changed => 101,
                Wait::TimedOut => 102,
            });
        }
        Instruction::Wake(x, count) => notes.push(P::wake(&atoms[x], site(Operation::Wake, relaxed), count).into()),
        Instruction::StoreAndWakeAll(x, value) => {
            notes.push(P::store_and_wake_all(&atoms[x], site(Operation::Wake, relaxed), value as u32).into());
        }
        // SAFETY: the atoms outlive the threads, and every program retires before it announces again.
        Instruction::Announce(x) => notes.push(unsafe { P::announce(&atoms[x]) }.into()),
        Instruction::Retire => P::retire(),
    }
}

impl Scenario for Litmus {
    fn name(&self) -> String {
        self.name.to_string()
    }

    fn about(&self) -> String {
        format!("the litmus test {}", self.name)
    }

    fn program<P: Platform>(&self) -> Program {
        self.threads::<P>(|instructions, atoms, words| {
            let mut notes = Vec::new();
            for instruction in instructions {
                step::<P>(*instruction, atoms, words, &mut notes);
            }
            notes
        })
    }
}

/// The same, but of every few instructions a thread remembers only so much.
#[derive(Clone, Debug)]
pub struct Scoped {
    pub litmus: Litmus,
    /// How many instructions go into one scope.
    pub length: usize,
    /// What is remembered of what they returned.
    pub digest: fn(&[u64]) -> u64,
    /// Whether the engine is told.
    pub told: bool,
}

impl Scenario for Scoped {
    fn name(&self) -> String {
        self.litmus.name.to_string()
    }

    fn about(&self) -> String {
        format!("the litmus test {} in scopes", self.litmus.name)
    }

    fn program<P: Platform>(&self) -> Program {
        let Scoped { length, digest, told, .. } = *self;
        self.litmus.threads::<P>(move |instructions, atoms, words| {
            let scope = |some: &[Instruction]| {
                let work = || {
                    let mut notes = Vec::new();
                    for instruction in some {
                        step::<P>(*instruction, atoms, words, &mut notes);
                    }
                    digest(&notes)
                };
                if told { P::scope(work) } else { work() }
            };
            instructions.chunks(length).map(scope).collect()
        })
    }
}

impl Litmus {
    /// The program whose threads do this with their instructions.
    fn threads<P: Platform>(
        &self,
        run: impl Fn(&[Instruction], &[P::AtomicU32], &[P::Cell]) -> Vec<u64> + Copy + Send + Sync + 'static,
    ) -> Program {
        use std::sync::Arc;
        let atoms: Arc<Vec<P::AtomicU32>> =
            Arc::new((0..self.locations()).map(|x| P::AtomicU32::new(LABELS[x], 0)).collect());
        let words: Arc<Vec<P::Cell>> = Arc::new((0..self.words()).map(|x| P::Cell::new("word", x, 0)).collect());
        let mut program = Program::new();
        for (index, instructions) in self.threads.iter().enumerate() {
            let (atoms, words, instructions) = (atoms.clone(), words.clone(), instructions.clone());
            let body = move || run(&instructions, &atoms, &words);
            let name = format!("P{index}");
            program = if self.mortal { program.mortal(name, body) } else { program.thread(name, body) };
        }
        let atoms = atoms.clone();
        program.finish(move |ends: &[End]| {
            let reads: Vec<Vec<u64>> = ends.iter().map(|end| end.notes().to_vec()).collect();
            let finals: Vec<u64> =
                atoms.iter().map(|atom| atom.load(site(Operation::Load, Order::Relaxed)).into()).collect();
            outcome(&reads, &finals)
        })
    }
}
