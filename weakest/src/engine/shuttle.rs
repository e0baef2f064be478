//! The engine over [shuttle](https://docs.rs/shuttle): samples of schedules that are too many to try all.
//!
//! Execution is sequentially consistent: every load reads the newest value. Orderings are judged all the same, by the
//! vector clocks in `clock`: an access to a data word that is not ordered after a conflicting one, by the orderings in
//! force, is a data race. What no data word depends on (store buffering, say) goes unseen.
//!
//! shuttle runs the threads; memory, the choice of schedules and the detection of deadlocks are ours, so that a failure
//! ends an execution silently and a schedule is replayed by one short line, [`Run::replay`].
//! A timeout may fire at any time, a wake picks any sleeper, and `compare_exchange_weak` may fail for no reason.
//! Wake-ups are never spurious: a lost one would go unnoticed.

mod clock;
mod memory;
mod platform;
mod sample;
mod schedule;

pub use memory::{ShuttleAtomic, ShuttleCell};
pub use platform::Shuttle;
pub(super) use sample::warm_up;
pub use sample::{check, replay, steer};
pub use schedule::{Replay, Strategy};

#[cfg(doc)]
use crate::run::Run;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

/// How much to sample.
#[derive(Clone, Debug)]
pub struct ShuttleOptions {
    /// How many schedules.
    pub iterations: u64,
    /// What the schedules follow from, all of them.
    pub seed: u64,
    /// How schedules are chosen.
    pub strategy: Strategy,
    /// An execution of more steps than this is given up, and the run is cut: it may be a livelock, or unlucky.
    pub max_steps: usize,
    /// Stop after so much time.
    pub max_time: Option<Duration>,
    /// Stop when this becomes true.
    pub stop: Option<Arc<AtomicBool>>,
    /// Counts executions as they are done, for a progress bar.
    pub progress: Option<Arc<AtomicU64>>,
}

impl Default for ShuttleOptions {
    /// 1000 random schedules, always the same.
    fn default() -> Self {
        ShuttleOptions {
            iterations: 1000,
            seed: 0,
            strategy: Strategy::Random,
            max_steps: 20_000,
            max_time: None,
            stop: None,
            progress: None,
        }
    }
}
