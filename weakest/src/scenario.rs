//! What a user writes: a few threads over the facade, and what may come of them.
//!
//! A scenario is a value with a generic [`program`](Scenario::program): each engine calls it with its own platform at
//! the start of **every** execution it explores, so that shared memory is fresh, runs the threads, and hands how they
//! ended to [`finish`](Program::finish).

use crate::trace::Event;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use weakest_facade::Platform;

/// What one thread has to tell: numbers whose meaning the scenario knows.
pub type Notes = Vec<u64>;

/// How one thread ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// It returned.
    Returned(Notes),
    /// The harness killed it before the operation of this number (counted from 0, over all its facade operations).
    Died {
        /// How many operations it had done.
        after: usize,
    },
}

impl End {
    /// The notes of a thread that returned; nothing of one that died.
    pub fn notes(&self) -> &[u64] {
        match self {
            End::Returned(notes) => notes,
            End::Died { .. } => &[],
        }
    }

    /// Whether the thread was killed.
    pub fn died(&self) -> bool {
        matches!(self, End::Died { .. })
    }
}

/// One thread of a program.
pub struct Thread {
    /// The name at the head of its lane.
    pub name: String,
    /// Whether a crash sweep may kill it.
    pub mortal: bool,
    /// What it does. Must depend on nothing but the shared memory of its program: an engine may run it again from the
    /// start and answer its operations from a record.
    pub body: Box<dyn Fn() -> Notes + Send + Sync>,
}

/// A final look: from how the threads ended to the outcome's name.
pub type Finish = Box<dyn Fn(&[End]) -> String + Send + Sync>;

/// One execution's worth of threads, over fresh shared memory.
pub struct Program {
    /// The threads, all started at once.
    pub threads: Vec<Thread>,
    /// What the operating system does when a thread (its number is given) has died, beyond the clean-up of the lock word
    /// it had announced: for example, somebody notices a closed descriptor. Runs as a thread of its own, after that
    /// clean-up, at any time.
    pub on_death: Option<Box<dyn Fn(usize) + Send + Sync>>,
    /// Looks at the shared memory after every thread has ended, asserts what must hold, and names the outcome.
    pub finish: Finish,
    /// What an event of a counterexample means to the scenario, such as "the record that begins at 16"; nothing if the event speaks for
    /// itself.
    pub captions: Option<Captions>,
}

/// See [`Program::captions`].
pub type Captions = Box<dyn Fn(&Event) -> Option<String> + Send + Sync>;

impl Program {
    /// A program of no threads yet, whose outcome is always `"done"`.
    pub fn new() -> Self {
        Program { threads: Vec::new(), on_death: None, finish: Box::new(|_| "done".into()), captions: None }
    }

    /// Adds a thread that a crash sweep leaves alone.
    pub fn thread(mut self, name: impl Into<String>, body: impl Fn() -> Notes + Send + Sync + 'static) -> Self {
        self.threads.push(Thread { name: name.into(), mortal: false, body: Box::new(body) });
        self
    }

    /// Adds a thread that a crash sweep may kill before any of its operations.
    pub fn mortal(mut self, name: impl Into<String>, body: impl Fn() -> Notes + Send + Sync + 'static) -> Self {
        self.threads.push(Thread { name: name.into(), mortal: true, body: Box::new(body) });
        self
    }

    /// Sets [`on_death`](Self::on_death).
    pub fn on_death(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.on_death = Some(Box::new(hook));
        self
    }

    /// Sets [`captions`](Self::captions).
    pub fn captions(mut self, captions: impl Fn(&Event) -> Option<String> + Send + Sync + 'static) -> Self {
        self.captions = Some(Box::new(captions));
        self
    }

    /// Sets [`finish`](Self::finish).
    pub fn finish(mut self, look: impl Fn(&[End]) -> String + Send + Sync + 'static) -> Self {
        self.finish = Box::new(look);
        self
    }
}

/// The body of a thread that owns `handle`, such as the one producer of a queue, whose operations take `&mut self`.
///
/// A body may be run again from its start, so each run gets a clone of the handle as it was; derive `Clone` if it has none. The
/// clones share whatever shared memory the handle leads to.
///
/// ```
/// # use weakest::{Program, facade::{Atomic, Platform, sites}};
/// # use std::sync::Arc;
/// # sites! { /// The only producer's.
/// # PUBLISH: Store Release, "to show"; }
/// struct Queue<P: Platform> {
///     tail: P::AtomicUsize,
/// }
///
/// // Of a field that names an atomic itself, `derive` would want `Clone` too.
/// #[derive(Clone)]
/// struct Producer<P: Platform> {
///     queue: Arc<Queue<P>>,
///     own: usize,
/// }
///
/// impl<P: Platform> Producer<P> {
///     fn publish(&mut self) {
///         self.own += 1;
///         self.queue.tail.store(&PUBLISH, self.own);
///     }
/// }
///
/// fn program<P: Platform>() -> Program {
///     let queue = Queue { tail: P::AtomicUsize::new("tail", 0) };
///     let producer = Producer::<P> { queue: Arc::new(queue), own: 0 };
///     Program::new().thread("producer", weakest::owned(producer, |mut producer| {
///         producer.publish();
///         vec![]
///     }))
/// }
/// ```
pub fn owned<H: Clone + Send + 'static>(
    handle: H,
    body: impl Fn(H) -> Notes + Send + Sync + 'static,
) -> impl Fn() -> Notes + Send + Sync + 'static {
    // What is cloned may have cells in it; only its owner uses the clone.
    let handle = Mutex::new(handle);
    move || {
        let own = handle.lock().unwrap_or_else(PoisonError::into_inner).clone();
        body(own)
    }
}

impl Default for Program {
    fn default() -> Self {
        Self::new()
    }
}

/// What may come of a scenario when nobody dies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcomes {
    /// Exactly these, each of them reachable. An exhaustive engine that finds fewer has stopped exploring, and fails;
    /// a bounded one may find fewer.
    Exactly(BTreeSet<String>),
    /// Whatever passes the assertions.
    Any,
}

impl Outcomes {
    /// Exactly these outcomes.
    pub fn exactly<const N: usize>(names: [&str; N]) -> Self {
        Outcomes::Exactly(names.into_iter().map(String::from).collect())
    }
}

/// A situation to explore: written once, run by every engine.
pub trait Scenario: Send + Sync + 'static {
    /// A short unique name. The type's, unless the scenario says otherwise.
    fn name(&self) -> String {
        let full = std::any::type_name::<Self>();
        full.rsplit("::").next().unwrap_or(full).into()
    }

    /// One sentence of prose: who does what, and what must hold.
    fn about(&self) -> String {
        String::new()
    }

    /// What may come of it when nobody dies.
    fn outcomes(&self) -> Outcomes {
        Outcomes::Any
    }

    /// The threads over fresh shared memory. Called once for every execution.
    fn program<P: Platform>(&self) -> Program;
}
