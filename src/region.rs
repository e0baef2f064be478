//! The shared region: sealed, committed memory and a mapping of it in which every record is contiguous.
//!
//! | module | holds |
//! |---|---|
//! | `memfd` | the descriptor: created, committed, identified, sealed |
//! | `map` | the descriptor of a region into which the kernel writes too: a BPF array |
//! | `mapping` | the address range: header, ring, and the ring's start once more |
//! | `memory` | the protocol's accesses, on that mapping |
//! | `lines` | cache lines: asked for, put back |
//! | `shared` | copying out of memory that others may be writing to |

mod lines;
mod map;
mod mapping;
mod memfd;
mod memory;
mod shared;
mod short;

use crate::layout::MAX_MESSAGE_SIZE;
use crate::obstacle::{Obstacle, Step};
use crate::status::Status;
use mapping::Mapping;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io;

/// A ring's memory, mapped into this process. Dropping it gives back descriptor and mapping.
#[derive(Debug)]
pub(crate) struct Region {
    mapping: Mapping,
    fd: OwnedFd,
    /// Whether the reader puts cache lines back.
    puts_back: bool,
}

/// Where things are in a region of a given capacity. All in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    page: usize,
    capacity: usize,
}

impl Geometry {
    /// The geometry of a ring of `capacity` bytes, if there can be one.
    fn new(capacity: usize) -> Result<Self, Status> {
        let page = rustix::param::page_size();
        if capacity == 0 || !capacity.is_multiple_of(page) {
            return Err(Status::INVALID_ARGS);
        }
        // The largest size a file, a slice and an address range can all have.
        let largest = isize::MAX as usize - page - MAX_MESSAGE_SIZE;
        if capacity > largest {
            return Err(Status::OUT_OF_RANGE);
        }
        Ok(Geometry { page, capacity })
    }

    /// How much of the ring appears a second time.
    fn mirror(self) -> usize {
        self.capacity.min(MAX_MESSAGE_SIZE)
    }

    /// The size of the memfd.
    fn file(self) -> usize {
        self.page + self.capacity
    }

    /// The size of the address range.
    fn mapped(self) -> usize {
        self.file() + self.mirror()
    }
}

impl Region {
    /// A new, empty ring of `capacity` bytes.
    pub(crate) fn create(capacity: usize) -> Result<Self, Status> {
        let geometry = Geometry::new(capacity)?;
        let fd = memfd::create(geometry)?;
        let mapping = Mapping::new(fd.as_fd(), geometry)?;
        Ok(Region::of(mapping, fd))
    }

    /// A new, empty ring of `capacity` bytes into which the kernel can write too.
    pub(crate) fn create_mediated(capacity: usize) -> Result<Self, Obstacle> {
        let geometry = Geometry::new(capacity)?;
        if geometry.page != map::PAGE || cfg!(target_endian = "big") {
            let why = format!("pages of {} bytes in this byte order are none of the program's", geometry.page);
            return Err(Obstacle::Machine(why));
        }
        if !map::fits(geometry) {
            return Err(Obstacle::Status(Status::OUT_OF_RANGE));
        }
        let fd = map::create(geometry).map_err(|error| Obstacle::of(Step::Region, error))?;
        let mapping = Mapping::new(fd.as_fd(), geometry)?;
        mapping.identify(memfd::identity(geometry));
        Ok(Region::of(mapping, fd))
    }

    /// Whether `fd` is another process's ring, of `capacity` bytes.
    ///
    /// # Errors
    /// `InvalidData` if it is not just such a region of this version.
    pub(crate) fn check(fd: BorrowedFd<'_>, capacity: u64) -> io::Result<Geometry> {
        let geometry = usize::try_from(capacity).map_err(|_| Status::OUT_OF_RANGE).and_then(Geometry::new)?;
        memfd::check(fd, geometry)?;
        Ok(geometry)
    }

    /// Another process's ring, which was [checked](Self::check).
    pub(crate) fn adopt(fd: OwnedFd, geometry: Geometry) -> io::Result<Self> {
        let mapping = Mapping::new(fd.as_fd(), geometry)?;
        Ok(Region::of(mapping, fd))
    }

    fn of(mapping: Mapping, fd: OwnedFd) -> Self {
        Region { mapping, fd, puts_back: lines::are_to_be_put_back() }
    }

    /// The size of the ring in bytes.
    #[inline(always)]
    pub(crate) fn capacity(&self) -> usize {
        self.mapping.geometry().capacity
    }
}

impl AsFd for Region {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
