//! A bell that a descriptor is readable for: an eventfd.

use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;

/// Rung any number of times, it is readable until it is silenced.
#[derive(Debug)]
pub(crate) struct Event(OwnedFd);

impl Event {
    pub(crate) fn new() -> Result<Self, Errno> {
        Ok(Event(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    pub(crate) fn ring(&self) {
        // The only failure left is a counter about to overflow, and then it is readable anyway.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    pub(crate) fn silence(&self) {
        // Nothing to read is what is wanted.
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

/// One that somebody else has made.
impl From<OwnedFd> for Event {
    fn from(descriptor: OwnedFd) -> Self {
        Event(descriptor)
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
