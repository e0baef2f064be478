//! Making a wait return from outside.
//!
//! Two flags and the reader's bells. Whoever interrupts sets the flag first and rings then; the reader silences its bell, or
//! registers its waker, first and looks at the flag then. The bell is an eventfd and the waker lies under a mutex, so that
//! either the reader sees the flag or the ring comes after it and wakes.

use crate::orderings::{INTERRUPT, INTERRUPTIBLE};
use crate::protocol::memory::bell;
use crate::ring::Ring;
use core::sync::atomic::AtomicBool;
use std::sync::Weak;

/// Makes a [`Reader`](crate::Reader)'s wait return: from [`Reader::interrupter`](crate::Reader::interrupter), for any thread.
///
/// All copies act on the one reader. One that has outlived it does nothing.
#[derive(Clone, Debug)]
pub struct Interrupter {
    ring: Weak<Ring>,
}

impl Interrupter {
    pub(crate) fn new(ring: Weak<Ring>) -> Self {
        Interrupter { ring }
    }

    /// Makes the wait that is going on return, or the next one if there is none: [`wait`](crate::Reader::wait) with `head` as
    /// it is, [`wait_blocking`](crate::Reader::wait_blocking) and
    /// [`read_message_blocking`](crate::Reader::read_message_blocking) with `None`. A wait that finds what it waits for returns
    /// that, and leaves the interruption to the next. Several before a wait returns are one.
    ///
    /// Not for signal handlers: a waker may be called.
    pub fn interrupt(&self) {
        if let Some(ring) = self.ring.upgrade() {
            ring.interrupts.raise();
            ring.doorbell.ring(bell::WAKER | bell::DESCRIPTOR);
        }
    }
}

/// Whether a ring's reader is, and may be, interrupted.
#[derive(Debug, Default)]
pub(crate) struct Interrupts {
    possible: AtomicBool,
    raised: AtomicBool,
}

impl Interrupts {
    /// From now on the reader sleeps where an interruption reaches it.
    pub(crate) fn allow(&self) {
        self.possible.store(true, INTERRUPTIBLE);
    }

    pub(crate) fn are_possible(&self) -> bool {
        self.possible.load(INTERRUPTIBLE)
    }

    fn raise(&self) {
        self.raised.swap(true, INTERRUPT);
    }

    /// Whether there was one, which then is over.
    pub(crate) fn take(&self) -> bool {
        self.are_possible() && self.raised.swap(false, INTERRUPT)
    }
}
