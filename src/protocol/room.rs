//! How a mediator that found the ring full learns that the reader gave room back.
//!
//! The reader moves `tail` millions of times a second and must not pay for this. So the mediator leaves a wish ("tell me
//! once `tail` reaches this") and looks at `tail` once more, and the reader looks for a wish each time it has moved `tail`:
//! a store and a load on either side, which must not pass each other. The fence between them is asymmetric: next to nothing
//! for the reader, a system call for the mediator, which is about to sleep anyway. Both are in the ring owner's process.
//!
//! Being told of room is not having it: others take whatever smaller gap there is, and a large record could wait for ever. So a
//! mediator that was told and finds the room gone has it **set aside**: a number of bytes, next to the lock and under it, that
//! nobody else takes. From then on room only grows until it suffices. The bound: a record that was refused twice is written at
//! the mediator's next turn after the reader has given back as many bytes as were missing, which is at most the record's length.
//! The other writers lose as much, and get as much before each reservation: a record is refused without one first.
//! One mediator per ring does this, in the owner's process; it takes the reservation back when its writer goes, or it does.
//!
//! Writers that wait for room do so by way of that mediator: it asks for the least of what it and they wait for ([`Wish`]), tells
//! whose wish is due, and asks anew. For them too, being told of room is not having it.

use crate::layout::{Header, is_end};
use crate::protocol::close;
use crate::protocol::memory::{Memory, bell};
use crate::protocol::section;
use crate::protocol::sites::{
    RESERVED_READ, RESERVED_WRITE, ROOM_ASIDE, ROOM_CALL, ROOM_CHECK, ROOM_HEAD, ROOM_LOOK, ROOM_TAKE, ROOM_WANT,
    TAIL_ACQUIRE,
};
use weakest_facade::{Atomic, Platform};

/// No wish. (A wish for index 0 is always fulfilled, so nobody has one.)
const NONE: u64 = 0;

/// Asks for [`bell::ROOM`] to be rung once a record of `record_len` bytes fits. Returns whether it seems to fit already; the
/// bell may then be rung for nothing. So it does where nothing fits ever again, which the write will tell. In a damaged ring it
/// asks for the next movement of `tail`.
pub fn want<P: Platform, M: Memory<P> + ?Sized>(memory: &M, record_len: u64) -> bool {
    memory.header().reader.0.room.store(&ROOM_WANT, Wish::own(memory, record_len).least_tail.max(NONE + 1));
    P::heavy_fence(&ROOM_CALL);
    close::is_closed(memory)
        || used(memory).is_some_and(|used| memory.capacity() - used >= record_len)
        // Somebody else has taken the last room before the end of the index range.
        || head(memory).checked_add(record_len).is_none()
}

/// What somebody waits for: that `tail` reaches the place from which on there was room, as things were when he asked. Others may take
/// it meanwhile; it is due all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// In bytes.
    record_len: u64,
    /// Whether it is a writer's, who may not have what is set aside, and is refused as soon as the ring begins to close.
    is_writers: bool,
    /// An index; 0 in a damaged ring, which has room once it is repaired.
    least_tail: u64,
}

impl Wish {
    /// The mediator's, for a record of `record_len` bytes.
    pub fn own<P: Platform, M: Memory<P> + ?Sized>(memory: &M, record_len: u64) -> Self {
        Wish { record_len, is_writers: false, least_tail: NONE }.made_now(memory)
    }

    /// A writer's, for a record of `record_len` bytes.
    pub fn of_a_writer<P: Platform, M: Memory<P> + ?Sized>(memory: &M, record_len: u64) -> Self {
        Wish { record_len, is_writers: true, least_tail: NONE }.made_now(memory)
    }

    /// The same, as things are now.
    fn made_now<P: Platform, M: Memory<P> + ?Sized>(self, memory: &M) -> Self {
        let aside = if self.is_writers { memory.header().writers.0.reserved.load(&ROOM_ASIDE) } else { 0 };
        let needed = if is_end(aside) { self.record_len } else { self.record_len.saturating_add(aside) };
        let least_tail = match used(memory) {
            Some(_) => head(memory).saturating_add(needed).saturating_sub(memory.capacity()),
            None => NONE,
        };
        Wish { least_tail, ..self }
    }

