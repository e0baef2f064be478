//! The generated programs of a level.

use crate::work;
use iobring_models::programs::choose;
use iobring_models::programs::run::{self, Outcome, Plan};
use iobring_models::suite::Level;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use weakest::report::Programs;
use weakest::run::{Run, Verdict};

/// Of the programs that fail, so many are told of: the ones with the shortest counterexamples.
const TOLD: usize = 5;

/// Runs the programs of a level, or those whose line contains a text.
pub fn run(level: Level, only: Option<String>, stop: &Arc<AtomicBool>) -> Outcome {
    let plan = Plan { most: choose::most_states(level), only, stop: stop.clone(), ..Plan::default() };
    let progress = plan.progress.clone();
    let count = || format!("{} generated programs", progress.load(Ordering::Relaxed));
    work::while_ticking(&work::bars(), count, || run::run(&choose::shapes(level), &plan))
}

/// What that amounts to.
pub fn summary(outcome: &Outcome) -> Programs {
    Programs {
        count: outcome.programs(),
        states: outcome.states(),
        cut: outcome.tallies.iter().map(|tally| tally.cut).sum(),
        pairs: outcome.covered.len() as u64,
        uncovered: outcome.uncovered.iter().map(ToString::to_string).collect(),
    }
}

/// The failures that are worth looking at.
pub fn failures(outcome: &Outcome) -> Vec<Run> {
    let mut failures = outcome.failures.clone();
    failures.sort_by_key(|run| match &run.verdict {
        Verdict::Fail(trace) => trace.events.len(),
        _ => usize::MAX,
    });
    if failures.len() > TOLD {
        println!("{} generated programs fail; here are the {TOLD} shortest counterexamples", failures.len());
    }
    failures.truncate(TOLD);
    failures
}
