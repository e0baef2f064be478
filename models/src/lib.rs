//! The ring under the checkers.
//!
//! Everything here is about the ring; the engines, the pictures and the report are the `weakest` package's.
//!
//! | module | holds |
//! |---|---|
//! | [`memory`] | a ring of a few words on a model's heap, for the protocol core to run on |
//! | [`actors`] | what writers, readers and the final look do, in every scenario alike |
//! | [`scenarios`] | the situations, one per file |
//! | [`suite`] | which engine runs which situation, how far, at which level of patience |

pub mod actors;
pub mod memory;
pub mod programs;
pub mod scenarios;
pub mod spec;
pub mod suite;
