//! A bell that programs can ring: a BPF ring buffer, whose descriptor is readable as long as something in it was not consumed.
//! What is in it does not matter.

use super::call;
use crate::orderings::{BELL_HEARD, BELL_SEEN};
use core::sync::atomic::AtomicU64;
use memmap2::{MmapOptions, MmapRaw};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::io;

/// A bell.
#[derive(Debug)]
pub(crate) struct Bell {
    /// Page 0: how far it was consumed. Page 1: how far it was filled, which only the kernel writes.
    positions: [MmapRaw; 2],
    fd: OwnedFd,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let page = rustix::param::page_size();
        let fd = call::ring_buffer(page as u32)?;
        let consumed = MmapOptions::new().len(page).map_raw(fd.as_raw_fd())?;
        let produced = MmapOptions::new().len(page).offset(page as u64).map_raw_read_only(fd.as_raw_fd())?;
        Ok(Bell { positions: [consumed, produced], fd })
    }

    fn position(&self, which: usize) -> &AtomicU64 {
        // SAFETY: the page stays mapped as long as the bell lives, and starts with this word, which the kernel accesses
        // atomically too. Page 1 is only read here.
        unsafe { &*self.positions[which].as_ptr().cast::<AtomicU64>() }
    }

    /// Makes the descriptor unreadable again. What led to the ringing is seen by whoever looks afterwards.
    pub(crate) fn silence(&self) {
        self.position(0).store(self.position(1).load(BELL_SEEN), BELL_HEARD);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
