//! What a writer knows it was granted, in memory that survives its death: one page shared with the campaign.

use memmap2::{MmapOptions, MmapRaw};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use std::sync::atomic::{AtomicU64, Ordering};

/// One writer's page.
pub struct Receipts {
    page: MmapRaw,
}

/// The words of the page.
#[repr(C)]
struct Words {
    accepted: AtomicU64,
    stop: AtomicU64,
}

impl Receipts {
    /// A new page, and the descriptor by which the writer gets at it.
    pub fn new() -> (Self, OwnedFd) {
        let fd = memfd_create("receipts", MemfdFlags::CLOEXEC).expect("a memfd");
        ftruncate(&fd, rustix::param::page_size() as u64).expect("one page");
        (Self::open(&fd), fd)
    }

    /// The page behind a descriptor.
    pub fn open(fd: impl AsFd) -> Self {
        use std::os::fd::AsRawFd;
        let page =
            MmapOptions::new().len(rustix::param::page_size()).map_raw(fd.as_fd().as_raw_fd()).expect("a mapping");
        Receipts { page }
    }

    fn words(&self) -> &Words {
        // SAFETY: the page is mapped as long as `self` lives, aligned, larger than the words, and they are atomics.
        unsafe { &*self.page.as_ptr().cast::<Words>() }
    }

    /// How many messages were accepted. The writer notes it right after each.
    pub fn accepted(&self) -> u64 {
        self.words().accepted.load(Ordering::Acquire)
    }

    /// One more was accepted.
    pub fn accept(&self) {
        self.words().accepted.fetch_add(1, Ordering::Release);
    }

    /// Asks the writer to end after the message it is about.
    pub fn stop(&self) {
        self.words().stop.store(1, Ordering::Release);
    }

    /// Whether the writer is asked to end.
    pub fn is_stopped(&self) -> bool {
        self.words().stop.load(Ordering::Acquire) != 0
    }
}
