//! The mediating side: records, checked, copied and published under the writers' lock.

use crate::layout::{ALIGNMENT, CLOSED, MAX_VECTORS, MAX_WRITE_SIZE, RING_BUFFER_MESSAGE_HEADER_SIZE};
use crate::protocol::account::Account;
use crate::protocol::bias;
use crate::protocol::memory::Memory;
use crate::protocol::place::{self, Place, Size};
pub use crate::protocol::refusal::Refusal;
use crate::protocol::room;
use crate::protocol::section;
use crate::protocol::sites::RESERVED_READ;
use std::io::IoSlice;
use weakest_facade::{Atomic, Platform};

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
    let size = size_of(first, memory.capacity())?;
    section::exclusively(memory, |header| {
        let place = Place::find(header, memory.capacity())?;
        write_held(memory, place, tag, account, messages, size)
    })
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
    // What can never be written is refused without the lock.
    let size = Size::of(len, memory.capacity())?;
    section::exclusively(memory, |_| {
        place::put(memory, tag, account, &size, fill)?;
        bias::count(memory);
        Ok(())
    })
}

/// As [`write_batch_counted`], for the one mediator that waits for room ([`room`]). What was set aside for it before is its
/// again; if there is no room for the first even so and that is `aged`, which is to say that it was refused before, room for it
/// is set aside: no writer takes any until this one is called again, or [`room::give_up`]. Where others are refused because the ring
/// is about to be [closed](crate::protocol::close), it is not.
///
/// Under the lock `allow` is called first, which fails where nothing may be written any more, and `report` once the records are
/// published, with how many those are. Neither may block, nor call anything of the protocol.
pub fn write_batch_aged<P: Platform, M: Memory<P> + ?Sized, E: From<Refusal>>(
    memory: &M,
    tag: u64,
    account: Account<'_, P>,
    messages: &[impl Message],
    aged: bool,
    allow: impl FnOnce() -> Result<(), E>,
    report: impl FnOnce(usize),
) -> Result<usize, E> {
    let Some(first) = messages.first() else {
        return Ok(0);
    };
    let size = size_of(first, memory.capacity())?;
    section::exclusively(memory, |header| {
        room::set_aside(header, 0);
        allow()?;
        let place = Place::find_for_broker(header, memory.capacity())?;
        // Beyond the end of the index range there will never be any room.
        place.head.checked_add(size.record).ok_or(Refusal::Corrupt)?;
        if header.writers.0.reserved.load(&RESERVED_READ) == CLOSED {
            return Err(Refusal::Closed.into());
        }
        if !place.has_room_for(&size) {
            if aged {
                room::set_aside(header, size.record);
            }
            return Err(Refusal::Full.into());
        }
        let written = write_held(memory, place, tag, account, messages, size)?;
        report(written);
        Ok(written)
    })
}

/// As [`write_batch`]. The lock is held; there is a first message and `size` is its record's.
#[inline(always)]
fn write_held<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    mut place: Place,
    tag: u64,
    account: Account<'_, P>,
    messages: &[impl Message],
    mut size: Size,
) -> Result<usize, Refusal> {
    let capacity = memory.capacity();
    let header = memory.header();
    let head = place.head;
    let mut offset = place.take(header, &size, capacity)?;
    let (mut written, mut bytes) = (0, 0);
    loop {
        memory.write_pair(offset, [tag, size.message as u64]);
        copy_in(memory, offset + RING_BUFFER_MESSAGE_HEADER_SIZE as u64, size.message, &messages[written]);
        written += 1;
        bytes += size.message;
        let Some(next) = messages.get(written) else {
            break;
        };
        let room = size_of(next, capacity).and_then(|size| Ok((place.take(header, &size, capacity)?, size)));
        match room {
            Ok(next) => (offset, size) = next,
            Err(_) => break,
        }
    }
    account.enter(memory, head, written, bytes);
    place.publish(header);
    bias::count(memory);
    Ok(written)
}

/// The size of `message`'s record, if it may be written at all.
#[inline(always)]
fn size_of(message: &impl Message, capacity: u64) -> Result<Size, Refusal> {
    Size::of(message.checked_len().ok_or(Refusal::Invalid)?, capacity)
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
