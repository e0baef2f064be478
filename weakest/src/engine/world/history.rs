//! What has happened in an execution, event by event, and the trace that comes of it when it fails.

use super::{Failure, Object, REACHED, World, with};
use crate::facade::{Order, Site};
use crate::trace::{Action, Event, Fault, Trace, culprits};
use std::collections::BTreeSet;

/// One event, before the trace is put together.
pub(super) struct Record {
    lane: usize,
    site: Option<&'static Site>,
    order: Order,
    object: Option<Object>,
    action: Action,
    call: Option<&'static str>,
}

/// A shared object and what it has held.
pub(super) struct Log {
    pub(super) label: String,
    /// Every value the object has held, with the event that wrote it: the order of execution.
    writes: Vec<(u64, Option<usize>)>,
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
        let order = site.map_or(Order::Relaxed, |site| world.order(site));
        if let (Some(object), Action::Wrote { value } | Action::Updated { wrote: value, .. }) = (object, &action) {
            world.objects[object].writes.push((*value, Some(index)));
        }
        if let Some(site) = site {
            REACHED.with_borrow_mut(|reached| reached.insert(site.name));
        }
        let call = world.calls.get(world.current).copied().flatten();
        world.records.push(Record { lane: world.current, site, order, object, action, call });
        index
    })
}

/// Which event wrote the `value` just read from `object`, and whether a newer value was there.
///
/// By value, the newest first: exact under sequential consistency; under weak memory a value that was written twice
/// may be taken for the newer one.
fn source(object: Object, value: u64) -> (Option<usize>, bool) {
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
    let woken = if wake { super::wake(object, 1, |_| 0) } else { 0 };
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

/// How much of an execution's end is looked at for what it went on doing.
const TAIL: usize = 32;

impl World {
    /// Why an execution that was stopped after so many steps says nothing: the engine cannot know whether it would have ended.
    pub fn endless(&self, steps: usize) -> String {
        let last = self.records.iter().rev().take(TAIL).filter_map(|record| record.site);
        let sites: BTreeSet<&str> = last.map(|site| site.name).collect();
        let sites = Vec::from_iter(sites).join(", ");
        format!(
            "an execution was given up after {steps} steps, the last at {sites}; whether it is a livelock or was only unlucky this engine \
             cannot tell, the explorer can. A loop that tries again says `P::retry` or `P::spin`"
        )
    }

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
        Trace { threads, events, fault: failure.fault, message, weak: None, ignorance: Vec::new(), culprits }
    }

    /// Everything that happened.
    pub fn into_events(self) -> Vec<Event> {
        let event = |record: Record| Event {
            thread: record.lane,
            site: record.site,
            order: record.order,
            object: record.object.map_or(String::new(), |object| self.objects[object].label.clone()),
            action: record.action,
            call: record.call,
            caption: None,
        };
        self.records.into_iter().map(event).collect()
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
