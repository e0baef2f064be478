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

mod accounts;
mod grant;
mod header;
mod identity;

pub(crate) use accounts::NOWHERE;
pub use accounts::{ACCOUNTS, Accounts, Journal, Ledger, Refused, Slot, Tally};
pub use grant::{Grant, NOBODY};
pub(crate) use header::is_end;
pub use header::{CLOSED, CLOSING, Header, Indices, Line, ReaderLine, Writers};
pub use identity::Identity;

use core::mem::offset_of;
use weakest_facade::Native;

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

const _: () = {
    assert!(offset_of!(Header<Native>, indices) + offset_of!(Indices<Native>, head) == 0);
    assert!(offset_of!(Header<Native>, indices) + offset_of!(Indices<Native>, tail) == 8);
    assert!(Identity::OFFSET == 64);
    assert!(offset_of!(Header<Native>, writers) == 128);
    assert!(offset_of!(Header<Native>, reader) == 192);
    assert!(size_of::<Header<Native>>() == 256);
    assert!(size_of::<Slot<Native>>() == 48);
    assert!(size_of::<Grant<Native>>() == 64);
    assert!(size_of::<Header<Native>>() + size_of::<Accounts<Native>>() <= 4096);
    assert!(size_of::<Identity>() == 24);
    assert!(ring_buffer_record_len(MAX_WRITE_SIZE) == MAX_MESSAGE_SIZE);
};
