//! The mediating side: records, checked, copied and published under the writers' lock.
//!
//! Where the next record goes follows from `head`, whose cache line the reader takes away again and again. So writers keep a
//! copy of it, and of where its lap around the ring began, on the lock's line, and start copying from that while the processor
//! still waits for `head`: the copy is a guess, and `head` decides. A writer that died or a reader that repaired makes it wrong,
//! which costs a division. So does a scribble; or it passes for a lap, and is as bad as a scribble on the record, and no worse.

use crate::layout::{
    ALIGNMENT, Header, MAX_VECTORS, MAX_WRITE_SIZE, RING_BUFFER_MESSAGE_HEADER_SIZE, ring_buffer_record_len,
};
use crate::protocol::account::Account;
use crate::protocol::memory::Memory;
use crate::protocol::section;
use crate::protocol::sites::{GUESS_READ, GUESS_WRITE, HEAD_PUBLISH, HEAD_READ, TAIL_ACQUIRE};
use std::io::IoSlice;
use weakest_facade::{Atomic, Cell, Platform};

/// Why a record was not written. In every case nothing of it was, and `head` did not move past it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// More than [`MAX_VECTORS`] vectors, or more than [`MAX_WRITE_SIZE`] bytes.
    Invalid,
    /// The record is larger than the whole ring.
    TooLarge,
    /// The indices in the header cannot be: `tail` beyond `head`, `head` not a multiple of 8, or too near its end.
    Corrupt,
    /// There is no room now.
    Full,
}

/// What a writer hands over as one record's message.
pub trait Message {
    /// The message's length in bytes, if writers may send so much in so many pieces.
    fn checked_len(&self) -> Option<usize>;
    /// The message's length in bytes, however long and in however many pieces.
    fn any_len(&self) -> u64;
    /// Copies the message to `offset` and on.
    fn copy_to<P: Platform, M: Memory<P> + ?Sized>(&self, memory: &M, offset: u64);
}

impl Message for &[u8] {
    #[inline(always)]
    fn checked_len(&self) -> Option<usize> {
        let len = <[u8]>::len(self);
        (len <= MAX_WRITE_SIZE).then_some(len)
    }
    fn any_len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }
    #[inline(always)]
    fn copy_to<P: Platform, M: Memory<P> + ?Sized>(&self, memory: &M, offset: u64) {
        memory.write_bytes(offset, self);
    }
}

/// The bytes of the vectors, one after the other.
impl Message for &[IoSlice<'_>] {
    #[inline(always)]
    fn checked_len(&self) -> Option<usize> {
        if <[_]>::len(self) > MAX_VECTORS {
            return None;
        }
        let len = self.iter().try_fold(0usize, |sum, vector| sum.checked_add(vector.len()))?;
        (len <= MAX_WRITE_SIZE).then_some(len)
    }
    fn any_len(&self) -> u64 {
        self.iter().fold(0, |sum: u64, vector| sum.saturating_add(vector.len() as u64))
    }
    #[inline(always)]
    fn copy_to<P: Platform, M: Memory<P> + ?Sized>(&self, memory: &M, offset: u64) {
        let mut at = offset;
        for vector in self.iter() {
            memory.write_bytes(at, vector);
            at += vector.len() as u64;
        }
    }
}

/// Writes one record: `tag`, and the bytes of `vectors` one after the other.
#[inline(always)]
pub fn write<P: Platform, M: Memory<P> + ?Sized>(memory: &M, tag: u64, vectors: &[IoSlice<'_>]) -> Result<(), Refusal> {
    write_counted(memory, tag, Account::None, &vectors)
}

/// As [`write()`], counted in `account`.
#[inline(always)]
pub fn write_counted<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    tag: u64,
    account: Account<'_, P>,
    message: &impl Message,
) -> Result<(), Refusal> {
    let len = message.checked_len().ok_or(Refusal::Invalid)?;
    write_with_counted(memory, tag, account, len, |start| {
        copy_in(memory, start, len, message);
        Ok(())
    })
}

/// Writes a record for each of `messages`, in order, up to the first that is refused, and publishes them all at once.
/// Returns how many were written; the refusal, if that was the first.
#[inline(always)]
pub fn write_batch<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    tag: u64,
    messages: &[impl Message],
) -> Result<usize, Refusal> {
    write_batch_counted(memory, tag, Account::None, messages)
}

/// As [`write_batch`], counted in `account`.
#[inline(always)]
pub fn write_batch_counted<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    tag: u64,
    account: Account<'_, P>,
    messages: &[impl Message],
) -> Result<usize, Refusal> {
    let Some(first) = messages.first() else {
        return Ok(0);
    };
    // What can never be written is refused without the lock.
    let size = Size::of(first, memory.capacity())?;
    section::exclusively(memory, |_| write_held(memory, tag, account, messages, size))
}

/// Writes one record whose message of `len` bytes `fill` puts in its place.
///
/// `fill` is called under the writers' lock, if there is room, with the offset at which the message goes. It puts the message
/// there, and zeros behind it up to the next multiple of 8; or fails, and then nothing was written. Nothing it does is visible
/// before it returns. It must not block, nor call anything of the protocol.
#[inline]
pub fn write_with<P: Platform, M: Memory<P> + ?Sized, E: From<Refusal>>(
    memory: &M,
    tag: u64,
    len: usize,
    fill: impl FnOnce(u64) -> Result<(), E>,
) -> Result<(), E> {
    write_with_counted(memory, tag, Account::None, len, fill)
}

