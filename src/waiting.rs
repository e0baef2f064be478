//! Blocking a thread until something has come, or a deadline.

use crate::system::retry;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// The moment at which a wait ends in any case, if there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// So much from now on. Beyond what the clock can count there is none.
    pub(crate) fn after(timeout: Option<Duration>) -> Self {
        Deadline(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// Whether it has come.
    pub(crate) fn is_over(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// How much is left until it comes.
    fn left(self) -> Option<Duration> {
        self.0.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

/// Waits until `descriptor` has one of the events of `interest`, or hangs up; `false` when the deadline has come before that.
pub(crate) fn wait_for(descriptor: BorrowedFd<'_>, interest: PollFlags, deadline: Deadline) -> io::Result<bool> {
    wait_for_any(&mut [PollFd::from_borrowed_fd(descriptor, interest)], deadline)
}

/// Waits until one of several descriptors has one of the events that it is `watched` for, or hangs up; `false` when the deadline has
/// come before that.
pub(crate) fn wait_for_any(watched: &mut [PollFd<'_>], deadline: Deadline) -> io::Result<bool> {
    let seen = retry(|| {
        let left = deadline.left().and_then(|left| Timespec::try_from(left).ok());
        poll(watched, left.as_ref())
    })?;
    Ok(seen != 0)
}

/// Waits until `future` is ready; `None` when the deadline has come before that.
pub(crate) fn block_until<T>(future: impl Future<Output = T>, deadline: Deadline) -> Option<T> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return Some(result);
        }
        match deadline.left() {
            None => thread::park(),
            Some(Duration::ZERO) => return None,
            Some(left) => thread::park_timeout(left),
        }
    }
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
