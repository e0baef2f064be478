//! Scenarios and engines with their types forgotten, so that they fit in a list.

use crate::engine::{loom, shuttle};
use crate::explorer;
use crate::facade::Native;
use crate::run::{Changes, Run};
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
    fn loom(&self, changes: Changes, options: &loom::LoomOptions) -> Run;
    /// Samples it with shuttle.
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

    fn loom(&self, changes: Changes, options: &loom::LoomOptions) -> Run {
        loom::check(self, changes, options)
    }

    fn shuttle(&self, changes: Changes, options: &shuttle::ShuttleOptions) -> Run {
        shuttle::check(self, changes, options)
    }

    fn explore(&self, changes: Changes, options: &explorer::ExplorerOptions) -> Run {
        explorer::check(self, changes, options)
    }
}

/// An engine, and how far it is to go.
#[derive(Clone, Debug)]
pub enum Engine {
    /// [`loom`].
    Loom(loom::LoomOptions),
    /// [`shuttle`].
    Shuttle(shuttle::ShuttleOptions),
    /// [`explorer`].
    Explorer(explorer::ExplorerOptions),
}

impl Engine {
    /// The name that its runs carry.
    pub fn name(&self) -> &'static str {
        match self {
            Engine::Loom(_) => "loom",
            Engine::Shuttle(_) => "shuttle",
            Engine::Explorer(_) => explorer::ENGINE,
        }
    }

    /// Runs `case`.
    pub fn run(&self, case: &dyn Case, changes: Changes) -> Run {
        match self {
            Engine::Loom(options) => case.loom(changes, options),
            Engine::Shuttle(options) => case.shuttle(changes, options),
            Engine::Explorer(options) => case.explore(changes, options),
        }
    }

    /// The same engine, stopped when `stop` becomes true.
    pub fn stopped_by(mut self, stop: &Arc<AtomicBool>) -> Self {
        let slot = match &mut self {
            Engine::Loom(options) => &mut options.stop,
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
