//! An engine that misses nothing: every state of a scenario under release/acquire memory, without any bound.
//!
//! Complete for RC11 without load buffering: relaxed, acquire, release and acquire-release accesses, fences of all
//! strengths, read-modify-writes, release sequences, data words with race detection, futex wait and wake, death of any
//! mortal thread before any step. `weakest/docs/explorer.md` explains it to somebody who has used loom.
//!
//! | module | holds |
//! |---|---|
//! | `operation` | what a thread may ask of memory, and the answers |
//! | `platform` | [`Explorer`], the platform that bodies run on |
//! | `replay` | a body run along a history, up to its next operation |
//! | `tree` | each thread as a tree of histories, so that each is run once |
//! | `sample` | executions at random instead of a search |
//! | `values` | what has been seen in each place |
//! | `view` | what somebody knows |
//! | `state` | a state of the machine, and its encoding |
//! | `memory` | loads, stores and fences on a state |
//! | `chart` | the order of sequentially consistent accesses |
//! | `promised` | writes that are performed early |
//! | `canon` | one representative for states that nobody can tell apart |
//! | `machine` | the successors of a state |
//! | `touched` | which thread may ever touch what |
//! | `faults` | faults to be seeded, so that the tests can be tested |
//! | `search` | breadth-first search, outcomes |
//! | `level`, `visited` | the states of one level, and all that were seen |
//! | `livelock` | whether every execution can still end |

mod canon;
mod chart;
mod faults;
mod level;
mod livelock;
mod machine;
mod memory;
mod operation;
mod platform;
mod promised;
mod replay;
mod sample;
mod search;
mod state;
mod touched;
mod tree;
mod values;
mod view;
mod visited;

pub use crate::run::Statistics;
pub use platform::{Explorer, ExplorerAtomic, ExplorerCell};

use crate::run::{Changes, Coverage, Run, Verdict};
use crate::scenario::{Outcomes, Program, Scenario};
use crate::trace::{Trace, culprits};
use machine::{Failure, World};
use search::{Ending, Found, Search, Story};
use state::Sizes;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;
use tree::{Tree, lock};

/// The name of this engine in a [`Run`].
pub const ENGINE: &str = "explorer";

/// Which memory the threads run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// RC11 without load buffering: what the orderings of the sites promise, and nothing more.
    #[default]
    ReleaseAcquire,
    /// No read is stale and no store overtakes another, but only what the sites promise makes happens-before, by which data
    /// races are judged: what interleaving and a race detector can see. What passes here and fails on
    /// [`ReleaseAcquire`](Memory::ReleaseAcquire) needs weak memory.
    Interleaved,
    /// Sequential consistency: every access is ordered with every other. What fails here needs no weak memory.
    SequentiallyConsistent,
    /// What ARMv8 and RISC-V do on top of [`ReleaseAcquire`](Memory::ReleaseAcquire): a store may be performed while a relaxed
    /// read before it still waits (load buffering). Dependencies of value, data and address are respected, and so are those
    /// of control, as far as the code cannot do without a branch.
    Hardware,
    /// The same without dependencies of control, in which one must trust the compiler.
    HardwareStrict,
}

impl Memory {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Memory::ReleaseAcquire => "rc11",
            Memory::Interleaved => "interleaved",
            Memory::SequentiallyConsistent => "sc",
            Memory::Hardware => "hardware",
            Memory::HardwareStrict => "hardware-strict",
        }
    }

    /// Whether reads may be stale and stores overtaken.
    pub(crate) fn is_weak(self) -> bool {
        matches!(self, Memory::ReleaseAcquire) || self.is_hardware()
    }

    /// Whether stores may be performed before reads that come before them.
    fn is_hardware(self) -> bool {
        matches!(self, Memory::Hardware | Memory::HardwareStrict)
    }

    /// Whether a read that decides what is done next comes before all later stores.
    fn heeds_decisions(self) -> bool {
        self != Memory::HardwareStrict
    }
}

/// When the virtual time passes, and waits with a deadline time out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Time {
    /// Never: waits with a deadline sleep like those without.
    Stands,
    /// Any sleeper's time may be up at any moment, since threads may be slow: nothing comes too early or too late by itself.
    #[default]
    PassesAtWill,
    /// Only when no thread can step, and then to the nearest deadline, as if steps took no time: a wait that ends after its
    /// deadline has itself to blame.
    PassesInIdleness,
}

/// How often something unasked-for may happen in one execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Often {
    /// Not at all.
    Never,
    /// Up to so many times (at most 254).
    AtMost(u8),
    /// Without limit.
    Always,
}

impl Often {
    fn budget(self) -> u8 {
        match self {
            Often::Never => 0,
            Often::AtMost(times) => times.min(254),
            Often::Always => u8::MAX,
        }
    }
}