    /// Whether it is worth another try.
    pub fn is_due<P: Platform, M: Memory<P> + ?Sized>(self, memory: &M) -> bool {
        let is_over = if self.is_writers { close::is_closing(memory) } else { close::is_closed(memory) };
        is_over || used(memory).is_some() && self.is_fulfilled(memory)
    }

    fn is_fulfilled<P: Platform, M: Memory<P> + ?Sized>(self, memory: &M) -> bool {
        memory.header().indices.0.tail.load(&TAIL_ACQUIRE) >= self.least_tail
            // What was set aside was given up, or a repair has moved the indices back.
            || self.made_now(memory).least_tail < self.least_tail
            // The index range ends before.
            || head(memory).checked_add(self.record_len).is_none()
    }
}

/// Asks for [`bell::ROOM`] to be rung once the first of `wishes` is due. Returns whether one is already; the bell may then be rung for
/// nothing.
pub fn want_any<P: Platform, M: Memory<P> + ?Sized>(memory: &M, wishes: impl Iterator<Item = Wish> + Clone) -> bool {
    let Some(least) = wishes.clone().map(|wish| wish.least_tail).min() else {
        return false;
    };
    memory.header().reader.0.room.store(&ROOM_WANT, least.max(NONE + 1));
    P::heavy_fence(&ROOM_CALL);
    wishes.into_iter().any(|wish| wish.is_due(memory))
}

/// Gives up what was set aside by [`write_batch_aged`](crate::protocol::write::write_batch_aged): whoever it was for needs it no more.
pub fn give_up<P: Platform, M: Memory<P> + ?Sized>(memory: &M) {
    section::exclusively(memory, |header| set_aside(header, 0));
}

/// Sets so many bytes of room aside, in place of any before; unless all of it is, for ever. The lock is held.
pub(super) fn set_aside<P: Platform>(header: &Header<P>, bytes: u64) {
    let reserved = &header.writers.0.reserved;
    let before = reserved.load(&RESERVED_READ);
    if before != bytes && !is_end(before) {
        reserved.store(&RESERVED_WRITE, bytes);
    }
}

/// How many bytes of the ring are taken, if its indices make sense. Nobody holds the lock, so `tail` is read first: `head`
/// cannot be behind it then. If `head` has moved on since, the write that follows finds out.
fn used<P: Platform, M: Memory<P> + ?Sized>(memory: &M) -> Option<u64> {
    let tail = memory.header().indices.0.tail.load(&TAIL_ACQUIRE);
    head(memory).checked_sub(tail).filter(|&used| used <= memory.capacity())
}

fn head<P: Platform, M: Memory<P> + ?Sized>(memory: &M) -> u64 {
    memory.header().indices.0.head.load(&ROOM_HEAD)
}

/// `tail` has just been moved to here: grants the mediator's wish, if there is one and this is enough.
#[inline(always)]
pub(super) fn tell<P: Platform, M: Memory<P> + ?Sized>(memory: &M, tail: u64) {
    P::light_fence(&ROOM_CHECK);
    let wanted = memory.header().reader.0.room.load(&ROOM_LOOK);
    // Without a wish this wraps to the top, where no tail is: one comparison for both questions.
    if wanted.wrapping_sub(NONE + 1) < tail {
        grant(memory);
    }
}

/// The indices were repaired, or the ring closed: grants the mediator's wish, whatever it was, since it meant the indices as
/// they were.
pub(super) fn tell_anyway<P: Platform, M: Memory<P> + ?Sized>(memory: &M) {
    P::light_fence(&ROOM_CHECK);
    grant(memory);
}

/// Grants the mediator's wish, if there is one.
#[cold]
fn grant<P: Platform, M: Memory<P> + ?Sized>(memory: &M) {
    if memory.header().reader.0.room.swap(&ROOM_TAKE, NONE) != NONE {
        memory.ring_bell(bell::ROOM);
    }
}
