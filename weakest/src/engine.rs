//! The engines that explore a [`Scenario`](crate::Scenario) by running its threads for real, one at a time.
//!
//! Each is a feature of this crate, off by default.
//!
//! | module | holds |
//! |---|---|
//! | [`loom`] | exhaustive search up to a bound of preemptions, weak memory |
//! | [`shuttle`] | random sampling of long schedules, with the orderings judged by vector clocks |
//! | `world` | one execution's bookkeeping, shared by both: who steps, who sleeps, who dies, what happened |
//! | `actor` | the life of one model thread: its body, its death, the operating system after it |
//! | `quiet` | keeps the panics inside an engine off the terminal |
//!
//! All threads of a model run on the operating-system thread that called `check`, so an engine's state is
//! thread-local and several checks may run in parallel on different threads.

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod actor;
#[cfg(feature = "loom")]
pub mod loom;
#[cfg(any(feature = "loom", feature = "shuttle"))]
mod quiet;
#[cfg(feature = "shuttle")]
pub mod shuttle;
#[cfg(any(feature = "loom", feature = "shuttle"))]
#[cfg_attr(
    not(all(feature = "loom", feature = "shuttle")),
    allow(dead_code, unused_imports, reason = "each engine uses its part")
)]
mod world;

#[cfg(any(feature = "loom", feature = "shuttle"))]
pub(crate) use world::set_call;
