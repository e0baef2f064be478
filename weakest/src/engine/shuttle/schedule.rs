//! Which thread steps next: random, or by random priorities (PCT), from a seed; or as somebody's bytes say.

use crate::engine::world;
use crate::trace::Fault;
use ::shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

/// How schedules are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Any thread that can step, each as likely as the next.
    Random,
    /// Probabilistic concurrency testing (Burckhardt and others, 2010): random priorities, lowered at `depth - 1` random
    /// steps. Finds a bug of that depth with a probability that has a lower bound.
    Pct {
        /// How many ordering constraints a bug may need.
        depth: usize,
    },
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Strategy::Random => write!(f, "random"),
            Strategy::Pct { depth } => write!(f, "PCT of depth {depth}"),
        }
    }
}

/// All that one schedule follows from. As text: `random:SEED` or `pct:DEPTH:LENGTH:SEED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    /// How the schedule was chosen.
    pub strategy: Strategy,
    /// How many steps it was expected to have, which PCT spreads its changes over.
    pub length: usize,
    /// The schedule's own seed.
    pub seed: u64,
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.strategy {
            Strategy::Random => write!(f, "random:{:#x}", self.seed),
            Strategy::Pct { depth } => write!(f, "pct:{depth}:{}:{:#x}", self.length, self.seed),
        }
    }
}

impl FromStr for Replay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is neither random:SEED nor pct:DEPTH:LENGTH:SEED");
        let number = |part: &str| match part.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).map_err(|_| wrong()),
            None => part.parse().map_err(|_| wrong()),
        };
        match text.split(':').collect::<Vec<_>>()[..] {
            ["random", seed] => Ok(Replay { strategy: Strategy::Random, length: 0, seed: number(seed)? }),
            ["pct", depth, length, seed] => Ok(Replay {
                strategy: Strategy::Pct { depth: number(depth)? as usize },
                length: number(length)? as usize,
                seed: number(seed)?,
            }),
            _ => Err(wrong()),
        }
    }
}

