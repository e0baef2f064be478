//! Running a scenario under loom: the search, its limits, and the search for a short counterexample.

use super::LoomOptions;
use super::platform::{self, Loom};
use crate::engine::world::{self, Failure, World};
use crate::engine::{actor, quiet};
use crate::facade::Native;
use crate::run::{Changes, Coverage, Run, Verdict};
use crate::scenario::{Outcomes, Scenario};
use crate::trace::{Fault, Trace};
use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The most scheduling decisions in one execution: beyond, it is given up.
const MAX_BRANCHES: usize = 5_000;

/// A shorter counterexample is looked for up to this many preemptions, with so many executions each.
const SHORT_PREEMPTIONS: usize = 3;
const SHORT_EXECUTIONS: u64 = 20_000;

/// What unwinds a search that has reached its limit.
struct Halt(String);

/// What unwinds an execution whose outcome the scenario does not list.
struct Unlisted(String);

#[derive(Default)]
struct Tally {
    executions: u64,
    outcomes: BTreeSet<String>,
}

struct Search {
    tally: Tally,
    failure: Option<Box<Trace>>,
    cut: Option<String>,
}

/// Explores `scenario` with loom.
pub fn check<S: Scenario>(scenario: &S, changes: Changes, options: &LoomOptions) -> Run {
    let started = Instant::now();
    let threads = scenario.program::<Native>().threads.len();
    if !(1..=::loom::MAX_THREADS).contains(&threads) {
        return not_run(scenario, format!("loom takes 1 to {} threads, not {threads}", ::loom::MAX_THREADS));
    }
    world::take_killed_before();
    world::take_reached();
    let search = search(scenario, changes, options, started);
    let killed_before = world::take_killed_before();
    let reached = world::take_reached();
    let failed = search.failure.is_some();
    let coverage = match (&search.cut, options.preemption_bound, platform::take_stepped_in()) {
        (Some(why), ..) => Coverage::Cut(why.clone()),
        (None, Some(bound), false) => Coverage::Bounded(format!("preemptions ≤ {bound}")),
        (None, Some(bound), true) => Coverage::Bounded(format!("preemptions ≤ {bound}, not all after a yield")),
        (None, None, true) => Coverage::Bounded("not all after a yield".into()),
        (None, None, false) => Coverage::Exhausted,
    };
    let verdict = match search.failure {
        Some(trace) => Verdict::Fail(shorten(scenario, changes, options, trace)),
        None if search.cut.is_some() => Verdict::Cut,
        None => judge(scenario, changes, options, &search.tally, &coverage),
    };
    Run {
        scenario: scenario.name(),
        engine: "loom",
        executions: search.tally.executions,
        states: None,
        statistics: None,
        setting: String::new(),
        coverage: if failed { Coverage::Cut("stopped at the first failure".into()) } else { coverage },
        verdict,
        outcomes: search.tally.outcomes,
        killed_before,
        reached,
        replay: None,
        elapsed: started.elapsed(),
    }
}

fn not_run<S: Scenario>(scenario: &S, why: String) -> Run {
    Run {
        scenario: scenario.name(),
        engine: "loom",
        executions: 0,
        states: None,
        statistics: None,
        setting: String::new(),
        coverage: Coverage::Cut(why.clone()),
        verdict: Verdict::NotRun(why),
        outcomes: BTreeSet::new(),
        killed_before: BTreeSet::new(),
        reached: BTreeSet::new(),
        replay: None,
        elapsed: Duration::ZERO,
    }
}

/// The verdict on a search that found no failure.
fn judge<S: Scenario>(
    scenario: &S,
    changes: Changes,
    options: &LoomOptions,
    tally: &Tally,
    coverage: &Coverage,
) -> Verdict {
    if changes.death.is_some() {
        return Verdict::Pass;
    }
    if tally.executions < options.least_executions {
        return Verdict::TooFew { expected: options.least_executions };
    }
    if let (Coverage::Exhausted, Outcomes::Exactly(listed)) = (coverage, scenario.outcomes()) {
        let unreached: BTreeSet<String> = listed.difference(&tally.outcomes).cloned().collect();
        if !unreached.is_empty() {
            return Verdict::Unreached(unreached);
        }
    }
    Verdict::Pass
}

/// Looks for the same kind of failure with as few preemptions as possible.
fn shorten<S: Scenario>(scenario: &S, changes: Changes, options: &LoomOptions, found: Box<Trace>) -> Box<Trace> {
    let most = options.preemption_bound.unwrap_or(SHORT_PREEMPTIONS).min(SHORT_PREEMPTIONS);
    for bound in 0..=most {
        let limits = LoomOptions {
            preemption_bound: Some(bound),
            max_executions: Some(SHORT_EXECUTIONS),
            stop: options.stop.clone(),
            ..LoomOptions::default()
        };
        let shorter = search(scenario, changes, &limits, Instant::now()).failure;
        if let Some(trace) = shorter.filter(|trace| trace.fault == found.fault && cost(trace) < cost(&found)) {
            return trace;
        }
    }
    found
}