/// Which parts of the search may be saved. Nothing is lost; switching them off is for checking just that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reductions {
    /// Steps that commute with all that others can do are taken at once.
    pub local_steps: bool,
    /// States that nobody can tell apart are one.
    pub canonical_states: bool,
}

impl Default for Reductions {
    fn default() -> Self {
        Reductions { local_steps: true, canonical_states: true }
    }
}

/// How far a search has come, for somebody who watches it.
#[derive(Debug, Default)]
pub struct Progress {
    /// States met so far.
    pub states: AtomicU64,
    /// States met but not looked into yet.
    pub frontier: AtomicU64,
}

/// What to explore, and how.
#[derive(Clone, Debug)]
pub struct ExplorerOptions {
    /// The memory model.
    pub memory: Memory,
    /// How many mortal threads may die in one execution, each before any of its steps.
    pub deaths: u8,
    /// Waits that return although nobody woke them. No thread can count on it: who sleeps with nobody left to wake it
    /// is a lost wake-up all the same.
    pub spurious_wakes: Often,
    /// `compare_exchange_weak` that fails although the value is the expected one.
    pub weak_failures: Often,
    /// When the virtual time passes.
    pub time: Time,
    /// Whether to look for states from which no end can be reached. Costs 8 bytes per transition to a state
    /// met before.
    pub liveness: bool,
    /// Stop, and say so, after so many states.
    pub max_states: Option<u64>,
    /// Stop, and say so, when this becomes true.
    pub stop: Option<Arc<AtomicBool>>,
    /// Where to report progress.
    pub progress: Option<Arc<Progress>>,
    /// How many OS threads to search with.
    pub workers: usize,
    /// How many operations a retry loop is watched going round before it is taken for one that never ends by itself.
    pub lookahead: usize,
    /// What may be saved.
    pub reductions: Reductions,
    /// Instead of the search so many executions at random, as a sampler makes them, at whose every step one of all ways on is
    /// taken. For comparison: what it does not find may well be there. Liveness is not looked at.
    pub samples: Option<u64>,
}

impl Default for ExplorerOptions {
    fn default() -> Self {
        ExplorerOptions {
            memory: Memory::ReleaseAcquire,
            deaths: 0,
            spurious_wakes: Often::Never,
            weak_failures: Often::Always,
            time: Time::PassesAtWill,
            liveness: true,
            max_states: None,
            stop: None,
            progress: None,
            workers: cores(),
            lookahead: 2000,
            reductions: Reductions::default(),
            samples: None,
        }
    }
}

/// How many cores there are. Asked for once: the operating system reads files for the answer, which takes as long as exploring a
/// tiny program.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

impl ExplorerOptions {
    /// What may happen beside the scenario's own steps, and on what memory, in words; nothing that is taken for granted.
    fn setting(&self) -> String {
        let often = |often: Often, what: &str| match often {
            Often::Never => None,
            Often::AtMost(times) => Some(format!("≤ {times} {what}")),
            Often::Always => Some(what.into()),
        };
        let parts = [
            match self.memory {
                Memory::ReleaseAcquire => None,
                Memory::Interleaved => Some("no stale reads".into()),
                Memory::SequentiallyConsistent => Some("sequentially consistent".into()),
                Memory::Hardware => Some("hardware".into()),
                Memory::HardwareStrict => Some("hardware, no control dependencies".into()),
            },
            (self.deaths > 0).then(|| format!("≤ {} deaths", self.deaths)),
            often(self.spurious_wakes, "spurious wake-ups"),
        ];
        parts.into_iter().flatten().collect::<Vec<String>>().join(", ")
    }
}

/// Explores a scenario.
pub fn check<S: Scenario>(scenario: &S, changes: Changes, options: &ExplorerOptions) -> Run {
    let (mut run, _) = explore(scenario, changes, options);
    simplify(scenario, changes, options, &mut run);
    run
}

/// Draws a failure that weak memory has shown without a stale read, if it shows without, too: that is easier to follow.
///
/// Not looked for in more than four times the states that the failure took.
fn simplify<S: Scenario>(scenario: &S, changes: Changes, options: &ExplorerOptions, run: &mut Run) {
    let Verdict::Fail(trace) = &mut run.verdict else { return };
    if options.memory != Memory::ReleaseAcquire || options.samples.is_some() {
        return;
    }
    let limit = run.states.map_or(1000, |states| 4 * states + 1000);
    let plain = ExplorerOptions {
        memory: Memory::Interleaved,
        max_states: Some(options.max_states.map_or(limit, |most| most.min(limit))),
        progress: None,
        ..options.clone()
    };
    let (again, _) = explore(scenario, changes, &plain);
    match again.verdict {
        Verdict::Fail(plain) if plain.fault == trace.fault => {
            **trace = Trace { weak: Some(false), ..*plain };
        }
        Verdict::Pass => trace.weak = Some(true),
        _ => {}
    }
}

