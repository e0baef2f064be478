#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! | module | holds |
//! |---|---|
//! | [`mod@verify`] | one call that makes a test of a protocol |
//! | [`scenario`] | what a user writes |
//! | [`engine`] | who explores it: loom, shuttle |
//! | [`explorer`] | the engine of our own, complete for release/acquire memory |
//! | [`run`] | what an engine is asked and answers |
//! | [`trace`] | a failing execution, operation by operation |
//! | [`suite`] | scenarios and engines in a list |
//! | [`matrix`] | every ordering weakened in turn |
//! | [`sweep`] | a thread killed before each of its operations |
//! | [`shard`] | a part of all that, for several machines |
//! | [`seed`] | faults as text, behind switches: what do the scenarios notice? |
//! | [`litmus`] | what two sites order, as a litmus test for herd7 |
//! | [`draw`] | a trace as a picture |
//! | [`report`] | all of it as a page, as JSON and as JUnit XML |

mod call;
mod declared;
pub mod draw;
pub mod engine;
pub mod explorer;
pub mod litmus;
pub mod matrix;
mod parallel;
pub mod report;
pub mod run;
pub mod scenario;
pub mod seed;
pub mod shard;
pub mod suite;
pub mod sweep;
pub mod trace;
pub mod verify;

pub use call::call;
pub use scenario::{End, Notes, Outcomes, Program, Scenario, Thread, owned};
pub use verify::verify;
pub use weakest_facade as facade;
