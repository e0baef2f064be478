//! The layout of the shared region: an ABI, which other processes and other tools read.
//!
//! ```text
//!        byte 0                 8                16        64              128             192             256
//! page 0      | head: u64      | tail: u64      | -       | identity      | writers' lock | reader's line | accounts
//! page 1..    | the ring: `capacity` bytes, a multiple of the page size
//! mapped only | the first min(capacity, 64 KiB) of the ring once more, so that every record is contiguous
//!
//! record      | tag: u64       | len: u64       | len bytes of message | zeros to the next multiple of 8
//! ```
//!
//! `head` and `tail` are indices: they count bytes since the ring was made and only grow; the byte at index `i` is at
//! `i % capacity`. `head - tail == capacity` is a full ring. Numbers are in the machine's own byte order.

use crate::protocol::account::{Journal, Slot};
use core::cell::UnsafeCell;
use core::mem::offset_of;
use weakest_facade::{Atomic, Cell, Native, Platform};

/// The largest record, header included, in bytes. Also the least capacity [`RingBuffer::create`] takes.
///
/// [`RingBuffer::create`]: crate::RingBuffer::create
pub const MAX_MESSAGE_SIZE: usize = 65_536;

/// The size of a record's header (tag and length), in bytes.
pub const RING_BUFFER_MESSAGE_HEADER_SIZE: usize = 16;

/// The longest message a writer may send, in bytes: header and message together must fit 16 bits.
pub const MAX_WRITE_SIZE: usize = 65_535 - RING_BUFFER_MESSAGE_HEADER_SIZE;

/// The most vectors one `writev` takes.
pub const MAX_VECTORS: usize = 8;

/// Records start at multiples of this, in bytes.
pub const ALIGNMENT: usize = 8;

/// The size in bytes of the record that carries a message of `message_len` bytes: header, message, and padding to a
/// multiple of 8.
///
/// Saturates (to the largest multiple of 8) where the sum does not fit, so that an absurd length compares as too large
/// instead of wrapping to something small.
pub const fn ring_buffer_record_len(message_len: usize) -> usize {
    const TOP: usize = usize::MAX & !(ALIGNMENT - 1);
    match message_len.checked_add(RING_BUFFER_MESSAGE_HEADER_SIZE + ALIGNMENT - 1) {
        Some(n) => n & !(ALIGNMENT - 1),
        None => TOP,
    }
}

/// One cache line.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Line<T>(pub T);

/// The words at the start of page 0, generic over the platform. [`Native`]'s is laid over the mapping.
#[repr(C)]
pub struct Header<P: Platform> {
    /// Bytes 0 to 63.
    pub indices: Line<Indices<P>>,
    /// Bytes 64 to 127: written once by whoever makes the region and read with `pread` by whoever receives it, never
    /// through a reference.
    identity: Line<UnsafeCell<[u8; size_of::<Identity>()]>>,
    /// Bytes 128 to 191.
    pub writers: Line<Writers<P>>,
    /// Bytes 192 to 255.
    pub reader: Line<ReaderLine<P>>,
}

// SAFETY: `identity` is never accessed through the header; everything else is atomics.
unsafe impl<P: Platform> Sync for Header<P> {}
// SAFETY: the header holds nothing tied to a thread.
unsafe impl<P: Platform> Send for Header<P> {}

/// How far writers and reader have come.
#[repr(C)]
pub struct Indices<P: Platform> {
    /// Everything below is published. Moved only by the mediating side.
    pub head: P::AtomicU64,
    /// Everything below may be overwritten. Moved only by the reader.
    pub tail: P::AtomicU64,
}

/// What writers share among themselves. All but the lock is touched only under the lock, and only ever a guess, checked
/// against the indices before it is used; see `protocol::write`.
#[repr(C)]
pub struct Writers<P: Platform> {
    /// The writers' lock, in the kernel's robust-futex format; see `protocol::lock`.
    pub lock: P::AtomicU32,
    /// `head`, as the last writer left it.
    pub head: P::Cell,
    /// The index at which the lap of `head` began: a multiple of the capacity.
    pub lap: P::Cell,
}

/// What the reader tells the writers.
#[repr(C)]
pub struct ReaderLine<P: Platform> {
    /// Which bells a waiting reader wants rung, beside being woken from the lock word; see `protocol::wait`.
    pub interest: P::AtomicU32,
    /// The `tail` from which on a mediator has room for its next record, or 0; see `protocol::room`.
    pub room: P::AtomicU64,
}

impl<P: Platform> Header<P> {
    /// A header whose indices both stand at `index`: an empty ring.
    pub fn new(index: u64) -> Self {
        Header {
            indices: Line(Indices { head: Atomic::new("head", index), tail: Atomic::new("tail", index) }),
            identity: Line(UnsafeCell::new([0; size_of::<Identity>()])),
            writers: Line(Writers {
                lock: Atomic::new("lock", 0),
                head: Cell::new("writers' head", 0, index),
                lap: Cell::new("writers' lap", 0, 0),
            }),
            reader: Line(ReaderLine { interest: Atomic::new("interest", 0), room: Atomic::new("room", 0) }),
        }
    }
}

/// The accounts of writers in other processes, behind the header in page 0.
#[repr(C)]
pub struct Accounts<P: Platform> {
    /// Bytes 256 to 319: what the lock's holder is about to count.
    pub journal: Line<Journal<P>>,
    /// From byte 320 on: one account each, of 48 bytes. The first is for all who have none of their own.
    pub slots: [Slot<P>; ACCOUNTS],
}

/// How many accounts page 0 has.
pub const ACCOUNTS: usize = 78;

/// What kind of region this is, at byte 64 of page 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// [`Identity::MAGIC`].
    pub magic: [u8; 8],
    /// [`Identity::VERSION`].
    pub version: u32,
    /// The page size the region was made with, in bytes: where the ring begins.
    pub page_size: u32,
    /// The size of the ring in bytes.
    pub capacity: u64,
}

impl Identity {
    /// The first bytes of every region's identity.
    pub const MAGIC: [u8; 8] = *b"iobring\0";
    /// The version of this layout.
    pub const VERSION: u32 = 1;
    /// Where the identity stands in page 0, in bytes.
    pub const OFFSET: u64 = offset_of!(Header<Native>, identity) as u64;

    /// The identity as it stands in memory.
    pub fn to_bytes(self) -> [u8; size_of::<Self>()] {
        let mut bytes = [0; size_of::<Self>()];
        bytes[0..8].copy_from_slice(&self.magic);
        bytes[8..12].copy_from_slice(&self.version.to_ne_bytes());
        bytes[12..16].copy_from_slice(&self.page_size.to_ne_bytes());
        bytes[16..24].copy_from_slice(&self.capacity.to_ne_bytes());
        bytes
    }
}

const _: () = {
    assert!(offset_of!(Header<Native>, indices) + offset_of!(Indices<Native>, head) == 0);
    assert!(offset_of!(Header<Native>, indices) + offset_of!(Indices<Native>, tail) == 8);
    assert!(offset_of!(Header<Native>, identity) == 64);
    assert!(offset_of!(Header<Native>, writers) == 128);
    assert!(offset_of!(Header<Native>, reader) == 192);
    assert!(size_of::<Header<Native>>() == 256);
    assert!(size_of::<Slot<Native>>() == 48);
    assert!(size_of::<Header<Native>>() + size_of::<Accounts<Native>>() <= 4096);
    assert!(size_of::<Identity>() == 24);
    assert!(ring_buffer_record_len(MAX_WRITE_SIZE) == MAX_MESSAGE_SIZE);
};