/// Explores a scenario, and tells what that took.
pub fn explore<S: Scenario>(scenario: &S, changes: Changes, options: &ExplorerOptions) -> (Run, Statistics) {
    let begun = Instant::now();
    let plain;
    let options = match options.samples {
        None => options,
        // Where steps are taken at once nobody comes between.
        Some(_) => {
            let reductions = Reductions { local_steps: false, ..options.reductions };
            plain = ExplorerOptions { reductions, ..options.clone() };
            &plain
        }
    };
    let mut run = Run {
        scenario: scenario.name(),
        engine: ENGINE,
        executions: 0,
        states: None,
        statistics: None,
        setting: options.setting(),
        coverage: Coverage::Cut("not run".into()),
        verdict: Verdict::Pass,
        outcomes: BTreeSet::new(),
        killed_before: BTreeSet::new(),
        reached: BTreeSet::new(),
        replay: None,
        elapsed: begun.elapsed(),
    };
    let (program, objects) = replay::build(|| scenario.program::<Explorer>());
    let sizes =
        Sizes { locations: objects.locations.len(), threads: program.threads.len(), words: objects.words.len() };
    if sizes.slots() > 128 || sizes.threads > 32 {
        run.verdict = Verdict::NotRun(format!(
            "{} threads and {} atomics are more than a state has room for",
            sizes.threads, sizes.locations
        ));
        replay::discard(program);
        return (run, Statistics::default());
    }
    let deaths = options.deaths > 0 || changes.death.is_some();
    // A thread that dies at a numbered step keeps its numbering.
    let fold = move |body: u16| changes.death.is_none_or(|death| death.thread != body as usize);
    let allowed = scenario.outcomes();
    let mut statistics = Statistics::default();
    let world = |tree: &Mutex<Tree>| World {
        options,
        objects: &objects,
        sizes,
        names: program.threads.iter().map(|thread| thread.name.clone()).collect(),
        mortal: program.threads.iter().map(|thread| thread.mortal).collect(),
        death: changes.death,
        hooked: program.on_death.is_some(),
        touched: lock(tree).touched.clone(),
    };
    let mut tree = Tree::new(&program, changes.mutant, options.lookahead, sizes, deaths, fold, objects.clone());
    tree.heeds_decisions = options.memory == Memory::Hardware;
    let tree = Mutex::new(tree);
    let found = loop {
        match Search::new(&world(&tree), &program, &tree, &allowed).run() {
            // Whoever is accused has a right to all that is known.
            Ending::Found(found)
                if found.failure.is_some()
                    && options.memory == Memory::Hardware
                    && lock(&tree).remember_decisions() => {}
            Ending::Found(found) => break *found,
            Ending::Surprised => drop(lock(&tree).remember_decisions()),
        }
        statistics.restarts += 1;
    };
    statistics.transitions = found.transitions;
    statistics.bytes_per_state = found.bytes as f64 / found.states.max(1) as f64;
    statistics.histories = lock(&tree).len() as u64;
    run.reached = lock(&tree).reached();
    statistics.depth = found.levels;
    statistics.largest_level = found.largest_level;
    judge(&mut run, &program, found, &allowed, changes, options);
    run.elapsed = begun.elapsed();
    statistics.states_per_second = run.states.unwrap_or(0) as f64 / run.elapsed.as_secs_f64();
    run.statistics = Some(statistics);
    drop(tree);
    replay::discard(program);
    (run, statistics)
}

fn judge(
    run: &mut Run,
    program: &Program,
    found: Found,
    allowed: &Outcomes,
    changes: Changes,
    options: &ExplorerOptions,
) {
    run.executions = found.executions;
    run.states = Some(found.states);
    run.outcomes = found.outcomes;
    run.killed_before = found.killed_before;
    run.coverage = found.coverage;
    run.verdict = if let Some((failure, story)) = found.failure {
        Verdict::Fail(Box::new(trace(program, failure, story)))
    } else if let Coverage::Sampled(_) = run.coverage {
        Verdict::Pass
    } else if run.coverage != Coverage::Exhausted {
        Verdict::Cut
    } else {
        match allowed {
            // Stronger memory, or a death for certain, may well rule an outcome out.
            Outcomes::Exactly(stated)
                if options.memory.is_weak() && changes.death.is_none() && !stated.is_subset(&found.unharmed) =>
            {
                Verdict::Unreached(stated.difference(&found.unharmed).cloned().collect())
            }
            _ => Verdict::Pass,
        }
    };
}

/// The counterexample.
fn trace(program: &Program, failure: Failure, story: Story) -> Trace {
    let Story { events, ignorance } = story;
    let mut threads: Vec<String> = program.threads.iter().map(|thread| thread.name.clone()).collect();
    threads.extend(["system".into(), "final look".into()]);
    let culprits = culprits(failure.fault, &events);
    Trace { threads, events, fault: failure.fault, message: failure.message, weak: None, ignorance, culprits }
}
