//! The shared region as another process sees it: through its descriptor, past all of the library's checks.

use iobring::RingBuffer;
use memmap2::{MmapOptions, MmapRaw};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::io::{pread, pwrite};
use std::sync::atomic::{AtomicU64, Ordering};

/// The offset of `head` in the region, in bytes.
pub const HEAD: u64 = 0;
/// The offset of `tail` in the region, in bytes.
pub const TAIL: u64 = 8;
/// The offset of the writers' lock word in the region, in bytes.
pub const LOCK: u64 = 128;
/// The offset of `head` as the last writer left it, in bytes.
pub const LAST_HEAD: u64 = 136;
/// The offset of the lap in which the last writer left `head`, in bytes.
pub const LAP: u64 = 144;
/// The offset of how much room is set aside for the owner's broker, in bytes.
pub const RESERVED: u64 = 152;
/// The offset of the reader's `interest` word in the region, in bytes.
pub const INTEREST: u64 = 192;
/// The offset of the wish to be told of room in the region, in bytes.
pub const ROOM: u64 = 200;
/// The offset of the word that says towards which thread the lock is biased, in bytes: the lower half of a word of 64 bits.
pub const BIAS: u64 = 208;

/// So many of the region's words are worth scribbling over: the header, the journal, and of the accounts, which are all alike,
/// the first few.
pub const HEADER_WORDS: u64 = 64;

/// The last index at which a record could start, if only it fitted: the largest multiple of 8.
pub const TOP: u64 = !7;

/// A descriptor of a ring's region, with which every byte of it can be read and written.
#[derive(Debug)]
pub struct Shared {
    fd: OwnedFd,
    page: u64,
    capacity: u64,
    map: MmapRaw,
    /// Whether the region is a file, as it is but where the kernel writes.
    is_file: bool,
}

impl Shared {
    /// The region of `ring`.
    pub fn of(ring: &RingBuffer) -> Self {
        let fd = ring.as_fd().try_clone_to_owned().expect("a descriptor to spare");
        let (page, capacity) = (rustix::param::page_size() as u64, ring.capacity() as u64);
        let map = MmapOptions::new().len((page + capacity) as usize).map_raw(fd.as_raw_fd()).expect("a mapping");
        Shared { fd, page, capacity, map, is_file: !ring.is_mediated() }
    }

    /// The size of the whole region in bytes: a page of words, and the ring.
    pub fn size(&self) -> u64 {
        self.page + self.capacity
    }

    /// The offset in the region of the ring's byte at `index`.
    pub fn offset(&self, index: u64) -> u64 {
        self.page + index % self.capacity
    }

    /// The addresses of so many bytes of the map from `offset` on.
    fn places(&self, offset: u64, len: usize) -> impl Iterator<Item = *mut u8> {
        assert!(offset + len as u64 <= self.size(), "the region ends before offset {offset} + {len}");
        let start = self.map.as_mut_ptr().wrapping_add(offset as usize);
        (0..len).map(move |at| start.wrapping_add(at))
    }

    /// Overwrites the region's bytes from `offset` on.
    pub fn write(&self, offset: u64, bytes: &[u8]) {
        if !self.is_file {
            // SAFETY: within the mapping; a volatile access, as others may write too.
            self.places(offset, bytes.len()).zip(bytes).for_each(|(at, &byte)| unsafe { at.write_volatile(byte) });
            return;
        }
        let written = pwrite(&self.fd, bytes, offset).expect("the region can be written");
        assert_eq!(written, bytes.len(), "the region ends before offset {offset} + {}", bytes.len());
    }

    /// The region's bytes from `offset` on.
    pub fn read(&self, offset: u64, len: usize) -> Vec<u8> {
        if !self.is_file {
            // SAFETY: as in `write`.
            return self.places(offset, len).map(|at| unsafe { at.read_volatile() }).collect();
        }
        let mut bytes = vec![0; len];
        let read = pread(&self.fd, &mut bytes, offset).expect("the region can be read");
        assert_eq!(read, len, "the region ends before offset {offset} + {len}");
        bytes
    }

    /// The word at `offset`, a multiple of 8. Through the mapping: these are looked at far too often for system calls.
    fn at(&self, offset: u64) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.size(), "offset {offset} is not that of a word");
        // SAFETY: within the mapping and aligned (just asserted); others access the word as an atomic, or as bytes of a mapping that
        // anybody may write.
        unsafe { &*self.map.as_mut_ptr().add(offset as usize).cast::<AtomicU64>() }
    }

    /// Overwrites the word at `offset`.
    pub fn set_word(&self, offset: u64, value: u64) {
        self.at(offset).store(value, Ordering::SeqCst);
    }

    /// The word at `offset`.
    pub fn word(&self, offset: u64) -> u64 {
        self.at(offset).load(Ordering::SeqCst)
    }

    /// Moves both indices to `index`: an empty ring that has come so far. Before anything was written or read.
    pub fn start_at(&self, index: u64) {
        self.set_word(HEAD, index);
        self.set_word(TAIL, index);
    }

    /// All bytes of the ring, from offset 0 to its capacity.
    pub fn ring(&self) -> Vec<u8> {
        self.read(self.page, self.capacity as usize)
    }
}
