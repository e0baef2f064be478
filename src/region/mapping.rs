//! The region's address range.
//!
//! ```text
//! | page 0: header | the ring (capacity) | its first min(capacity, 64 KiB) again |
//! |<------------- the file ------------->|<--- the file from page 1 on --------->|
//! ```
//!
//! memmap2 reserves the whole range anonymously; both views of the file are laid over it. Dropping the reservation unmaps
//! all of it, whatever lies on top.
//!
//! Invariants, on which every access relies:
//! - **Mapped**: the range stays mapped, readable and writable, for as long as the `Mapping` lives.
//! - **Backed**: the file is committed and sealed against shrinking, or a BPF array, which is committed and never changes its size;
//!   so no access raises SIGBUS.
//! - **Aligned**: the base is a page boundary.

use super::Geometry;
use crate::layout::{Accounts, Header, Identity};
use crate::status::Status;
use core::ffi::c_void;
use memmap2::{MmapOptions, MmapRaw};
use rustix::fd::BorrowedFd;
use rustix::mm::{MapFlags, ProtFlags, mmap};
use weakest_facade::Native;

#[derive(Debug)]
pub(super) struct Mapping {
    range: MmapRaw,
    geometry: Geometry,
    /// How many bytes are mapped from the ring's first on, mirror included.
    reach: u64,
}

impl Mapping {
    /// Maps `fd`, which is [`Geometry::file`] bytes long and sealed.
    pub(super) fn new(fd: BorrowedFd<'_>, geometry: Geometry) -> Result<Self, Status> {
        let reserved = MmapOptions::new().len(geometry.mapped()).map_anon().map_err(|_| Status::NO_MEMORY)?;
        let range = MmapRaw::from(reserved);
        let reach = (geometry.capacity + geometry.mirror()) as u64;
        let this = Mapping { range, geometry, reach };
        this.overlay(fd, 0, geometry.file(), 0)?;
        this.overlay(fd, geometry.file(), geometry.mirror(), geometry.page)?;
        Ok(this)
    }

    /// Lays `len` bytes of the file, from `file_offset` on, over the reservation at `offset`.
    fn overlay(&self, fd: BorrowedFd<'_>, offset: usize, len: usize, file_offset: usize) -> Result<(), Status> {
        assert!(offset + len <= self.range.len(), "the overlay leaves the reservation");
        let at = self.range.as_mut_ptr().wrapping_add(offset).cast::<c_void>();
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: `at .. at + len` lies within our own reservation (asserted), to which no reference exists yet, so
        // replacing its pages disturbs nobody.
        unsafe { mmap(at, len, access, MapFlags::SHARED | MapFlags::FIXED, fd, file_offset as u64)? };
        Ok(())
    }

    #[inline(always)]
    pub(super) fn geometry(&self) -> Geometry {
        self.geometry
    }

    #[inline(always)]
    pub(super) fn header(&self) -> &Header<Native> {
        // SAFETY: Mapped and Aligned; the header is smaller than a page (asserted in `layout`) and made of atomics, for
        // which every bit pattern is valid and which others may change.
        unsafe { &*self.range.as_mut_ptr().cast::<Header<Native>>() }
    }

    /// Has a new region say what it is.
    pub(super) fn identify(&self, identity: Identity) {
        let bytes = identity.to_bytes();
        let at = self.range.as_mut_ptr().wrapping_add(Identity::OFFSET as usize);
        // SAFETY: Mapped; the identity lies within page 0 (asserted in `layout`), and nobody refers to these bytes.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len()) };
    }

    pub(super) fn accounts(&self) -> &Accounts<Native> {
        let at = self.range.as_mut_ptr().wrapping_add(size_of::<Header<Native>>());
        // SAFETY: Mapped, and aligned since the header is four lines long; header and accounts together are not larger than
        // a page (asserted in `layout`), and made of atomics as the header is.
        unsafe { &*at.cast::<Accounts<Native>>() }
    }

    /// The address of a byte of the ring, good for `len` bytes.
    ///
    /// # Panics
    /// If the bytes lie beyond the mirror.
    #[inline(always)]
    pub(super) fn bytes(&self, offset: u64, len: usize) -> *mut u8 {
        if offset.saturating_add(len as u64) > self.reach {
            leaves_the_ring(offset, len);
        }
        self.range.as_mut_ptr().wrapping_add(self.geometry.page + offset as usize)
    }
}

#[cold]
#[inline(never)]
fn leaves_the_ring(offset: u64, len: usize) -> ! {
    panic!("{len} bytes at offset {offset} leave the ring");
}
