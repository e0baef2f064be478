//! The engines that explore a [`Scenario`](crate::Scenario) by running its threads for real, one at a time.
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

mod actor;
pub mod loom;
mod quiet;
pub mod shuttle;
mod world;
