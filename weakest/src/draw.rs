//! Pictures of a [`Trace`](crate::trace::Trace).
//!
//! | module | holds |
//! |---|---|
//! | [`words`] | an event, and what went wrong, in words |
//! | [`text`] | one column for each thread, for a terminal |
//! | [`svg`] | one lane for each thread, for a page |

pub mod svg;
pub mod text;
pub mod words;
