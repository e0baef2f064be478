//! Pictures of a [`Trace`](crate::trace::Trace).
//!
//! | module | holds |
//! |---|---|
//! | [`words`] | an event, and what went wrong, in words |
//! | [`text`] | one column for each thread, for a terminal |

pub mod text;
pub mod words;
