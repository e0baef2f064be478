//! Calling what is somebody else's code: wakers, and what hangs on the end of something.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

/// Runs each of these, which are somebody else's code, also where one panics; that goes on when all have run.
pub(crate) fn run_each(calls: impl IntoIterator<Item = impl FnOnce()>) {
    let mut panicked = None;
    for call in calls {
        panicked = catch_unwind(AssertUnwindSafe(call)).err().or(panicked);
    }
    if let Some(panicked) = panicked
        && !thread::panicking()
    {
        resume_unwind(panicked);
    }
}
