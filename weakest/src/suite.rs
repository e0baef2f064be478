//! Scenarios and engines with their types forgotten, so that they fit in a list.

#[cfg(feature = "loom")]
use crate::engine::loom;
#[cfg(feature = "shuttle")]
use crate::engine::shuttle;
use crate::explorer;
use crate::facade::{Native, Operation, Order, Site};
use crate::run::{Changes, Run, Verdict};
use crate::scenario::{Scenario, Thread};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A scenario of any type. Every [`Scenario`] is one.
pub trait Case: Send + Sync {
    /// The scenario's name.
    fn name(&self) -> String;
    /// The scenario in a sentence.
    fn about(&self) -> String;
    /// Its threads, to be looked at; their bodies are not to be run.
    fn threads(&self) -> Vec<Thread>;
    /// Explores it with loom.
    #[cfg(feature = "loom")]
    fn loom(&self, changes: Changes, options: &loom::LoomOptions) -> Run;
    /// Samples it with shuttle.
    #[cfg(feature = "shuttle")]
    fn shuttle(&self, changes: Changes, options: &shuttle::ShuttleOptions) -> Run;
    /// Explores it with the explorer.
    fn explore(&self, changes: Changes, options: &explorer::ExplorerOptions) -> Run;
}

impl<S: Scenario> Case for S {
    fn name(&self) -> String {
        Scenario::name(self)
    }

    fn about(&self) -> String {
        Scenario::about(self)
    }

    fn threads(&self) -> Vec<Thread> {
        self.program::<Native>().threads
    }

    #[cfg(feature = "loom")]
    fn loom(&self, changes: Changes, options: &loom::LoomOptions) -> Run {
        captioned(self, loom::check(self, changes, options))
    }

    #[cfg(feature = "shuttle")]
    fn shuttle(&self, changes: Changes, options: &shuttle::ShuttleOptions) -> Run {
        captioned(self, shuttle::check(self, changes, options))
    }

    fn explore(&self, changes: Changes, options: &explorer::ExplorerOptions) -> Run {
        captioned(self, explorer::check(self, changes, options))
    }
}

/// Lets the scenario say what the events of a counterexample mean to it.
fn captioned<S: Scenario>(scenario: &S, mut run: Run) -> Run {
    if let Verdict::Fail(trace) = &mut run.verdict
        && let Some(captions) = scenario.program::<Native>().captions
    {
        trace.caption(&*captions);
    }
    run
}

/// An engine, and how far it is to go.
#[derive(Clone, Debug)]
pub enum Engine {
    /// loom.
    #[cfg(feature = "loom")]
    Loom(loom::LoomOptions),
    /// shuttle.
    #[cfg(feature = "shuttle")]
    Shuttle(shuttle::ShuttleOptions),
    /// [`explorer`].
    Explorer(explorer::ExplorerOptions),
}

impl Engine {
    /// The name that its runs carry.
    pub fn name(&self) -> &'static str {
        match self {
            #[cfg(feature = "loom")]
            Engine::Loom(_) => "loom",
            #[cfg(feature = "shuttle")]
            Engine::Shuttle(_) => "shuttle",
            Engine::Explorer(_) => explorer::ENGINE,
        }
    }

    /// Runs `case`.
    pub fn run(&self, case: &dyn Case, changes: Changes) -> Run {
        match self {
            #[cfg(feature = "loom")]
            Engine::Loom(options) => case.loom(changes, options),
            #[cfg(feature = "shuttle")]
            Engine::Shuttle(options) => case.shuttle(changes, options),
            Engine::Explorer(options) => case.explore(changes, options),
        }
    }

    /// Whether a pass of this engine says that the weaker `order` is enough at `site`.
    ///
    /// loom takes `SeqCst` loads, stores and read-modify-writes for `AcqRel` (its issue #180). Where no read is stale, as
    /// with shuttle, a pass says nothing about orderings; nor do samples. A failure counts under any engine.
    #[cfg_attr(not(feature = "loom"), allow(unused_variables, reason = "only loom has such a gap"))]
    pub fn judges(&self, site: &Site, order: Order) -> bool {
        let total_order = site.operation != Operation::Fence && site.order == Order::SeqCst && order != Order::SeqCst;
        match self {
            #[cfg(feature = "loom")]
            Engine::Loom(_) => !total_order,
            #[cfg(feature = "shuttle")]
            Engine::Shuttle(_) => false,
            Engine::Explorer(options) => options.memory.is_weak(),
        }
    }

    /// Whether a run may depend on the ordering at a site that no execution comes to: to tell what is decided by a read, the explorer
    /// on [`Memory::Hardware`](explorer::Memory::Hardware) tries values that were not read there.
    pub(crate) fn heeds_what_is_never_done(&self) -> bool {
        matches!(self, Engine::Explorer(options) if options.memory == explorer::Memory::Hardware)
    }

    /// The same engine, stopped when `stop` becomes true.
    pub fn stopped_by(mut self, stop: &Arc<AtomicBool>) -> Self {
        let slot = match &mut self {
            #[cfg(feature = "loom")]
            Engine::Loom(options) => &mut options.stop,
            #[cfg(feature = "shuttle")]
            Engine::Shuttle(options) => &mut options.stop,
            Engine::Explorer(options) => &mut options.stop,
        };
        *slot = Some(stop.clone());
        self
    }
}

/// A scenario, and an engine that is to run it.
#[derive(Clone)]
pub struct Entry {
    /// The scenario.
    pub case: Arc<dyn Case>,
    /// The engine.
    pub engine: Engine,
}

impl Entry {
    /// `scenario` under `engine`.
    pub fn new(scenario: impl Scenario, engine: Engine) -> Self {
        Entry { case: Arc::new(scenario), engine }
    }

    /// Runs it.
    pub fn run(&self, changes: Changes) -> Run {
        self.engine.run(&*self.case, changes)
    }
}
