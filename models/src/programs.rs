//! Programs that nobody picked: generated from a vocabulary of calls, run under the explorer, and judged by the
//! [specification](crate::spec).
//!
//! | module | holds |
//! |---|---|
//! | [`call`] | the vocabulary |
//! | [`actor`] | what each call is over the protocol core |
//! | [`program`] | a program: its threads, the ring it starts with, who may die, how time passes |
//! | [`feature`] | what a program is made of, and which pairs there are |
//! | [`choose`] | which programs a level runs |
//! | [`run`] | runs them, and counts |

pub mod actor;
pub mod call;
pub mod choose;
pub mod feature;
pub mod program;
pub mod run;

pub use program::{Program, Specified, Start, Thread};

use core::time::Duration;

/// How long a limited wait may last.
pub const LIMIT: Duration = Duration::from_secs(2);
/// How long a writer naps.
pub const NAP: Duration = Duration::from_secs(1);
/// How long a slow writer holds the lock: longer than a limited wait.
pub const SLOW: Duration = Duration::from_secs(3);
