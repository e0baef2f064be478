//! What a ring must do, said a second time: a plain [`VecDeque`](std::collections::VecDeque) with the rules of admission
//! beside it.
//!
//! The tests and the fuzz targets compare the shipped ring with it. Nothing in here looks at how the library does its
//! work: expectations come from the documentation alone.
//!
//! | module | holds |
//! |---|---|
//! | [`operation`] | the operations, drawn by proptest and by the fuzzer alike |
//! | [`bytes`] | messages to write |
//! | [`child`] | forks of a test's process |
//! | [`damage`] | ways to break a ring's shared words whose consequence is known exactly |
//! | [`elsewhere`] | writers as other processes have them |
//! | [`oracle`] | the oracle |
//! | [`machine`] | runs operations on a real ring and on the oracle, and compares after each |
//! | [`page`] | the page size |
//! | [`patience`] | waiting for what nothing tells of |
//! | [`read`] | one message read, in every style there is |
//! | [`shared`] | the shared region as another process sees it |
//! | [`task`] | polling a future by hand |
//! | [`watchdog`] | ends a test that hangs |

pub mod bytes;
pub mod child;
pub mod damage;
pub mod elsewhere;
pub mod machine;
pub mod operation;
pub mod oracle;
pub mod page;
pub mod patience;
pub mod read;
pub mod shared;
pub mod task;
pub mod watchdog;
