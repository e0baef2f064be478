//! One execution's bookkeeping: who steps, who sleeps, who dies, and what has happened so far.
//!
//! Ordinary thread-local state, outside of any memory model: the model's threads take turns on one operating-system
//! thread, and whoever runs is `current`. An engine calls [`resume`] with its own lane after everything that may have
//! let another thread run.

use crate::facade::{Order, Site};
use crate::run::{Changes, Death};
use crate::trace::{Action, Event, Fault, Trace, culprits};
use rustc_hash::{FxBuildHasher, FxHashSet};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

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

/// A thread asleep on a word, or woken and not yet running again.
pub(crate) struct Sleeper {
    lane: usize,
    word: Object,
    timed: bool,
    end: Option<WakeUp>,
    /// How to let the thread run again, where the engine has blocked it.
    unblock: Option<Box<dyn Fn()>>,
}

/// Why a sleeper may run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WakeUp {
    /// Woken by the event of this index.
    By(usize),
    /// Its time was up.
    TimedOut,
}

struct Record {
    lane: usize,
    site: Option<&'static Site>,
    order: Order,
    object: Option<Object>,
    action: Action,
}

struct Log {
    label: String,
    /// Every value the object has held, with the event that wrote it: the order of execution.
    writes: Vec<(u64, Option<usize>)>,
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
    pub failure: Option<Failure>,
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
        let world = world.as_mut().filter(|world| world.failure.is_none())?;
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
    with(|world| {
        (0..world.ended.len()).all(|other| {
            other == lane || world.ended[other] || world.sleepers.iter().any(|s| s.lane == other && s.end.is_none())
        })
    })
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
    with(|world| match world.changes.mutant {
        Some(mutant) if mutant.site == site.name => mutant.order,
        _ => site.order,
    })
}

/// A new shared object.
pub(crate) fn object(label: String, value: u64) -> Object {
    with(|world| {
        world.objects.push(Log { label, writes: vec![(value, None)] });
        world.objects.len() - 1
    })
}

/// Records what the current lane has just done at `site`; returns the event's index.
pub(crate) fn record(site: Option<&'static Site>, object: Option<Object>, action: Action) -> usize {
    with(|world| {
        let index = world.records.len();
        let order = site.map_or(Order::Relaxed, |site| match world.changes.mutant {
            Some(mutant) if mutant.site == site.name => mutant.order,
            _ => site.order,
        });
        if let (Some(object), Action::Wrote { value } | Action::Updated { wrote: value, .. }) = (object, &action) {
            world.objects[object].writes.push((*value, Some(index)));
        }
        if let Some(site) = site {
            REACHED.with_borrow_mut(|reached| reached.insert(site.name));
        }
        world.records.push(Record { lane: world.current, site, order, object, action });
        index
    })
}

/// Which event wrote the `value` just read from `object`, and whether a newer value was there.
///
/// By value, the newest first: exact under sequential consistency; under weak memory a value that was written twice
/// may be taken for the newer one.
pub(crate) fn source(object: Object, value: u64) -> (Option<usize>, bool) {
    with(|world| {
        let writes = &world.objects[object].writes;
        let at = writes.iter().rposition(|(written, _)| *written == value);
        (at.and_then(|at| writes[at].1), at.is_some_and(|at| at + 1 < writes.len()))
    })
}

/// Whether `value` can only have been read from the newest write to `object`.
pub(crate) fn surely_newest(object: Object, value: u64) -> bool {
    with(|world| {
        let writes = &world.objects[object].writes;
        writes.last().is_some_and(|(newest, _)| *newest == value)
            && writes.iter().filter(|(written, _)| *written == value).count() == 1
    })
}

/// Records a read.
pub(crate) fn record_read(site: &'static Site, object: Object, value: u64) -> usize {
    let (from, stale) = source(object, value);
    record(Some(site), Some(object), Action::Read { value, from, stale })
}

/// Records a read-modify-write.
pub(crate) fn record_update(site: &'static Site, object: Object, read: u64, wrote: u64) -> usize {
    let (from, _) = source(object, read);
    record(Some(site), Some(object), Action::Updated { read, wrote, from })
}

/// Records a compare-and-exchange that found something else.
pub(crate) fn record_refusal(site: &'static Site, object: Object, found: u64, expected: u64) -> usize {
    let (from, _) = source(object, found);
    record(Some(site), Some(object), Action::Refused { found, expected, from })
}

