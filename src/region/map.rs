//! A region's descriptor where the kernel writes too: the one value of a BPF array, which can be mapped as a file can. It has its
//! size for ever, and all of its pages are there; it can neither be sealed nor read by `pread`, and is handed to nobody.

use super::Geometry;
use crate::bpf;
use rustix::fd::OwnedFd;
use std::io;

/// How much longer the map is than the region, in bytes: room in which the program may copy a message past the ring's end before
/// it copies what is there to the ring's start.
const ROOM: usize = 128 * 1024;

/// The verifier takes no offset into a map that is larger.
const LARGEST: usize = 1 << 29;

/// The page size for which the program was made, in bytes.
pub(super) const PAGE: usize = 4096;

/// Whether a map can be so large.
pub(super) fn fits(geometry: Geometry) -> bool {
    geometry.file().checked_add(ROOM).is_some_and(|size| size < LARGEST)
}

pub(super) fn create(geometry: Geometry) -> io::Result<OwnedFd> {
    bpf::array((geometry.file() + ROOM) as u32)
}
