//! One execution, operation by operation: what a counterexample is made of.
//!
//! Every engine records the same [`Event`]s; whoever prints or draws them need not know which engine ran.

use crate::facade::{Operation, Order, Site};

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
    /// Was killed.
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
    /// The indices of the events at the heart of it: the racing pair, the lost wake and the sleep.
    pub culprits: Vec<usize>,
}
