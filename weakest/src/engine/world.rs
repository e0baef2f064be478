//! One execution's bookkeeping: who steps, who sleeps, who dies, and what has happened so far.
//!
//! Ordinary thread-local state, outside of any memory model: the model's threads take turns on one operating-system
//! thread, and whoever runs is `current`. An engine calls [`resume`] with its own lane after everything that may have
//! let another thread run.

mod history;
mod sleepers;

use crate::declared;
use crate::facade::{Operation, Order, Site};
use crate::run::{Changes, Death};
use crate::trace::Fault;
use history::{Log, Record};
use rustc_hash::{FxBuildHasher, FxHashSet};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use history::{object, record, record_clean_up, record_read, record_refusal, record_update, surely_newest};
use sleepers::Sleeper;
pub(crate) use sleepers::{
    WakeUp, asleep, block, is_next_to_time_out, now, sleep, time_out, timed_sleepers, wake, woken,
};

/// What unwinds a thread that the harness kills.
pub(crate) struct Killed;

/// A lock word that the operating system looks at when the thread that announced it dies.
pub(crate) trait LockWord: Send + Sync {
    /// Does what the table of `Platform::announce` says for the dead thread of this id.
    fn clean_up(&self, dead: u32);
    /// Its name.
    fn object(&self) -> Object;
}

/// The name of an object in this execution.
pub(crate) type Object = usize;

/// What went wrong, before the trace is put together.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub fault: Fault,
    pub message: String,
}

#[derive(Default)]
pub(crate) struct World {
    changes: Changes,
    lanes: Vec<String>,
    current: usize,
    steps: Vec<usize>,
    ended: Vec<bool>,
    announced: Vec<Option<Arc<dyn LockWord>>>,
    records: Vec<Record>,
    objects: Vec<Log>,
    sleepers: Vec<Sleeper>,
    /// The call of the program that each lane is in.
    calls: Vec<Option<&'static str>>,
    now: Duration,
    pub failure: Option<Failure>,
    /// Whether the final look is over: nothing counts any more.
    over: bool,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
    /// Over all executions of a run.
    static KILLED_BEFORE: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
    /// Likewise.
    static REACHED: RefCell<FxHashSet<&'static str>> = const { RefCell::new(FxHashSet::with_hasher(FxBuildHasher)) };
}

fn with<R>(look: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(|world| look(world.as_mut().expect("a model's object was used outside of an execution")))
}

/// Starts an execution. The lane that sets it up is the first and only one until [`cast`].
pub(crate) fn begin(changes: Changes) {
    let world = World { changes, lanes: vec!["start".into()], steps: vec![0], ..World::default() };
    WORLD.set(Some(world));
}

/// Takes what the executions since the last call were killed before.
pub(crate) fn take_killed_before() -> BTreeSet<&'static str> {
    KILLED_BEFORE.take()
}

/// Takes the sites at which the executions since the last call did something.
pub(crate) fn take_reached() -> BTreeSet<&'static str> {
    REACHED.take().into_iter().collect()
}

/// Takes the execution away: nothing in it can step any more.
pub(crate) fn take() -> Option<World> {
    WORLD.take()
}

/// Drops an execution's program, which has been looked at for the last time: what destructors do to shared memory is no part of it.
pub(crate) fn discard<T>(program: T) {
    with(|world| world.over = true);
    drop(program);
}

/// Gives every thread its lane: the program's threads in order, then the operating system, then the final look, which
/// becomes current.
pub(crate) fn cast(threads: impl Iterator<Item = String>) {
    with(|world| {
        world.lanes = threads.collect();
        let program = world.lanes.len();
        world.lanes.push("operating system".into());
        world.lanes.push("end".into());
        world.steps = vec![0; world.lanes.len()];
        world.ended = vec![false; program];
        world.announced = (0..program).map(|_| None).collect();
        world.current = program + 1;
    });
}

/// Whether the threads have their lanes; before, the scenario sets up its memory.
pub(crate) fn is_cast() -> bool {
    with(|world| !world.ended.is_empty())
}

/// The lane of the final look.
pub(crate) fn last_lane() -> usize {
    with(|world| world.lanes.len() - 1)
}

/// The operating system's lane.
pub(crate) fn system_lane() -> usize {
    with(|world| world.lanes.len() - 2)
}

