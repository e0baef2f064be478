//! The words at the start of page 0.

use super::identity::Identity;
use core::cell::UnsafeCell;
use core::mem::offset_of;
use weakest_facade::{Atomic, Cell, Platform};

/// One cache line.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Line<T>(pub T);

/// The words at the start of page 0, generic over the platform. [`Native`](weakest_facade::Native)'s is laid over the mapping.
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

/// What writers share among themselves. All but the lock is changed only under the lock, or by a reader that goes. The copy of `head` and its lap are
/// only ever a guess, checked against the indices before it is used; see `protocol::place`.
#[repr(C)]
pub struct Writers<P: Platform> {
    /// The writers' lock, in the kernel's robust-futex format; see `protocol::lock`.
    pub lock: P::AtomicU32,
    /// The lock of the thread that the lock is biased towards, in the same format; see `protocol::bias`.
    pub inside: P::AtomicU32,
    /// `head`, as the last writer left it.
    pub head: P::Cell,
    /// The index at which the lap of `head` began: a multiple of the capacity.
    pub lap: P::Cell,
    /// How many bytes of room are set aside: for a record of the broker's that others have got ahead of, see `protocol::room`;
    /// or all of it, for ever, see `protocol::close`.
    pub reserved: P::AtomicU64,
    /// The thread that published last, and how often in turn: `id << 32 | times`.
    pub streak: P::Cell,
}

/// So much room is set aside, which is all of it, when nobody but the broker may write any more. More than any ring has, and
/// nothing that a stray write is likely to leave, which a repair takes back.
pub const CLOSING: u64 = 0xC105_1246_0000_0001;

/// Likewise when nobody may write any more.
pub const CLOSED: u64 = 0xC105_ED00_0000_0001;

/// Whether that is what is set aside: one of the two.
#[inline(always)]
pub(crate) fn is_end(reserved: u64) -> bool {
    reserved == CLOSING || reserved == CLOSED
}

/// What changes rarely, and every writer looks at.
#[repr(C)]
pub struct ReaderLine<P: Platform> {
    /// Which bells a waiting reader wants rung, and the number of that wish; see `protocol::bells`.
    pub interest: P::AtomicU64,
    /// The `tail` from which on a mediator has room for its next record, or 0; see `protocol::room`.
    pub room: P::AtomicU64,
    /// The thread that the lock is biased towards; see `protocol::bias`.
    pub bias: P::AtomicU32,
}

impl<P: Platform> Header<P> {
    /// A header whose indices both stand at `index`: an empty ring.
    pub fn new(index: u64) -> Self {
        Header {
            indices: Line(Indices { head: Atomic::new("head", index), tail: Atomic::new("tail", index) }),
            identity: Line(UnsafeCell::new([0; size_of::<Identity>()])),
            writers: Line(Writers {
                lock: Atomic::new("lock", 0),
                inside: Atomic::new("inside", 0),
                head: Cell::new("writers' head", 0, index),
                lap: Cell::new("writers' lap", 0, 0),
                reserved: Atomic::new("reserved", 0),
                streak: Cell::new("streak", 0, 0),
            }),
            reader: Line(ReaderLine {
                interest: Atomic::new("interest", 0),
                room: Atomic::new("room", 0),
                bias: Atomic::new("bias", 0),
            }),
        }
    }
}

/// Where the identity stands in page 0, in bytes.
pub(super) const IDENTITY: usize = offset_of!(Header<weakest_facade::Native>, identity);
