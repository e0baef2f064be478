//! Where the next record goes, whether there is room for it, and putting it there. The writers' lock is held throughout.
//!
//! The place follows from `head`, whose cache line the reader takes away again and again. So writers keep a copy of it, and of
//! where its lap around the ring began, on the lock's line, and start copying from that while the processor still waits for
//! `head`: the copy is a guess, and `head` decides. A writer that died or a reader that repaired makes it wrong, which costs a
//! division. So does a scribble; or it passes for a lap, and is as bad as a scribble on the record, and no worse.

use crate::layout::{ALIGNMENT, Header, RING_BUFFER_MESSAGE_HEADER_SIZE, is_end, ring_buffer_record_len};
use crate::protocol::account::Account;
use crate::protocol::memory::Memory;
use crate::protocol::refusal::Refusal;
use crate::protocol::sites::{GUESS_READ, GUESS_WRITE, HEAD_PUBLISH, HEAD_READ, RESERVED_READ, TAIL_ACQUIRE};
use weakest_facade::{Atomic, Cell, Platform};

/// How long a record is, in bytes.
pub(super) struct Size {
    pub(super) message: usize,
    pub(super) record: u64,
}

impl Size {
    /// The size of the record of a message of `len` bytes, in a ring of this capacity.
    #[inline(always)]
    pub(super) fn of(len: usize, capacity: u64) -> Result<Self, Refusal> {
        let record = ring_buffer_record_len(len) as u64;
        if record > capacity { Err(Refusal::TooLarge) } else { Ok(Size { message: len, record }) }
    }
}

/// Puts one record at `head`, its message by `fill`, and publishes it.
#[inline(always)]
pub(super) fn put<P: Platform, M: Memory<P> + ?Sized, E: From<Refusal>>(
    memory: &M,
    tag: u64,
    account: Account<'_, P>,
    size: &Size,
    fill: impl FnOnce(u64) -> Result<(), E>,
) -> Result<(), E> {
    let place = Place::find(memory.header(), memory.capacity())?;
    place.put(memory, tag, account, size, fill)
}

/// Where the next record goes, and what room there is that is not set aside for another.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) head: u64,
    offset: u64,
    /// Where that room ends.
    end: u64,
}

impl Place {
    /// The place at `head`.
    #[inline(always)]
    pub(super) fn find<P: Platform>(header: &Header<P>, capacity: u64) -> Result<Self, Refusal> {
        Place::find_beside(header, capacity, header.writers.0.reserved.load(&RESERVED_READ))
    }

    /// As [`find`](Self::find), for the broker: what is set aside is its.
    #[inline(always)]
    pub(super) fn find_for_broker<P: Platform>(header: &Header<P>, capacity: u64) -> Result<Self, Refusal> {
        Place::find_beside(header, capacity, 0)
    }

    /// The place at `head`, beside so many bytes that are set aside.
    #[inline(always)]
    fn find_beside<P: Platform>(header: &Header<P>, capacity: u64, reserved: u64) -> Result<Self, Refusal> {
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
        // `head` is beyond this if somebody scribbled on the header; there is no room then either.
        let end = tail.saturating_add(capacity.saturating_sub(reserved));
        Ok(Place { head, offset, end })
    }

    /// Whether there is room for this record.
    pub(super) fn has_room_for(&self, size: &Size) -> bool {
        self.head.checked_add(size.record).is_some_and(|head| head <= self.end)
    }

    /// Puts one record here, its message by `fill`, and publishes it.
    #[inline(always)]
    pub(super) fn put<P: Platform, M: Memory<P> + ?Sized, E: From<Refusal>>(
        mut self,
        memory: &M,
        tag: u64,
        account: Account<'_, P>,
        size: &Size,
        fill: impl FnOnce(u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let (header, head) = (memory.header(), self.head);
        let offset = self.take(header, size, memory.capacity())?;
        memory.prefetch(self.offset);
        fill(offset + RING_BUFFER_MESSAGE_HEADER_SIZE as u64)?;
        memory.write_pair(offset, [tag, size.message as u64]);
        account.enter(memory, head, 1, size.message);
        self.publish(header);
        Ok(())
    }

    /// Moves past a record and returns its offset.
    #[inline(always)]
    pub(super) fn take<P: Platform>(&mut self, header: &Header<P>, size: &Size, capacity: u64) -> Result<u64, Refusal> {
        let head = self.head.checked_add(size.record).ok_or(Refusal::Corrupt)?;
        if head > self.end {
            return Err(no_room(header));
        }
        self.head = head;
        let offset = self.offset;
        let next = offset + size.record;
        self.offset = if next < capacity { next } else { next - capacity };
        Ok(offset)
    }

    /// Makes everything before this place visible, and notes it for the next writer.
    #[inline(always)]
    pub(super) fn publish<P: Platform>(&self, header: &Header<P>) {
        header.indices.0.head.store(&HEAD_PUBLISH, self.head);
        // The lap first: beside a head that is right, an old one could pass for a lap, should this thread die in between. It
        // wraps where a scribbled lap was believed: one that would have begun before the first.
        header.writers.0.lap.write(&GUESS_WRITE, self.head.wrapping_sub(self.offset));
        P::death_fence();
        header.writers.0.head.write(&GUESS_WRITE, self.head);
    }
}

/// Why there is no room.
#[cold]
fn no_room<P: Platform>(header: &Header<P>) -> Refusal {
    if is_end(header.writers.0.reserved.load(&RESERVED_READ)) { Refusal::Closed } else { Refusal::Full }
}

/// The offset of `head` when the guess was wrong.
#[cold]
fn offset_of(head: u64, capacity: u64) -> u64 {
    head % capacity
}
