//! The reading side: finding the record at an index, and giving its room back.
//!
//! Nothing read from shared memory is used before it was checked, and nothing is read twice: the header's two words and
//! the record's length are fetched once each.

use crate::layout::{ALIGNMENT, MAX_MESSAGE_SIZE, RING_BUFFER_MESSAGE_HEADER_SIZE, ring_buffer_record_len};
use crate::protocol::memory::Memory;
use crate::protocol::room;
use crate::protocol::sites::{HEAD_ACQUIRE, TAIL_ADD, TAIL_READ, TAIL_RELEASE};
use core::ops::Range;
use weakest_facade::{Atomic, Platform};

/// Why there is no record where one should be. The ring was damaged, or an index was made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Error {
    /// A record was looked for at an index that is not a multiple of 8.
    #[error("records start at multiples of 8, and this index is none")]
    BadAlignment,
    /// Fewer than the 16 bytes of a header are there, or the range is reversed.
    #[error("fewer than the 16 bytes of a record's header are there")]
    TooSmall,
    /// The record's length exceeds what is there, or the maximum.
    #[error("the record's length exceeds the bytes there, or the maximum of 65,520")]
    BadLength,
}

/// Where a record's message is, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The writer's tag.
    pub tag: u64,
    /// The offset of the message's first byte: by up to 8 bytes beyond the capacity where only the header fits before it.
    pub offset: u64,
    /// The message's length in bytes: at most `MAX_MESSAGE_SIZE - 16`, and the whole record at most the capacity.
    pub len: usize,
}

impl Found {
    /// By how much `tail` moves when the record has been read, in bytes.
    #[inline(always)]
    pub fn record_len(&self) -> u64 {
        ring_buffer_record_len(self.len) as u64
    }
}

/// Finds the first record of a range of indices.
pub fn first_in<P: Platform, M: Memory<P> + ?Sized>(memory: &M, range: Range<u64>) -> Result<Found, Error> {
    record_at(memory, range.start, range.start % memory.capacity(), range.end.saturating_sub(range.start))
}

/// Finds the record at `tail`, knowing that `head` was seen. `None`: the ring is empty.
pub fn first<P: Platform, M: Memory<P> + ?Sized>(memory: &M, tail: u64, head: u64) -> Result<Option<Found>, Error> {
    first_at(memory, tail, tail % memory.capacity(), head)
}

/// As [`first`], knowing also that `tail` is at `offset`.
#[inline(always)]
pub(super) fn first_at<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    tail: u64,
    offset: u64,
    head: u64,
) -> Result<Option<Found>, Error> {
    if head == tail {
        return Ok(None);
    }
    let there = head.saturating_sub(tail);
    let found = record_at(memory, tail, offset, there)?;
    // More than the ring holds cannot have been published.
    if there > memory.capacity() {
        return Err(Error::BadLength);
    }
    Ok(Some(found))
}

/// The record at `index`, which is at `offset`, when `there` bytes are there.
#[inline(always)]
fn record_at<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    index: u64,
    offset: u64,
    there: u64,
) -> Result<Found, Error> {
    if !index.is_multiple_of(ALIGNMENT as u64) {
        return Err(Error::BadAlignment);
    }
    if there < RING_BUFFER_MESSAGE_HEADER_SIZE as u64 {
        return Err(Error::TooSmall);
    }
    let [tag, len] = memory.read_pair(offset);
    let limit = there.min(memory.capacity()).min(MAX_MESSAGE_SIZE as u64);
    // Compared rounded, because `tail` moves by the rounded length and must not pass `head`.
    match usize::try_from(len) {
        Ok(len) if ring_buffer_record_len(len) as u64 <= limit => {
            Ok(Found { tag, offset: offset + RING_BUFFER_MESSAGE_HEADER_SIZE as u64, len })
        }
        _ => Err(Error::BadLength),
    }
}

/// How far records are published.
#[inline(always)]
pub fn head<P: Platform, M: Memory<P> + ?Sized>(memory: &M) -> u64 {
    memory.header().indices.0.head.load(&HEAD_ACQUIRE)
}

/// How far the reader has come.
#[inline(always)]
pub fn tail<P: Platform, M: Memory<P> + ?Sized>(memory: &M) -> u64 {
    memory.header().indices.0.tail.load(&TAIL_READ)
}

/// Gives back everything below `tail`. For the one reader only.
#[inline(always)]
pub fn release_to<P: Platform, M: Memory<P> + ?Sized>(memory: &M, tail: u64) {
    memory.header().indices.0.tail.store(&TAIL_RELEASE, tail);
    room::tell(memory, tail);
}

/// Gives back `amount` bytes more.
#[inline(always)]
pub fn release_more<P: Platform, M: Memory<P> + ?Sized>(memory: &M, amount: u64) {
    let tail = memory.header().indices.0.tail.fetch_add(&TAIL_ADD, amount);
    room::tell(memory, tail.wrapping_add(amount));
}