/// A small random number generator (SplitMix64): the schedules are to be the same with every version of every crate.
#[derive(Clone, Debug, Default)]
pub(super) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number less than `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// What one schedule follows from.
pub(super) enum Source {
    /// A seed.
    Seeded(Replay),
    /// Bytes: each makes one choice among several. Where they end, it goes on at random, always the same way.
    Given(VecDeque<u8>),
}

/// The schedule of one execution, as it unfolds.
#[derive(Default)]
struct Current {
    /// Choices that are made already.
    given: VecDeque<u8>,
    random: Random,
    strategy: Option<Strategy>,
    /// By task; the highest steps.
    priorities: Vec<i64>,
    lowest: i64,
    changes: Vec<usize>,
    steps: usize,
    max_steps: usize,
    /// The task that has just said that it polls.
    spinning: bool,
}

thread_local! {
    static CURRENT: RefCell<Current> = RefCell::new(Current::default());
}

/// Starts the schedule of an execution of at most `max_steps`.
pub(super) fn begin(source: Source, max_steps: usize) {
    let replay = match source {
        Source::Seeded(replay) => replay,
        Source::Given(given) => {
            return CURRENT.set(Current { given, max_steps, ..Current::default() });
        }
    };
    let mut random = Random::new(replay.seed);
    let changes = match replay.strategy {
        Strategy::Random => Vec::new(),
        Strategy::Pct { depth } => (1..depth).map(|_| random.below(replay.length.max(1))).collect(),
    };
    CURRENT.set(Current { random, strategy: Some(replay.strategy), changes, max_steps, ..Current::default() });
}

/// How many steps the execution has had.
pub(super) fn steps() -> usize {
    CURRENT.with_borrow(|current| current.steps)
}

/// A choice among `count`, part of the schedule.
pub(super) fn choose(count: usize) -> usize {
    CURRENT.with_borrow_mut(|current| current.below(count))
}

/// The running task polls: let somebody else run.
pub(super) fn spin() {
    CURRENT.with_borrow_mut(|current| current.spinning = true);
}

/// The tasks' ids are their lanes plus one: shuttle's main task sets up and looks at the end.
fn lane(task: TaskId) -> Option<usize> {
    usize::from(task).checked_sub(1)
}

/// Now and then a timeout fires although somebody could step.
const TIMEOUT_ODDS: usize = 16;

/// Chooses the task to step, or `None` to end the execution here.
fn choose_task(runnable: &[TaskId], running: Option<TaskId>) -> Option<TaskId> {
    if world::failed() {
        return None;
    }
    let spinning = CURRENT.with_borrow_mut(|current| {
        current.steps += 1;
        std::mem::take(&mut current.spinning)
    });
    if CURRENT.with_borrow(|current| current.steps > current.max_steps) {
        world::fail(Fault::Livelock, String::new());
        return None;
    }
    let timed = world::timed_sleepers();
    let awake = |task: &&TaskId| lane(**task).is_none_or(|lane| !world::asleep(lane));
    let mut candidates: Vec<TaskId> = runnable.iter().filter(awake).copied().collect();
    if !timed.is_empty() && (candidates.is_empty() || choose(TIMEOUT_ODDS) == 0) {
        let lane = timed[choose(timed.len())];
        world::time_out(lane);
        candidates.push(TaskId::from(lane + 1));
    }
    if candidates.is_empty() {
        world::fail(Fault::Deadlock, String::new());
        return None;
    }
    if spinning && candidates.len() > 1 {
        candidates.retain(|task| Some(*task) != running);
    }
    CURRENT.with_borrow_mut(|current| match current.strategy {
        Some(Strategy::Pct { .. }) => Some(current.by_priority(&candidates, running, spinning)),
        _ => Some(candidates[current.below(candidates.len())]),
    })
}

impl Current {
    /// A number less than `count`, which is not 0.
    fn below(&mut self, count: usize) -> usize {
        // Where there is no choice, no byte is spent: each one given decides something.
        match self.given.front() {
            Some(_) if count == 1 => 0,
            Some(&byte) => {
                self.given.pop_front();
                usize::from(byte) % count
            }
            None => self.random.below(count),
        }
    }

    fn by_priority(&mut self, candidates: &[TaskId], running: Option<TaskId>, spinning: bool) -> TaskId {
        for &task in candidates {
            while self.priorities.len() <= usize::from(task) {
                self.priorities.push((self.random.next() >> 1) as i64);
            }
        }
        if let Some(running) = running.filter(|_| spinning || self.changes.contains(&self.steps)) {
            self.lowest -= 1;
            self.priorities[usize::from(running)] = self.lowest;
        }
        let priority = |task: &&TaskId| self.priorities[usize::from(**task)];
        *candidates.iter().max_by_key(priority).expect("somebody can step")
    }
}

/// Our choices, as shuttle asks for them. `next` starts an execution, or says that there are to be no more.
pub(super) struct Chooser<F: FnMut() -> bool> {
    pub next: F,
}

impl<F: FnMut() -> bool> Scheduler for Chooser<F> {
    fn new_execution(&mut self) -> Option<Schedule> {
        (self.next)().then(|| Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], running: Option<TaskId>, _: bool) -> Option<TaskId> {
        let runnable: Vec<TaskId> = runnable.iter().map(|task| task.id()).collect();
        choose_task(&runnable, running)
    }

    fn next_u64(&mut self) -> u64 {
        CURRENT.with_borrow_mut(|current| current.random.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_survives_being_printed() {
        for strategy in [Strategy::Random, Strategy::Pct { depth: 3 }] {
            let length = if strategy == Strategy::Random { 0 } else { 40 };
            let replay = Replay { strategy, length, seed: 0xdead_beef };
            assert_eq!(replay.to_string().parse(), Ok(replay));
        }
        assert!("random:".parse::<Replay>().is_err());
        assert!("pct:1:2".parse::<Replay>().is_err());
    }
}
