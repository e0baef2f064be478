//! Running a scenario under shuttle: many schedules, one of them again, or one that somebody chooses.

use super::ShuttleOptions;
use super::memory::{self, Failed, tracker};
use super::platform::Shuttle;
use super::schedule::{self, Chooser, Random, Replay, Source};
use crate::engine::world::{self, Failure};
use crate::engine::{actor, quiet};
use crate::run::{Changes, Coverage, Run, Verdict};
use crate::scenario::{End, Outcomes, Scenario};
use crate::trace::{Event, Fault};
use ::shuttle::{Config, FailurePersistence, MaxSteps, Runner};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// What the samples have come to so far.
#[derive(Default)]
struct Tally {
    executions: u64,
    outcomes: BTreeSet<String>,
    /// The longest execution.
    length: usize,
    /// Whether a schedule is under way, and which, if it follows from a seed.
    begun: bool,
    replay: Option<Replay>,
    failed: bool,
    cut: Option<String>,
}

/// Samples schedules of `scenario`.
pub fn check<S: Scenario>(scenario: &S, changes: Changes, options: &ShuttleOptions) -> Run {
    let mut seeds = Random::new(options.seed);
    let strategy = options.strategy;
    let started = Instant::now();
    let lasting = options.clone();
    let plan = move |tally: &mut Tally| {
        if tally.executions == lasting.iterations {
            return None;
        }
        if lasting.stop.as_ref().is_some_and(|stop| stop.load(Relaxed)) {
            tally.cut = Some(format!("stopped by hand after {} executions", tally.executions));
            return None;
        }
        if let Some(most) = lasting.max_time.filter(|most| started.elapsed() >= *most) {
            tally.cut = Some(format!("limit of {most:?} after {} executions", tally.executions));
            return None;
        }
        Some(Source::Seeded(Replay { strategy, length: tally.length, seed: seeds.next() }))
    };
    let coverage = |executions| format!("{strategy}, {executions} schedules, seed {:#x}", options.seed);
    sample(scenario, changes, options, plan, coverage).0
}

/// Runs one schedule again.
pub fn replay<S: Scenario>(scenario: &S, changes: Changes, replay: Replay) -> Run {
    let plan = move |tally: &mut Tally| (tally.executions == 0).then_some(Source::Seeded(replay));
    sample(scenario, changes, &ShuttleOptions::default(), plan, |_| format!("one schedule, {replay}")).0
}

/// Runs the one schedule that `decisions` make: each byte is one choice (who steps, whether a timeout fires, which sleeper
/// is woken, whether a weak exchange fails), where there is one to make. A fuzzer's way to search schedules.
///
/// Returns also what happened, event by event, if nothing failed; if something did, that is in the run's trace.
pub fn steer<S: Scenario>(scenario: &S, changes: Changes, decisions: &[u8]) -> (Run, Vec<Event>) {
    let (mut given, bytes) = (Some(decisions.to_vec().into()), decisions.len());
    let plan = move |_: &mut Tally| given.take().map(Source::Given);
    sample(scenario, changes, &ShuttleOptions::default(), plan, |_| format!("one schedule, by {bytes} bytes"))
}

