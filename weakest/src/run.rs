//! What an engine is asked and what it answers.

use crate::facade::Order;
use crate::trace::Trace;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// An ordering weakened for one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mutant {
    /// The site's name.
    pub site: &'static str,
    /// The ordering in force at it instead of the shipped one.
    pub order: Order,
}

/// A thread to be killed in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Death {
    /// The thread's index in the program.
    pub thread: usize,
    /// It dies before its facade operation of this number, counted from 0.
    pub step: usize,
}

/// What is changed in the world for one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The weakened ordering, if any.
    pub mutant: Option<Mutant>,
    /// The death, if any.
    pub death: Option<Death>,
}

/// How much of the scenario's behaviour a run has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All of it, within the engine's memory model.
    Exhausted,
    /// All of it up to a stated bound, such as "preemptions ≤ 3".
    Bounded(String),
    /// Samples, such as "random, 2000 schedules, seed 7".
    Sampled(String),
    /// It was stopped before it was through: by a limit, or by hand. Never a pass where exhaustion was claimed.
    Cut(String),
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Coverage::Exhausted => f.write_str("exhausted"),
            Coverage::Bounded(bound) => write!(f, "bounded: {bound}"),
            Coverage::Sampled(how) => write!(f, "sampled: {how}"),
            Coverage::Cut(why) => write!(f, "CUT: {why}"),
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Nothing went wrong in what was explored.
    Pass,
    /// Something did.
    Fail(Box<Trace>),
    /// Fewer executions than the scenario must have: the engine has swallowed interleavings.
    TooFew {
        /// The least number expected.
        expected: u64,
    },
    /// A stated outcome was never reached although the exploration claims to be exhaustive.
    Unreached(BTreeSet<String>),
    /// The run was cut although it claims exhaustion.
    Cut,
    /// The engine cannot take this scenario, or is not on this machine; why.
    NotRun(String),
}

impl Verdict {
    /// Whether it is a pass.
    pub fn passed(&self) -> bool {
        matches!(self, Verdict::Pass)
    }

    /// Its kind, in a word or two that stay the same.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail(_) => "fail",
            Verdict::TooFew { .. } => "too few",
            Verdict::Unreached(_) => "unreached",
            Verdict::Cut => "cut",
            Verdict::NotRun(_) => "not run",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Pass => f.write_str("pass"),
            Verdict::Fail(trace) => write!(f, "FAIL: {:?}", trace.fault),
            Verdict::TooFew { expected } => write!(
                f,
                "TOO FEW executions: at least {expected} are expected, so the engine no longer tries some interleavings, or the code \
                 takes fewer steps than it did"
            ),
            Verdict::Unreached(outcomes) => write!(f, "UNREACHED: {outcomes:?}"),
            Verdict::Cut => f.write_str("CUT"),
            Verdict::NotRun(why) => write!(f, "not run: {why}"),
        }
    }
}

/// What a search through states took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    /// Steps from state to state, counting those to states met before.
    pub transitions: u64,
    /// Mean encoded size of a state, in bytes.
    pub bytes_per_state: f64,
    /// Distinct states met per second, with all that is done to end the search: restarts and checks included.
    pub states_per_second: f64,
    /// Distinct thread histories, each run once.
    pub histories: u64,
    /// The number of steps to the farthest state.
    pub depth: u64,
    /// The largest number of states at one distance from the start.
    pub largest_level: u64,
    /// How many searches were begun again because the threads touched more than was assumed.
    pub restarts: u32,
}

/// The answer of an engine about one scenario.
#[derive(Clone, Debug)]
pub struct Run {
    /// The scenario's name.
    pub scenario: String,
    /// The engine's name.
    pub engine: &'static str,
    /// Complete executions seen.
    pub executions: u64,
    /// Distinct states seen, where the engine has states.
    pub states: Option<u64>,
    /// What the search through them took, likewise.
    pub statistics: Option<Statistics>,
    /// What could happen beside the scenario's own steps, such as "2 deaths, spurious wake-ups"; empty if nothing could.
    pub setting: String,
    /// How much was seen.
    pub coverage: Coverage,
    /// What came of it.
    pub verdict: Verdict,
    /// The outcomes seen.
    pub outcomes: BTreeSet<String>,
    /// The sites before which the thread to die was killed, over all executions; empty if it never got that far.
    /// `announce` and `retire` stand for themselves.
    pub killed_before: BTreeSet<&'static str>,
    /// The sites at which something was done, in any execution.
    pub reached: BTreeSet<&'static str>,
    /// How to see the same failure again, for an engine that needs more than the command: a seed or a schedule.
    pub replay: Option<String>,
    /// How long it took.
    pub elapsed: Duration,
}
