//! The rights to write by way of the kernel, and the owner's pages on which they stand.
//!
//! A page is a map of its own, which only the owner maps and only the programs of its ring refer to. A place on it is used
//! again, but never for the same holder: so a program that somebody has kept writes nothing any more.

use crate::bpf;
use crate::layout::Grant;
use crate::protocol::Memory;
use crate::protocol::grant;
use memmap2::{MmapOptions, MmapRaw};
use rustix::fd::{AsRawFd, OwnedFd};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use weakest_facade::Native;

/// The size of a page, in bytes.
const PAGE: usize = 4096;
/// How many grants stand on it.
const PLACES: usize = PAGE / size_of::<Grant<Native>>();

/// The grants of one ring.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    /// The last holder's number.
    holders: u64,
    free: Vec<Place>,
}

/// One page.
#[derive(Debug)]
struct Page {
    memory: MmapRaw,
    fd: OwnedFd,
}

#[derive(Clone, Debug)]
struct Place {
    page: Arc<Page>,
    number: usize,
}

/// A grant that somebody holds.
#[derive(Debug)]
pub(crate) struct Granted {
    place: Place,
    holder: u64,
}

impl Grants {
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a new holder the right to write into this ring.
    pub(crate) fn give(&self, ring: &impl Memory<Native>) -> io::Result<Arc<Granted>> {
        let granted = {
            let mut places = self.places();
            if places.free.is_empty() {
                let page = Arc::new(Page::new()?);
                places.free.extend((0..PLACES).rev().map(|number| Place { page: page.clone(), number }));
            }
            let place = places.free.pop().expect("a new page has places");
            places.holders += 1;
            Arc::new(Granted { place, holder: places.holders })
        };
        grant::give(ring, granted.grant(), granted.holder);
        Ok(granted)
    }

    /// Takes the place back of a grant that was revoked, and whose account is closed.
    pub(crate) fn take_back(&self, granted: &Granted) {
        self.places().free.push(granted.place.clone());
    }
}

impl Page {
    fn new() -> io::Result<Self> {
        let fd = bpf::array(PAGE as u32)?;
        let memory = MmapOptions::new().len(PAGE).map_raw(fd.as_raw_fd())?;
        Ok(Page { memory, fd })
    }
}

impl Granted {
    /// The grant itself.
    pub(crate) fn grant(&self) -> &Grant<Native> {
        let at = self.place.page.memory.as_mut_ptr().wrapping_add(self.offset() as usize);
        // SAFETY: the page is mapped as long as it lives, and has so many places; a grant is made of atomics, for which every
        // bit pattern is valid and which the kernel may change.
        unsafe { &*at.cast::<Grant<Native>>() }
    }

    /// The map that it is in.
    pub(crate) fn map(&self) -> i32 {
        self.place.page.fd.as_raw_fd()
    }

    /// Where in the map, in bytes.
    pub(crate) fn offset(&self) -> u32 {
        (self.place.number * size_of::<Grant<Native>>()) as u32
    }

    /// The holder's number.
    pub(crate) fn holder(&self) -> u64 {
        self.holder
    }

    /// Takes the right away: nothing is published for the holder any more.
    pub(crate) fn revoke(&self, ring: &impl Memory<Native>) {
        grant::revoke(ring, self.grant(), self.holder);
    }
}