/// Runs the executions that `plan` asks for, until one fails. Returns also the events of the last, unless it failed.
fn sample<S: Scenario>(
    scenario: &S,
    changes: Changes,
    options: &ShuttleOptions,
    mut plan: impl FnMut(&mut Tally) -> Option<Source> + 'static,
    coverage: impl FnOnce(u64) -> String,
) -> (Run, Vec<Event>) {
    let started = Instant::now();
    let tally = Arc::new(Mutex::new(Tally::default()));
    let (max_steps, progress) = (options.max_steps, options.progress.clone());
    let chooser = {
        let tally = tally.clone();
        let next = move || {
            let mut tally = tally.lock().unwrap();
            if tally.failed || (tally.begun && world::failed()) {
                tally.failed = true;
                return false;
            }
            let Some(source) = plan(&mut tally) else { return false };
            tally.begun = true;
            if let Source::Seeded(replay) = source {
                tally.replay = Some(replay);
            }
            schedule::begin(source, max_steps);
            world::begin(changes);
            true
        };
        Chooser { next }
    };
    let borrowed = Borrowed(scenario);
    let counted = tally.clone();
    world::take_killed_before();
    world::take_reached();
    let crashed = quiet::catch(move || {
        Runner::new(chooser, config()).run(move || {
            let Some(outcome) = execute(borrowed.get(), changes) else { return };
            let mut tally = counted.lock().unwrap();
            tally.executions += 1;
            tally.outcomes.insert(outcome);
            tally.length = tally.length.max(schedule::steps());
            if let Some(progress) = &progress {
                progress.fetch_add(1, Relaxed);
            }
        });
    });
    let world = world::take();
    if let Err(crash) = crashed {
        // Every failure of a model is caught before shuttle sees it.
        panic!("shuttle itself has panicked: {}", quiet::assertion(&*crash.payload));
    }
    let mut tally = std::mem::take(&mut *tally.lock().unwrap());
    let (failure, events) = match world {
        Some(mut world) => match world.failure.take() {
            // Too many steps.
            Some(Failure { fault: Fault::Livelock, .. }) => {
                tally.cut = Some(world.endless(max_steps));
                (None, world.into_events())
            }
            Some(failure) => (Some(world.into_trace(failure)), Vec::new()),
            None => (None, world.into_events()),
        },
        None => (None, Vec::new()),
    };
    let covered = match &tally.cut {
        Some(why) => Coverage::Cut(why.clone()),
        None => Coverage::Sampled(coverage(tally.executions)),
    };
    let run = Run {
        scenario: scenario.name(),
        engine: "shuttle",
        executions: tally.executions,
        states: None,
        statistics: None,
        setting: String::new(),
        coverage: covered,
        replay: tally.replay.filter(|_| failure.is_some() || tally.cut.is_some()).map(|replay| replay.to_string()),
        verdict: match failure {
            Some(trace) => Verdict::Fail(Box::new(trace)),
            None if tally.cut.is_some() => Verdict::Cut,
            None => Verdict::Pass,
        },
        outcomes: tally.outcomes,
        killed_before: world::take_killed_before(),
        reached: world::take_reached(),
        elapsed: started.elapsed(),
    };
    (run, events)
}

/// The scenario, lent to a closure that shuttle wants to be `'static`.
struct Borrowed<S>(*const S);

// SAFETY: shuttle calls the closure on the thread that called `sample`, until `Runner::run` returns or unwinds; the
// scenario outlives that call.
unsafe impl<S: Sync> Send for Borrowed<S> {}
// SAFETY: as above.
unsafe impl<S: Sync> Sync for Borrowed<S> {}

impl<S> Borrowed<S> {
    fn get(&self) -> &S {
        // SAFETY: see `Send`: the scenario is alive whenever the closure runs.
        unsafe { &*self.0 }
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::None;
    config.silence_warnings = true;
    config
}

/// Has shuttle install its panic hook.
pub(crate) fn warm_up() {
    let once = Rc::new(RefCell::new(true));
    Runner::new(Chooser { next: move || once.replace(false) }, config()).run(|| {});
}

/// One execution, on shuttle's main task; nothing if it failed.
fn execute<S: Scenario>(scenario: &S, changes: Changes) -> Option<String> {
    // The set-up is one lane by itself; what it does happens before everything else, so its clocks are forgotten.
    memory::begin(1);
    let program = Arc::new(scenario.program::<Shuttle>());
    world::cast(program.threads.iter().map(|thread| thread.name.clone()));
    let (threads, last) = (program.threads.len(), world::last_lane());
    memory::begin(last + 1);
    let lanes: Vec<_> = (0..threads)
        .map(|lane| {
            let program = program.clone();
            tracker(|t| t.join(last, lane));
            ::shuttle::thread::spawn(move || {
                guard(|| actor::play(&program, lane, |dead, system| tracker(|t| t.join(dead, system))))
            })
        })
        .collect();
    let mut ends: Vec<End> = Vec::new();
    for (lane, thread) in lanes.into_iter().enumerate() {
        ends.push(thread.join().expect("a model's thread catches its panics")?);
        tracker(|t| t.join(lane, last));
    }
    tracker(|t| t.join(world::system_lane(), last));
    world::resume(last);
    let outcome = guard(|| (program.finish)(&ends))?;
    if let (Outcomes::Exactly(listed), None) = (scenario.outcomes(), changes.death)
        && !listed.contains(&outcome)
    {
        world::fail(Fault::Outcome, format!("the outcome {outcome:?} is not listed"));
        return None;
    }
    world::discard(program);
    Some(outcome)
}

/// Runs a part of the model; if it panics, this execution has failed.
fn guard<R>(part: impl FnOnce() -> R) -> Option<R> {
    let payload = match catch_unwind(AssertUnwindSafe(part)) {
        Ok(result) => return Some(result),
        Err(payload) => payload,
    };
    if !payload.is::<Failed>() {
        world::fail(Fault::Assertion, quiet::assertion(&*payload));
    }
    None
}
