//! An allocator without locks, for tests that make children by a raw `clone` while other threads run.
//!
//! The C library's `fork` leaves its allocator usable in the child; a `clone` of which no library is told does not: a lock that
//! another thread held stays held there, and the child's first allocation may hang. What is tested is this library, not that.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Address space for all that a test binary ever allocates, in bytes; the kernel commits what is touched.
const SPACE: usize = 8 << 30;

/// Hands out memory once, and takes none back.
pub struct Unlocked {
    /// The address of the space, or 0 while there is none.
    space: AtomicUsize,
    used: AtomicUsize,
}

impl Unlocked {
    pub const fn new() -> Self {
        Unlocked { space: AtomicUsize::new(0), used: AtomicUsize::new(0) }
    }

    fn space(&self) -> usize {
        let space = self.space.load(Ordering::Relaxed);
        if space != 0 {
            return space;
        }
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let made = unsafe { libc::mmap(ptr::null_mut(), SPACE, libc::PROT_READ | libc::PROT_WRITE, kind, -1, 0) };
        if made == libc::MAP_FAILED {
            return 0;
        }
        match self.space.compare_exchange(0, made as usize, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => made as usize,
            Err(theirs) => theirs,
        }
    }
}

// SAFETY: each allocation is a range of the space of its own, aligned as asked, and mapped for as long as the process lives.
unsafe impl GlobalAlloc for Unlocked {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let space = self.space();
        let slack = layout.size().saturating_add(layout.align());
        let start = self.used.fetch_add(slack, Ordering::Relaxed);
        if space == 0 || start.checked_add(slack).is_none_or(|end| end > SPACE) {
            return ptr::null_mut();
        }
        ptr::with_exposed_provenance_mut((space + start).next_multiple_of(layout.align()))
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