/// As [`write_with`], counted in `account`.
#[inline(always)]
pub fn write_with_counted<P: Platform, M: Memory<P> + ?Sized, E: From<Refusal>>(
    memory: &M,
    tag: u64,
    account: Account<'_, P>,
    len: usize,
    fill: impl FnOnce(u64) -> Result<(), E>,
) -> Result<(), E> {
    let capacity = memory.capacity();
    let record = ring_buffer_record_len(len) as u64;
    if record > capacity {
        return Err(Refusal::TooLarge.into());
    }
    section::exclusively(memory, |header| {
        let mut place = Place::find(header, capacity)?;
        let head = place.head;
        let offset = place.take(&Size { message: len, record }, capacity)?;
        fill(offset + RING_BUFFER_MESSAGE_HEADER_SIZE as u64)?;
        memory.write_pair(offset, [tag, len as u64]);
        account.enter(memory, head, 1, len);
        place.publish(header);
        Ok(())
    })
}

/// As [`write_batch`]. The lock is held; there is a first message and `size` is its record's.
#[inline(always)]
fn write_held<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    tag: u64,
    account: Account<'_, P>,
    messages: &[impl Message],
    mut size: Size,
) -> Result<usize, Refusal> {
    let capacity = memory.capacity();
    let header = memory.header();
    let mut place = Place::find(header, capacity)?;
    let head = place.head;
    let mut offset = place.take(&size, capacity)?;
    let (mut written, mut bytes) = (0, 0);
    loop {
        memory.write_pair(offset, [tag, size.message as u64]);
        copy_in(memory, offset + RING_BUFFER_MESSAGE_HEADER_SIZE as u64, size.message, &messages[written]);
        written += 1;
        bytes += size.message;
        let Some(next) = messages.get(written) else {
            break;
        };
        let room = Size::of(next, capacity).and_then(|size| Ok((place.take(&size, capacity)?, size)));
        match room {
            Ok(next) => (offset, size) = next,
            Err(_) => break,
        }
    }
    account.enter(memory, head, written, bytes);
    place.publish(header);
    Ok(written)
}

/// How long a record is, in bytes.
struct Size {
    message: usize,
    record: u64,
}

impl Size {
    #[inline(always)]
    fn of(message: &impl Message, capacity: u64) -> Result<Self, Refusal> {
        let message = message.checked_len().ok_or(Refusal::Invalid)?;
        let record = ring_buffer_record_len(message) as u64;
        if record > capacity { Err(Refusal::TooLarge) } else { Ok(Size { message, record }) }
    }
}

/// Where the next record goes, and what room there is.
struct Place {
    head: u64,
    offset: u64,
    room: u64,
}

impl Place {
    /// The place at `head`. The lock is held.
    #[inline(always)]
    fn find<P: Platform>(header: &Header<P>, capacity: u64) -> Result<Self, Refusal> {
        let writers = &header.writers.0;
        let guess = writers.head.read(&GUESS_READ);
        let guessed = guess.wrapping_sub(writers.lap.read(&GUESS_READ));
        let head = header.indices.0.head.load(&HEAD_READ);
        let tail = header.indices.0.tail.load(&TAIL_ACQUIRE);
        if tail > head || !head.is_multiple_of(ALIGNMENT as u64) {
            return Err(Refusal::Corrupt);
        }
        let offset = if head == guess && guessed < capacity && guessed.is_multiple_of(ALIGNMENT as u64) {
            guessed
        } else {
            offset_of(head, capacity)
        };
        // `head - tail` exceeds the capacity only if somebody scribbled on the header; there is no room then either.
        Ok(Place { head, offset, room: capacity.saturating_sub(head - tail) })
    }

    /// Moves past a record and returns its offset.
    #[inline(always)]
    fn take(&mut self, size: &Size, capacity: u64) -> Result<u64, Refusal> {
        let head = self.head.checked_add(size.record).ok_or(Refusal::Corrupt)?;
        self.room = self.room.checked_sub(size.record).ok_or(Refusal::Full)?;
        self.head = head;
        let offset = self.offset;
        let next = offset + size.record;
        self.offset = if next < capacity { next } else { next - capacity };
        Ok(offset)
    }

    /// Makes everything before this place visible, and notes it for the next writer.
    #[inline(always)]
    fn publish<P: Platform>(&self, header: &Header<P>) {
        header.indices.0.head.store(&HEAD_PUBLISH, self.head);
        header.writers.0.head.write(&GUESS_WRITE, self.head);
        // Wraps where a scribbled lap was believed: one that would have begun before the first.
        header.writers.0.lap.write(&GUESS_WRITE, self.head.wrapping_sub(self.offset));
    }
}

/// The offset of `head` when the guess was wrong.
#[cold]
fn offset_of(head: u64, capacity: u64) -> u64 {
    head % capacity
}

/// Copies a message of `len` bytes to `start`, and zeros behind it: invisible until `head` passes it.
#[inline(always)]
fn copy_in<P: Platform, M: Memory<P> + ?Sized>(memory: &M, start: u64, len: usize, message: &impl Message) {
    if !len.is_multiple_of(ALIGNMENT) {
        // The padding must not carry an older record's bytes to the reader.
        memory.write_word(start + (len - len % ALIGNMENT) as u64, 0);
    }
    message.copy_to(memory, start);
}