/// Records the operating system's look at the lock word of a dead thread: what it `left` there, if the thread had held
/// it, and whether it looked for one sleeper to `wake`.
pub(crate) fn record_clean_up(object: Object, left: Option<u64>, wake: bool) {
    let woken = if wake { self::wake(object, 1, |_| 0) } else { 0 };
    let left_words = match left {
        Some(value) => format!("lock taken from the dead: {value:#x}"),
        None => "not the dead thread's lock".into(),
    };
    let what = if wake { format!("{left_words}, woke {woken}") } else { left_words };
    let by = record(None, Some(object), Action::CleanedUp { what });
    if let Some(value) = left {
        with(|world| world.objects[object].writes.push((value, Some(by))));
    }
}

/// Puts `lane` to sleep on `word`.
pub(crate) fn sleep(lane: usize, word: Object, timed: bool) {
    with(|world| world.sleepers.push(Sleeper { lane, word, timed, end: None, unblock: None }));
}

/// Says how the sleeping `lane` can be let run again.
pub(crate) fn block(lane: usize, unblock: Box<dyn Fn()>) {
    with(|world| {
        if let Some(sleeper) = world.sleepers.iter_mut().find(|s| s.lane == lane) {
            sleeper.unblock = Some(unblock);
        }
    });
}

/// Whether `lane` sleeps and nothing has ended its sleep.
pub(crate) fn asleep(lane: usize) -> bool {
    with(|world| world.sleepers.iter().any(|s| s.lane == lane && s.end.is_none()))
}

/// If the sleep of `lane` has been ended, forgets it and says why.
pub(crate) fn woken(lane: usize) -> Option<WakeUp> {
    with(|world| {
        let at = world.sleepers.iter().position(|s| s.lane == lane && s.end.is_some())?;
        world.sleepers.remove(at).end
    })
}

/// The lanes asleep with a timeout.
pub(crate) fn timed_sleepers() -> Vec<usize> {
    with(|world| world.sleepers.iter().filter(|s| s.timed && s.end.is_none()).map(|s| s.lane).collect())
}

/// Ends the sleep of `lane` because its time is up.
pub(crate) fn time_out(lane: usize) {
    with(|world| {
        for sleeper in world.sleepers.iter_mut().filter(|s| s.lane == lane) {
            sleeper.end = Some(WakeUp::TimedOut);
        }
    });
}

/// Wakes up to `count` sleepers of `word`; `pick` chooses among that many. Returns how many were woken. The waking event
/// must be recorded next.
pub(crate) fn wake(word: Object, count: u32, mut pick: impl FnMut(usize) -> usize) -> usize {
    let mut unblock = Vec::new();
    let woken = with(|world| {
        let by = world.records.len();
        let mut asleep: Vec<usize> = (0..world.sleepers.len())
            .filter(|&s| world.sleepers[s].word == word && world.sleepers[s].end.is_none())
            .collect();
        let mut woken = 0;
        while woken < count as usize && !asleep.is_empty() {
            let sleeper = &mut world.sleepers[asleep.remove(pick(asleep.len()))];
            sleeper.end = Some(WakeUp::By(by));
            unblock.extend(sleeper.unblock.take());
            woken += 1;
        }
        woken
    });
    unblock.iter().for_each(|unblock| unblock());
    woken
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

impl World {
    /// The trace of a failed execution.
    pub fn into_trace(mut self, failure: Failure) -> Trace {
        let sleeping = self.sleeping();
        let threads = std::mem::take(&mut self.lanes);
        let events = self.into_events();
        let culprits = culprits(failure.fault, &events);
        // An accidental panic is reported in the words of the model's lanes.
        let message = match failure.fault {
            Fault::DataRace => race(&threads, &events, &culprits),
            Fault::Deadlock => sleeping,
            _ => failure.message,
        };
        Trace { threads, events, fault: failure.fault, message, ignorance: Vec::new(), culprits }
    }

    /// Everything that happened.
    pub fn into_events(self) -> Vec<Event> {
        let event = |record: Record| Event {
            thread: record.lane,
            site: record.site,
            order: record.order,
            object: record.object.map_or(String::new(), |object| self.objects[object].label.clone()),
            action: record.action,
        };
        self.records.into_iter().map(event).collect()
    }

    fn sleeping(&self) -> String {
        let sleepers: Vec<String> = (self.sleepers.iter().filter(|s| s.end.is_none()))
            .map(|s| format!("{} on {}", self.lanes[s.lane], self.objects[s.word].label))
            .collect();
        format!("asleep for ever: {}", sleepers.join(", "))
    }
}

/// A data race in words.
fn race(lanes: &[String], events: &[Event], culprits: &[usize]) -> String {
    let side = |&index: &usize| {
        let site = events[index].site.map_or("?", |site| site.name);
        format!("{} at {site}", lanes[events[index].thread])
    };
    let object = culprits.last().map_or("a data word", |&last| events[last].object.as_str());
    let sides: Vec<String> = culprits.iter().map(side).collect();
    format!("nothing orders the accesses to {object}: {}", sides.join(", "))
}
