//! Memory that a forked child shares with its parent.

use anyhow::Result;
use core::ptr;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// Zeroed bytes, page-aligned, shared with every process forked later.
pub struct SharedBytes {
    bytes: *mut [u8],
}

// SAFETY: plain memory; whoever uses the pointer answers for how.
unsafe impl Send for SharedBytes {}
// SAFETY: as above.
unsafe impl Sync for SharedBytes {}

impl SharedBytes {
    /// `len` bytes, mapped now and touched later.
    pub fn new(len: usize) -> Result<Self> {
        // SAFETY: a fresh mapping at an address of the kernel's choice disturbs nobody.
        let at = unsafe { mmap_anonymous(ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED)? };
        Ok(SharedBytes { bytes: ptr::slice_from_raw_parts_mut(at.cast(), len) })
    }

    /// The bytes.
    pub fn as_ptr(&self) -> *mut [u8] {
        self.bytes
    }
}

impl Drop for SharedBytes {
    fn drop(&mut self) {
        // SAFETY: our own mapping; users hold an `Arc` of this. A failure would leak it, no more.
        let _ = unsafe { munmap(self.bytes.cast(), self.bytes.len()) };
    }
}