/// The lane that runs.
pub(crate) fn current() -> usize {
    with(|world| world.current)
}

/// Says that `lane` runs again.
pub(crate) fn resume(lane: usize) {
    // A thread being torn down after the execution is over has nobody to tell.
    WORLD.with_borrow_mut(|world| {
        if let Some(world) = world {
            world.current = lane;
        }
    });
}

/// Enters a facade operation: counts it, kills the thread if this is where it dies, and returns its lane.
///
/// `operation` names it, for the report of a crash sweep. `None` means that it must not happen: the thread is unwinding,
/// or the execution is over.
pub(crate) fn enter(operation: &'static str) -> Option<usize> {
    if std::thread::panicking() {
        return None;
    }
    let killed = WORLD.with_borrow_mut(|world| {
        let world = world.as_mut().filter(|world| world.failure.is_none() && !world.over)?;
        let lane = world.current;
        let step = world.steps[lane];
        // Before the cast, what runs is the set-up, which is no thread of the program.
        let killed = lane < world.ended.len() && world.changes.death == Some(Death { thread: lane, step });
        world.steps[lane] += usize::from(!killed);
        Some((killed, lane))
    });
    match killed {
        Some((true, _)) => {
            KILLED_BEFORE.with_borrow_mut(|sites| sites.insert(operation));
            std::panic::resume_unwind(Box::new(Killed))
        }
        Some((false, lane)) => Some(lane),
        None => None,
    }
}

/// Enters what is done at `site`. See [`enter`].
///
/// # Panics
/// If the site is declared to be something else.
pub(crate) fn enter_at(site: &'static Site, done: Operation) -> Option<usize> {
    if !std::thread::panicking() {
        declared::check(site, done);
    }
    enter(site.name)
}

/// Says which call of the program the current lane is in; returns which it was in before.
pub(crate) fn set_call(call: Option<&'static str>) -> Option<&'static str> {
    WORLD.with_borrow_mut(|world| {
        let world = world.as_mut()?;
        let lane = world.current;
        if world.calls.len() <= lane {
            world.calls.resize(lane + 1, None);
        }
        std::mem::replace(&mut world.calls[lane], call)
    })
}

/// How many facade operations `lane` has done.
pub(crate) fn steps(lane: usize) -> usize {
    with(|world| world.steps[lane])
}

/// Says that a program's thread is through, and everything that the operating system does after it.
pub(crate) fn ended(lane: usize) {
    with(|world| world.ended[lane] = true);
}

/// Whether nobody but `lane` could step: all others have ended or sleep.
pub(crate) fn alone(lane: usize) -> bool {
    with(|world| (0..world.ended.len()).all(|other| other == lane || world.ended[other] || world.asleep(other)))
}

/// Remembers the lock word that `lane` has announced.
pub(crate) fn announce(lane: usize, word: Option<Arc<dyn LockWord>>) {
    with(|world| {
        // The operating system's and the final look's lanes do not die.
        if let Some(announced) = world.announced.get_mut(lane) {
            *announced = word;
        }
    });
}

/// Takes the word that `lane` had announced.
pub(crate) fn announced(lane: usize) -> Option<Arc<dyn LockWord>> {
    with(|world| world.announced[lane].take())
}

/// The id by which a lock names the thread of this lane.
pub(crate) fn id(lane: usize) -> u32 {
    lane as u32 + 1
}

/// The ordering in force at `site`.
pub(crate) fn order(site: &Site) -> Order {
    with(|world| world.order(site))
}

/// The ordering in force for what a compare-and-exchange that fails has found.
pub(crate) fn failure_order(failure: Option<&Site>) -> Order {
    failure.map_or(Order::Relaxed, order)
}

impl World {
    fn order(&self, site: &Site) -> Order {
        match self.changes.mutant {
            Some(mutant) if mutant.site == site.name => mutant.order,
            _ => site.order,
        }
    }
}

/// Whether this execution has failed.
pub(crate) fn failed() -> bool {
    WORLD.with_borrow(|world| world.as_ref().is_none_or(|world| world.failure.is_some()))
}

/// Fails this execution, unless it has failed already.
pub(crate) fn fail(fault: Fault, message: String) {
    with(|world| {
        world.failure.get_or_insert(Failure { fault, message });
    });
}
