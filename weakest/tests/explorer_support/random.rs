//! Random small programs, the same for ever from the same seed.

use super::litmus::{Instruction, Litmus};
use weakest::facade::Order;

/// SplitMix64: a seed gives the same programs for ever.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// What kinds of instructions a family of programs has.
#[derive(Clone, Copy)]
pub struct Family {
    pub name: &'static str,
    pub fences: bool,
    pub updates: bool,
    pub data: bool,
}

/// Loads, stores and what else the family has, over two locations.
pub fn program(dice: &mut Dice, family: Family) -> Litmus {
    use Order::*;
    let threads = 2 + dice.below(2) as usize;
    let most = if threads == 2 { 4 } else { 3 };
    let locations = 2;
    let mut value = 0;
    let threads = (0..threads)
        .map(|_| {
            (0..1 + dice.below(most))
                .map(|_| {
                    let x = dice.below(locations) as usize;
                    value += 1;
                    match dice.below(10) {
                        0 | 1 if family.fences => {
                            Instruction::Fence(dice.of(&[Acquire, Release, AcqRel, SeqCst, SeqCst]))
                        }
                        2 | 3 if family.updates => match dice.below(3) {
                            0 => Instruction::Swap(x, value, dice.of(&[Relaxed, Acquire, Release, AcqRel])),
                            1 => Instruction::Add(x, 10, dice.of(&[Relaxed, Acquire, Release, AcqRel])),
                            _ => Instruction::Exchange(x, 0, value, dice.of(&[Relaxed, Acquire, Release, AcqRel])),
                        },
                        4 if family.data => Instruction::Read(0),
                        5 if family.data => Instruction::Write(0, value),
                        n if n % 2 == 0 => Instruction::Load(x, dice.of(&[Relaxed, Acquire])),
                        _ => Instruction::Store(x, value, dice.of(&[Relaxed, Release])),
                    }
                })
                .collect()
        })
        .collect();
    Litmus { name: family.name, threads, mortal: false }
}

/// Fences at the ends of chains of relaxed accesses over three locations: where the order of sequentially consistent
/// fences is subtle.
pub fn chain(dice: &mut Dice) -> Litmus {
    use Order::*;
    let threads = (0..3)
        .map(|thread| {
            let access = |dice: &mut Dice| {
                let x = dice.below(3) as usize;
                match dice.below(2) {
                    0 => Instruction::Load(x, dice.of(&[Relaxed, Relaxed, Acquire])),
                    _ => Instruction::Store(x, thread + 1, dice.of(&[Relaxed, Relaxed, Release])),
                }
            };
            let mut instructions = vec![access(dice), access(dice)];
            if dice.below(4) > 0 {
                instructions.insert(1, Instruction::Fence(SeqCst));
            }
            instructions
        })
        .collect();
    Litmus { name: "chains", threads, mortal: false }
}

/// Sequentially consistent accesses among others, and now and then a fence: two locations or three.
pub fn sequential(dice: &mut Dice) -> Litmus {
    use Order::*;
    let threads = 2 + dice.below(2) as usize;
    let most = if threads == 2 { 4 } else { 3 };
    let locations = 2 + dice.below(2);
    let mut value = 0;
    let threads = (0..threads)
        .map(|_| {
            (0..1 + dice.below(most))
                .map(|_| {
                    let x = dice.below(locations) as usize;
                    value += 1;
                    match dice.below(12) {
                        0 => Instruction::Fence(dice.of(&[AcqRel, SeqCst, SeqCst])),
                        1 => Instruction::Swap(x, value, dice.of(&[Relaxed, AcqRel, SeqCst])),
                        2 => Instruction::Add(x, 10, dice.of(&[Relaxed, SeqCst])),
                        n if n % 2 == 0 => Instruction::Load(x, dice.of(&[Relaxed, Acquire, SeqCst, SeqCst, SeqCst])),
                        _ => Instruction::Store(x, value, dice.of(&[Relaxed, Release, SeqCst, SeqCst, SeqCst])),
                    }
                })
                .collect()
        })
        .collect();
    Litmus { name: "sequential", threads, mortal: false }
}

/// Threads that lock, wait, wake and may die.
pub fn system(dice: &mut Dice) -> Litmus {
    use Order::*;
    let mut value = 0;
    let threads = (0..2 + dice.below(2))
        .map(|thread| {
            let mut announced = false;
            let mut instructions: Vec<Instruction> = (0..1 + dice.below(3))
                .map(|_| {
                    value += 1;
                    let x = dice.below(2) as usize;
                    match dice.below(9) {
                        0 => Instruction::Wait(x, dice.of(&[0, 0, value])),
                        1 => Instruction::Wake(x, 1),
                        2 => Instruction::StoreAndWakeAll(x, value),
                        3 if !std::mem::replace(&mut announced, true) => Instruction::Announce(0),
                        4 => Instruction::Exchange(0, 0, thread + 1, dice.of(&[Acquire, AcqRel])),
                        5 if std::mem::replace(&mut announced, false) => Instruction::Retire,
                        6 => Instruction::Swap(x, value, AcqRel),
                        7 => Instruction::Store(x, value, dice.of(&[Relaxed, Release])),
                        _ => Instruction::Load(x, dice.of(&[Relaxed, Acquire])),
                    }
                })
                .collect();
            // Whoever returns with a word announced is at fault, whatever the rest does.
            instructions.extend(announced.then_some(Instruction::Retire));
            instructions
        })
        .collect();
    Litmus { name: "system", threads, mortal: true }
}
