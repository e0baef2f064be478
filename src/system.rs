//! System calls that a signal may interrupt.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use std::io;
use std::time::{Duration, Instant};

/// Repeats a call that a signal interrupted.
pub(crate) fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// Waits until `descriptor` has one of the events of `interest`, or hangs up; `false` when `timeout` has passed before that.
pub(crate) fn wait_for(descriptor: BorrowedFd<'_>, interest: PollFlags, timeout: Option<Duration>) -> io::Result<bool> {
    // A time beyond what the clock can count is no limit.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut watched = [PollFd::from_borrowed_fd(descriptor, interest)];
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut watched, left.as_ref()) {
            Ok(seen) => return Ok(seen != 0),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}
