//! Where writers wait for the start, in threads or in processes; and how everybody idles.

use crate::shared::SharedBytes;
use anyhow::Result;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicBool, Ordering};
use std::thread::yield_now;

/// One start, shared with forked children.
pub struct Gate {
    memory: SharedBytes,
}

#[repr(C)]
struct Flags {
    open: AtomicBool,
    failed: AtomicBool,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Result<Self> {
        Ok(Gate { memory: SharedBytes::new(size_of::<Flags>())? })
    }

    fn flags(&self) -> &Flags {
        // SAFETY: the mapping is zeroed, aligned, large enough, and only used as these atomics.
        unsafe { &*self.memory.as_ptr().cast::<Flags>() }
    }

    /// Lets the writers through.
    pub fn open(&self) {
        self.flags().open.store(true, Ordering::Release);
    }

    /// Waits until the gate is open.
    pub fn pass(&self) {
        let mut idle = Idle::default();
        while !self.flags().open.load(Ordering::Acquire) && !self.failed() {
            idle.pause();
        }
    }

    /// Says that somebody cannot go on, so that nobody waits for him.
    pub fn fail(&self) {
        self.flags().failed.store(true, Ordering::Release);
    }

    /// Whether somebody could not go on.
    pub fn failed(&self) -> bool {
        self.flags().failed.load(Ordering::Acquire)
    }
}

/// The manners of whoever finds nothing to do: a pause long enough to leave the other side's cache line alone, and the
/// processor to somebody else if that goes on. The same for the ring and for every peer.
#[derive(Default)]
pub struct Idle {
    rounds: u32,
}

impl Idle {
    /// How many `pause` instructions make a round.
    const PAUSES: u32 = 32;
    /// After how many rounds the processor is offered to others.
    const PATIENCE: u32 = 32;

    /// There was something to do.
    pub fn reset(&mut self) {
        self.rounds = 0;
    }

    /// There was nothing to do.
    pub fn pause(&mut self) {
        self.rounds += 1;
        if self.rounds > Self::PATIENCE {
            yield_now();
        } else {
            (0..Self::PAUSES).for_each(|_| spin_loop());
        }
    }
}
