//! One execution, operation by operation: what a counterexample is made of.
//!
//! Every engine records the same [`Event`]s; whoever prints or draws them need not know which engine ran.

use crate::facade::{Operation, Order, Site};
use std::collections::BTreeSet;

/// What an event did, beside being at its site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read `value`; `from` is the event that wrote it, if it was not the initial value.
    Read {
        /// The value read.
        value: u64,
        /// The index of the writing event.
        from: Option<usize>,
        /// Whether a newer value was there to be read already (weak memory at work).
        stale: bool,
    },
    /// Wrote `value`.
    Wrote {
        /// The value written.
        value: u64,
    },
    /// Read `read` and wrote `wrote` in one step.
    Updated {
        /// The value read.
        read: u64,
        /// The value written.
        wrote: u64,
        /// The index of the event that wrote what was read.
        from: Option<usize>,
    },
    /// Promised to write `value`: hardware has performed this write, though reads before it still wait.
    Promised {
        /// The value that will be written.
        value: u64,
    },
    /// Came to a write that it had promised.
    Kept {
        /// What was read, if it was a read-modify-write.
        read: Option<u64>,
        /// The value written.
        value: u64,
        /// The index of the event that promised it.
        promise: Option<usize>,
    },
    /// A compare-and-exchange that found another value (or failed spuriously).
    Refused {
        /// The value found.
        found: u64,
        /// The value hoped for.
        expected: u64,
        /// The index of the event that wrote what was found.
        from: Option<usize>,
    },
    /// A fence.
    Fenced,
    /// Fell asleep, expecting `expected` in the word.
    Slept {
        /// The expected value.
        expected: u64,
    },
    /// Did not sleep: the word held something else.
    DidNotSleep {
        /// The expected value.
        expected: u64,
        /// The value found.
        found: u64,
    },
    /// Woke up, by the event at this index, or for no reason.
    Awoke {
        /// The index of the waking event.
        by: Option<usize>,
    },
    /// A wait's time was up.
    TimedOut,
    /// Woke this many sleepers.
    Woke {
        /// How many.
        count: usize,
    },
    /// Was killed; the object is the lock that it had announced, if it had.
    Died,
    /// The operating system cleaned up after a dead thread: what it did, in words.
    CleanedUp {
        /// In words, for the lane.
        what: String,
    },
    /// Returned.
    Returned,
}

/// One step of one thread.
#[derive(Clone, Debug)]
pub struct Event {
    /// The thread's index in [`Trace::threads`].
    pub thread: usize,
    /// Where; `None` for what happens to a thread (death, return).
    pub site: Option<&'static Site>,
    /// The ordering in force, which a mutant may have weakened.
    pub order: Order,
    /// The object's label, such as `head` or `word[3]`.
    pub object: String,
    /// What was done.
    pub action: Action,
    /// The [call](crate::call) of the program that it is part of.
    pub call: Option<&'static str>,
    /// What the scenario says about it (see [`Program::captions`](crate::Program::captions)).
    pub caption: Option<String>,
}

impl Event {
    /// Whether this run weakened the event's site.
    pub fn weakened(&self) -> bool {
        self.site.is_some_and(|site| site.order != self.order)
    }

    /// The operation, as the site has it.
    pub fn operation(&self) -> Option<Operation> {
        self.site.map(|site| site.operation)
    }
}

impl Trace {
    /// Lets a scenario say what the events mean to it.
    pub(crate) fn caption(&mut self, captions: &(dyn Fn(&Event) -> Option<String> + Send + Sync)) {
        for event in &mut self.events {
            event.caption = captions(event);
        }
    }
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// An assertion of the scenario or of the code under test failed.
    Assertion,
    /// Two accesses to a data word, one of them a write, that nothing orders.
    DataRace,
    /// Threads remain and none can step: a deadlock, or a lost wake-up.
    Deadlock,
    /// An outcome that the scenario does not list.
    Outcome,
    /// Steps for ever without progress.
    Livelock,
}

/// A thread that does not know of the newest value of an object, when the execution has come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignorance {
    /// The thread's index in [`Trace::threads`].
    pub thread: usize,
    /// The object's label.
    pub object: String,
    /// The values that it may still read, oldest first. The last is the newest there is.
    pub readable: Vec<u64>,
}

/// A failing execution.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The lanes: names of the threads, in order. Lanes after the program's own threads belong to the harness (the
    /// operating system, the final look).
    pub threads: Vec<String>,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// The kind of fault.
    pub fault: Fault,
    /// The fault in words: the panic's message, the racing pair, the sleepers.
    pub message: String,
    /// Whether it takes a stale read to fail, or the order in which weak memory keeps stores; `None` if nobody has tried without. What
    /// fails without is drawn without.
    pub weak: Option<bool>,
    /// What threads could still have read at the end beside the newest values, where the engine knows.
    pub ignorance: Vec<Ignorance>,
    /// The indices of the events at the heart of it: the racing pair, the lost wake and the sleep.
    pub culprits: Vec<usize>,
}

/// The events at the heart of a fault: the racing pair; those who sleep for ever, what was last done to the words they sleep
/// on, and the deaths; or else the last event.
pub(crate) fn culprits(fault: Fault, events: &[Event]) -> Vec<usize> {
    let Some(last) = events.len().checked_sub(1) else { return Vec::new() };
    match fault {
        Fault::DataRace => {
            let write = |index: usize| matches!(events[index].action, Action::Wrote { .. });
            let other = (0..last).rfind(|&index| {
                events[index].object == events[last].object
                    && events[index].thread != events[last].thread
                    && (write(index) || write(last))
            });
            other.into_iter().chain([last]).collect()
        }
        Fault::Deadlock => {
            let asleep = |index: &usize| {
                matches!(events[*index].action, Action::Slept { .. })
                    && events[index + 1..].iter().all(|event| event.thread != events[*index].thread)
            };
            let touched = |sleep: usize| {
                (0..events.len()).rfind(|&index| {
                    events[index].object == events[sleep].object
                        && events[index].thread != events[sleep].thread
                        && matches!(
                            events[index].action,
                            Action::Woke { .. }
                                | Action::Wrote { .. }
                                | Action::Updated { .. }
                                | Action::Promised { .. }
                                | Action::CleanedUp { .. }
                        )
                })
            };
            let died = (0..events.len()).filter(|&index| events[index].action == Action::Died);
            let sleeps = (0..events.len()).filter(asleep).flat_map(|sleep| touched(sleep).into_iter().chain([sleep]));
            let culprits: BTreeSet<usize> = sleeps.chain(died).collect();
            culprits.into_iter().collect()
        }
        Fault::Assertion | Fault::Outcome | Fault::Livelock => vec![last],
    }
}
