//! Pictures of a [`Trace`](crate::trace::Trace).
//!
//! | module | holds |
//! |---|---|
//! | [`words`] | an event, and what went wrong, in words |
//! | [`text`] | one column for each thread, for a terminal |
//! | `fold` | rounds that repeat, drawn once |
//! | [`svg`] | one lane for each thread, for a page |

mod fold;
pub mod svg;
pub mod text;
pub mod words;
