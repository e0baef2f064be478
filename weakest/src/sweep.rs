//! The crash sweep: a thread killed before each of its operations in turn.

use crate::parallel;
use crate::run::{Changes, Death, Run, Verdict};
use crate::shard::Shard;
use crate::suite::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// How a sweep is run.
#[derive(Clone, Debug)]
pub struct SweepOptions {
    /// On how many threads: each takes another thread of a scenario.
    pub workers: usize,
    /// Which of the threads.
    pub shard: Shard,
    /// Stop when this becomes true.
    pub stop: Arc<AtomicBool>,
    /// Counts steps as they are done, for a progress bar.
    pub progress: Arc<AtomicU64>,
}

impl Default for SweepOptions {
    /// On all cores.
    fn default() -> Self {
        SweepOptions {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            shard: Shard::WHOLE,
            stop: Arc::default(),
            progress: Arc::default(),
        }
    }
}

/// One thread of one scenario, killed at every step.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The scenario.
    pub case: String,
    /// The engine.
    pub engine: &'static str,
    /// The thread's index.
    pub thread: usize,
    /// The thread's name.
    pub name: String,
    /// A run for each step before which it was killed, from step 0; [`Run::killed_before`] has the sites.
    pub steps: Vec<Run>,
    /// Whether the last step is one past the longest way through the thread. Otherwise the sweep was stopped.
    pub complete: bool,
}

impl Sweep {
    /// Whether every death was survived, at every step there is.
    pub fn passed(&self) -> bool {
        self.complete && !self.steps.is_empty() && self.steps.iter().all(|run| run.verdict.passed())
    }

    /// Executions in all.
    pub fn executions(&self) -> u64 {
        self.steps.iter().map(|run| run.executions).sum()
    }

    /// The deaths that were not survived: step and run.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &Run)> {
        self.steps.iter().enumerate().filter(|(_, run)| !run.verdict.passed())
    }
}

/// Sweeps every mortal thread of every entry.
pub fn run(suite: &[Entry], options: &SweepOptions) -> Vec<Sweep> {
    let mortals: Vec<(Entry, usize, String)> = (suite.iter())
        .flat_map(|entry| {
            let threads = entry.case.threads().into_iter().enumerate().filter(|(_, thread)| thread.mortal);
            let engine = entry.engine.clone().stopped_by(&options.stop);
            let entry = Entry { case: entry.case.clone(), engine };
            threads.map(move |(index, thread)| (entry.clone(), index, thread.name))
        })
        .collect();
    let mortals = options.shard.of(mortals);
    parallel::map(&mortals, options.workers, |(entry, thread, name)| sweep(entry, *thread, name, options))
}

fn sweep(entry: &Entry, thread: usize, name: &str, options: &SweepOptions) -> Sweep {
    let mut steps = Vec::new();
    let complete = loop {
        let death = Some(Death { thread, step: steps.len() });
        let run = entry.run(Changes { mutant: None, death });
        // Nobody was killed: no way through the thread is as long as this.
        if run.killed_before.is_empty() && run.verdict.passed() {
            break true;
        }
        let stopped = matches!(run.verdict, Verdict::Cut | Verdict::NotRun(_)) || options.stop.load(Relaxed);
        let unreached = run.killed_before.is_empty();
        steps.push(run);
        options.progress.fetch_add(1, Relaxed);
        if stopped || unreached {
            break false;
        }
    };
    Sweep { case: entry.case.name(), engine: entry.engine.name(), thread, name: name.into(), steps, complete }
}
