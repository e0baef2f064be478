//! Results for people and for machines.
//!
//! | module | holds |
//! |---|---|
//! | [`page`] | one HTML file that needs nothing else |
//! | [`json`] | the same data with stable keys |
//! | [`junit`] | the same verdicts for a CI system |
//! | [`mod@merge`] | the JSON of several machines as that of one |
//!
//! Knows nothing of what was checked; whoever writes a report says in a [`page::Preface`] what it is about.

pub mod json;
pub mod junit;
pub mod merge;
pub mod page;
mod results;

pub use results::{Programs, Results};