/// What makes a trace hard to read: switches between lanes, then its length.
fn cost(trace: &Trace) -> (usize, usize) {
    let switches = trace.events.windows(2).filter(|pair| pair[0].thread != pair[1].thread).count();
    (switches, trace.events.len())
}

fn search<S: Scenario>(scenario: &S, changes: Changes, options: &LoomOptions, started: Instant) -> Search {
    let tally = Arc::new(Mutex::new(Tally::default()));
    let mut builder = ::loom::model::Builder::new();
    // Set here, so that no environment variable can shorten a search behind our back.
    builder.max_branches = MAX_BRANCHES;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = options.preemption_bound;
    builder.checkpoint_file = None;
    builder.log = false;
    builder.location = false;
    let result = {
        let borrowed = Borrowed(scenario, options);
        let tally = tally.clone();
        quiet::catch(move || {
            builder.check(move || {
                let (scenario, options) = borrowed.get();
                let executions = tally.lock().unwrap().executions;
                if let Some(why) = halted(options, executions, started) {
                    resume_unwind(Box::new(Halt(why)));
                }
                let outcome = execute(scenario, changes);
                let mut tally = tally.lock().unwrap();
                tally.executions += 1;
                tally.outcomes.insert(outcome);
                if let Some(progress) = &options.progress {
                    progress.fetch_add(1, Relaxed);
                }
            });
        })
    };
    let world = world::take();
    let mut search = Search { tally: std::mem::take(&mut *tally.lock().unwrap()), failure: None, cut: None };
    if let Err(caught) = result {
        match caught.payload.downcast::<Halt>() {
            Ok(halt) => search.cut = Some(halt.0),
            Err(payload) => match classify(payload) {
                Some(failure) => search.failure = Some(Box::new(trace(world, failure))),
                None => search.cut = world.map(|world| world.endless(MAX_BRANCHES)),
            },
        }
    }
    search
}

/// The scenario and the options, lent to a closure that loom wants to be `'static`.
struct Borrowed<S>(*const S, *const LoomOptions);

// SAFETY: loom calls the closure on the thread that called `search`, and only until `Builder::check` returns or unwinds;
// both references outlive that call. What loom leaks of a failed execution never runs again.
unsafe impl<S: Sync> Send for Borrowed<S> {}
// SAFETY: as above.
unsafe impl<S: Sync> Sync for Borrowed<S> {}

impl<S> Borrowed<S> {
    fn get(&self) -> (&S, &LoomOptions) {
        // SAFETY: see `Send`: both are alive whenever the closure runs.
        unsafe { (&*self.0, &*self.1) }
    }
}

fn halted(options: &LoomOptions, executions: u64, started: Instant) -> Option<String> {
    if options.stop.as_ref().is_some_and(|stop| stop.load(Relaxed)) {
        return Some(format!("stopped by hand after {executions} executions"));
    }
    if options.max_executions.is_some_and(|most| executions >= most) {
        return Some(format!("limit of {executions} executions"));
    }
    let over = |most: Duration| started.elapsed() >= most;
    if options.max_time.is_some_and(over) {
        return Some(format!("limit of {:?} after {executions} executions", options.max_time?));
    }
    None
}

/// One execution, on loom's main thread, which plays the program's first thread as well.
fn execute<S: Scenario>(scenario: &S, changes: Changes) -> String {
    world::begin(changes);
    platform::begin();
    let program = Arc::new(scenario.program::<Loom>());
    world::cast(program.threads.iter().map(|thread| thread.name.clone()));
    let threads = program.threads.len();
    let others: Vec<_> = (1..threads)
        .map(|lane| {
            let program = program.clone();
            ::loom::thread::spawn(move || actor::play(&program, lane, |_, _| ()))
        })
        .collect();
    let mut ends = vec![actor::play(&program, 0, |_, _| ())];
    for other in others {
        ends.push(other.join().expect("a model's thread that panics ends the search"));
    }
    world::resume(world::last_lane());
    let outcome = (program.finish)(&ends);
    if let (Outcomes::Exactly(listed), None) = (scenario.outcomes(), changes.death)
        && !listed.contains(&outcome)
    {
        resume_unwind(Box::new(Unlisted(outcome)));
    }
    world::discard(program);
    outcome
}

/// What loom, or the model, has panicked about; nothing if an execution was too long.
fn classify(payload: Box<dyn std::any::Any + Send>) -> Option<Failure> {
    if let Some(Unlisted(outcome)) = payload.downcast_ref() {
        return Some(Failure { fault: Fault::Outcome, message: format!("the outcome {outcome:?} is not listed") });
    }
    let words = quiet::words(&*payload);
    let fault = if words.starts_with("Causality violation") {
        Fault::DataRace
    } else if words.starts_with("deadlock; threads") {
        Fault::Deadlock
    } else if words.starts_with("Model exceeded maximum number of branches") {
        return None;
    } else {
        Fault::Assertion
    };
    let message = match fault {
        Fault::Assertion => quiet::assertion(&*payload),
        _ => words.trim().to_string(),
    };
    Some(Failure { fault, message })
}

fn trace(world: Option<World>, failure: Failure) -> Trace {
    world.expect("a search fails inside of an execution").into_trace(failure)
}
