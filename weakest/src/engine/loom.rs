//! The engine over [loom](https://docs.rs/loom): every interleaving up to a bound of preemptions, and the stale reads that weak memory
//! allows.
//!
//! loom's types are named, so no `--cfg loom` is needed. What this platform does about loom's known holes:
//!
//! | hole in loom 0.7.3 | here |
//! |---|---|
//! | an atomic forgets that a thread loaded it once the thread does something else to it (#166, #392) | every access first touches shadow objects, on which every write and every other access depend (see `shadow`) |
//! | a `Notify` hands what its notifier knows to any thread that is about to notify as well | not used for shadows |
//! | park and unpark carry happens-before, a futex does not | a sleeper first polls and yields, and parks only when it was run in vain (see `futex`) |
//! | a plain store may slip, in modification order, between a read-modify-write and what it read | a store to an atomic that has seen read-modify-writes comes after all that was executed |
//! | `max_permutations` and `max_duration` end a run as if it had passed | not used; [`check`] counts by itself and reports [`Coverage::Cut`] |
//! | a fence is no point of switching | a `SeqCst` fence touches shadow objects too |
//!
//! What stays out of reach: the light half of an asymmetric fence, which is a full one here, so that what two light halves miss
//! goes unseen (the explorer sees it); load buffering; more than 7 stores of history per atomic; more than 5 threads; the total order of
//! `SeqCst` loads and stores, which loom treats as `AcqRel` (use fences); spurious failures of
//! `compare_exchange_weak` (it is strong here); spurious wake-ups; which of several sleepers a wake picks (the longest
//! asleep). A timeout fires only when no other thread can step. A thread that has yielded or slept does not read again a
//! value that it had read before, if there is a newer one.

mod atomic;
mod cell;
mod explore;
mod futex;
mod history;
mod platform;
mod shadow;

pub use atomic::{LoomBool, LoomI32, LoomPtr, LoomU32, LoomU64, LoomUsize};
pub use cell::LoomCell;
pub use explore::check;
pub use platform::Loom;

#[cfg(doc)]
use crate::run::Coverage;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

/// How far to search.
#[derive(Clone, Debug, Default)]
pub struct LoomOptions {
    /// The most preemptions in one execution; `None` searches all.
    pub preemption_bound: Option<usize>,
    /// Fewer executions than this mean that loom has swallowed interleavings, and fail. Not looked at when somebody
    /// dies.
    pub least_executions: u64,
    /// Stop after so many executions.
    pub max_executions: Option<u64>,
    /// Stop after so much time.
    pub max_time: Option<Duration>,
    /// Stop when this becomes true.
    pub stop: Option<Arc<AtomicBool>>,
    /// Counts executions as they are done, for a progress bar.
    pub progress: Option<Arc<AtomicU64>>,
}
