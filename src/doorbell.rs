//! The bells of a reader that does not sleep on the lock word: its task's waker, and a descriptor to poll.

use crate::event::Event;
use crate::process::Generation;
use crate::protocol::memory::bell;
use crate::status::Status;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// One ring's bells, in the process of the reader or in another.
#[derive(Debug)]
pub(crate) struct Doorbell {
    waker: Mutex<Option<Waker>>,
    event: Event,
    /// The reader's process, if this is it and not a fork of it. From others only the descriptor can be rung, and the
    /// owner's broker thread, which watches it, wakes the task.
    home: Option<Generation>,
}

impl Doorbell {
    pub(crate) fn new() -> Result<Self, Status> {
        Ok(Doorbell { waker: Mutex::new(None), event: Event::new()?, home: Some(Generation::current()) })
    }

    /// The bells of a reader in another process, rung by way of its descriptor.
    pub(crate) fn elsewhere(event: OwnedFd) -> Self {
        Doorbell { waker: Mutex::new(None), event: event.into(), home: None }
    }

    /// Registers the task to be woken, in place of any other.
    pub(crate) fn register(&self, waker: &Waker) {
        // A waker's clone and drop are its runtime's code, which may come here again: never under our lock.
        if !self.slot().as_ref().is_some_and(|registered| registered.will_wake(waker)) {
            let waker = waker.clone();
            let before = self.slot().replace(waker);
            drop(before);
        }
    }

    /// Forgets the registered task.
    pub(crate) fn forget(&self) {
        self.take();
    }

    fn take(&self) -> Option<Waker> {
        self.slot().take()
    }

    fn slot(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is the reader's process.
    #[inline(always)]
    pub(crate) fn is_home(&self) -> bool {
        self.home.is_some_and(Generation::is_current)
    }

    /// Wakes the registered task, if there is one.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }

    /// Rings what is `wanted` ([`bell`]).
    pub(crate) fn ring(&self, wanted: u32) {
        let at_home = self.is_home();
        if wanted & bell::DESCRIPTOR != 0 || !at_home {
            self.event.ring();
        }
        // Last, since it is somebody else's code, which may panic.
        if wanted & bell::WAKER != 0 && at_home {
            self.wake();
        }
    }

    /// Makes the descriptor unreadable again.
    pub(crate) fn silence(&self) {
        self.event.silence();
    }
}

impl AsFd for Doorbell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
