//! Ending a collector from elsewhere.

use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// Ends a [`Collector`](crate::Collector), from any thread.
#[derive(Clone, Debug)]
pub struct Stopper {
    event: Arc<OwnedFd>,
}

impl Stopper {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Stopper { event: Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?) })
    }

    /// From now on nobody is admitted and every write is refused; the collector ends once it has told of everything that was accepted
    /// before, and of what was lost. May be called
    /// more than once, and by a signal's handler.
    pub fn stop(&self) {
        // It fails only where it has been called 2⁶⁴ - 2 times.
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
    }
}

impl AsFd for Stopper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
