//! A mediator that writes for others, and can neither sleep, nor wake who sleeps, nor die: Linux itself, running this very code
//! (`kernel/`) whenever a writer asks it to.
//!
//! | as other writers | otherwise |
//! |---|---|
//! | takes the same lock | under an id that no thread has ([`MEDIATOR`]): several may run at once, on several processors |
//! | | gives up when the lock is not to be had soon, leaving nothing behind ([`Answer::Busy`]); whoever asked asks again |
//! | | announces nothing: there is no death to clear up after |
//! | puts right what a dead thread left | |
//! | rings the reader's bell if the lock was marked | and wakes nobody from the lock word, on which nobody sleeps ([`Memory::is_mediated`]) |
//! | | writes for whoever holds the [`Grant`] at that very moment |
//! | counts what it accepts | without a journal; and what it refuses, so that no writer can lie about that |
//! | writes several records under one lock and publishes them at once | few enough that nobody waits for longer than one large record takes |

use crate::layout::{Grant, Header, MAX_MESSAGE_SIZE, MAX_VECTORS, MAX_WRITE_SIZE, RING_BUFFER_MESSAGE_HEADER_SIZE};
use crate::protocol::account::{self, Account};
use crate::protocol::bells::answer_reader;
use crate::protocol::memory::Memory;
use crate::protocol::place::{Place, Size};
use crate::protocol::refusal::Refusal;
use crate::protocol::sites::{GRANT_READ, MEDIATOR_RELEASE, MEDIATOR_TAKE};
use weakest_facade::native::{OWNER, OWNER_DIED, WAITERS};
use weakest_facade::{Atomic, Cell, Platform};

/// The owner's id in the lock word while a mediator holds the lock. Threads have smaller ones (`FUTEX_TID_MASK` is larger
/// than any).
pub const MEDIATOR: u32 = OWNER;

/// How often the lock is tried before a mediator gives up, beside the platform's patience: each time somebody else has
/// changed the word, or holds it.
const TRIES: u32 = 3;

/// What a mediator is asked, by three numbers: an address, a length, and one of these. They are an ABI.
pub mod ask {
    /// Nothing: may I ask at all?
    pub const NOTHING: u64 = KIND | 0xffff;
    /// To write one record. So many pieces are added to this number: of one, the address and the length; of up to
    /// [`MAX_VECTORS`](crate::layout::MAX_VECTORS), the address where address and length of each stand, and any number; of more, which
    /// are refused, any number, and the length of all.
    pub const RECORD: u64 = KIND;
    /// To write several, each of one piece. So many pieces are added to this number; the address is where address and length of each
    /// stand, of at most [`BATCH`](super::BATCH), and the other number any.
    pub const RECORDS: u64 = KIND | 0x8000;
    /// Added to [`RECORD`]: whoever asks waits for room where there is none, and asks again. So far it has been refused nothing.
    pub const WAITS: u64 = 0x4000;
    /// Nobody asks by chance.
    const KIND: u64 = 0x1_0b41 << 16;
}

/// How many records a mediator writes at once, at most.
pub const BATCH: u64 = 16;

/// What a mediator says to whoever asked it to write. The numbers are an ABI: they stand in the lowest byte of what it says, and
/// how many records it has written before in those above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Answer {
    /// The record is in the ring.
    Written = 0,
    /// [`Refusal::Invalid`].
    Invalid = 1,
    /// [`Refusal::TooLarge`].
    TooLarge = 2,
    /// [`Refusal::Corrupt`].
    Corrupt = 3,
    /// [`Refusal::Full`].
    Full = 4,
    /// Somebody holds the lock. Nothing happened, and nothing was counted: ask again.
    Busy = 5,
    /// The message could not be read. Nothing was counted.
    Fault = 6,
    /// The writer has lost the right to write.
    Revoked = 7,
    /// Nothing was asked for: whoever asks so learns that it may ask.
    Ready = 8,
    /// [`Refusal::Closed`].
    Closed = 9,
}

impl Answer {
    /// The answer of this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Answer::Written,
            1 => Answer::Invalid,
            2 => Answer::TooLarge,
            3 => Answer::Corrupt,
            4 => Answer::Full,
            5 => Answer::Busy,
            6 => Answer::Fault,
            7 => Answer::Revoked,
            8 => Answer::Ready,
            9 => Answer::Closed,
            _ => return None,
        })
    }
}

/// Why [`write`] wrote nothing.
enum Missed {
    Refused(Refusal),
    Fault,
}

impl From<Refusal> for Missed {
    #[inline(always)]
    fn from(refusal: Refusal) -> Self {
        Missed::Refused(refusal)
    }
}

/// For whom a mediator writes.
pub struct Writer<'a, P: Platform> {
    /// The right to write, which must be the holder's still.
    pub grant: &'a Grant<P>,
    /// The holder's number.
    pub holder: u64,
    /// What its records bear.
    pub tag: u64,
}

impl<P: Platform> Writer<'_, P> {
    /// The lock is held.
    #[inline(always)]
    fn may_write(&self) -> bool {
        self.grant.holder.read(&GRANT_READ) == self.holder
    }

    /// Counts what is refused.
    #[inline(always)]
    fn refuse(&self, refusal: Refusal, len: u64) -> Answer {
        self.grant.slot.refuse(refusal, len);
        answer(refusal)
    }
}

/// What a mediator is asked to write. Each number may be any.
pub struct Asked {
    /// How many messages, each a record of its own; more than [`BATCH`] are not looked at.
    pub messages: u64,
    /// How many pieces each of them has.
    pub pieces: u64,
    /// Whether whoever asks waits for room: if there is none now, that is no refusal.
    pub waits: bool,
}

/// Writes a record for each message, if the writer may, in order, and publishes them at once; up to the first that cannot be written,
/// and up to as many bytes as the longest record has. Returns how many were written, and what kept the next from it;
/// [`Answer::Written`] if nothing did, though not all may be.
///
/// `len_of` says how long a message is, and may say anything. `fill` puts a message in its place, as in
/// [`write_with`](crate::protocol::write::write_with), and says whether it could.
#[inline(always)]
pub fn write<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    writer: &Writer<'_, P>,
    asked: &Asked,
    len_of: impl Fn(u64) -> u64,
    fill: impl Fn(u64, u64) -> bool,
) -> (u64, Answer) {
    if asked.messages == 0 {
        return (0, Answer::Written);
    }
    try_exclusively(memory, (0, Answer::Busy), |header| {
        if !writer.may_write() {
            return (0, Answer::Revoked);
        }
        // What can never be written is refused as such, however the ring may be.
        let found = size_of(asked.pieces, len_of(0), memory.capacity());
        let first = match found.and_then(|_| Place::find(header, memory.capacity())) {
            Ok(place) => place,
            Err(refusal) => return (0, writer.refuse(refusal, len_of(0))),
        };
        let (mut place, mut written, mut bytes) = (first, 0, 0);
        // No loop, as in `contend`.
        let end = (0..BATCH).find_map(|i| {
            if i >= asked.messages {
                return Some(Answer::Written);
            }
            let len = len_of(i);
            let size = match size_of(asked.pieces, len, memory.capacity()) {
                Ok(size) => size,
                Err(refusal) => return Some(writer.refuse(refusal, len)),
            };
            match next(memory, first.head, place, writer.tag, &size, |offset| fill(i, offset)) {
                Ok(Some(behind)) => place = behind,
                Ok(None) => return Some(Answer::Written),
                Err(Missed::Fault) => return Some(Answer::Fault),
                Err(Missed::Refused(Refusal::Full)) if asked.waits => return Some(Answer::Full),
                Err(Missed::Refused(refusal)) => return Some(writer.refuse(refusal, len)),
            }
            written += 1;
            bytes += len as usize;
            None
        });
        if place.head != first.head {
            Account::Own(&writer.grant.slot).enter(memory, first.head, written, bytes);
            place.publish(header);
        }
        (written as u64, end.unwrap_or(Answer::Written))
    })
}

#[inline(always)]
fn size_of(pieces: u64, len: u64, capacity: u64) -> Result<Size, Refusal> {
    if pieces > MAX_VECTORS as u64 || len > MAX_WRITE_SIZE as u64 {
        return Err(Refusal::Invalid);
    }
    Size::of(len as usize, capacity)
}

/// Puts the next record of those that begin at `first` in its place and returns the place behind it; `None` if they became too long.
/// Nothing is published, and a record that cannot be filled is not passed.
#[inline(always)]
fn next<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    first: u64,
    mut place: Place,
    tag: u64,
    size: &Size,
    fill: impl FnOnce(u64) -> bool,
) -> Result<Option<Place>, Missed> {
    if place.head - first + size.record > MAX_MESSAGE_SIZE as u64 {
        return Ok(None);
    }
    let offset = place.take(memory.header(), size, memory.capacity())?;
    if !fill(offset + RING_BUFFER_MESSAGE_HEADER_SIZE as u64) {
        return Err(Missed::Fault);
    }
    memory.write_pair(offset, [tag, size.message as u64]);
    Ok(Some(place))
}

#[inline(always)]
fn answer(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Invalid => Answer::Invalid,
        Refusal::TooLarge => Answer::TooLarge,
        Refusal::Corrupt => Answer::Corrupt,
        Refusal::Full => Answer::Full,
        Refusal::Closed => Answer::Closed,
    }
}

/// As [`section::exclusively`](crate::protocol::section::exclusively), if the lock is to be had without waiting for long; else `busy`.
#[inline(always)]
fn try_exclusively<P: Platform, M: Memory<P> + ?Sized, R>(
    memory: &M,
    busy: R,
    section: impl FnOnce(&Header<P>) -> R,
) -> R {
    let header = memory.header();
    let word = &header.writers.0.lock;
    match try_take::<P>(word) {
        None => return busy,
        Some(true) => account::settle(memory),
        Some(false) => {}
    }
    let result = section(header);
    word.swap(&MEDIATOR_RELEASE, 0);
    answer_reader(memory);
    result
}

/// Takes the lock unless it is held. Says whether its last owner died with it.
#[inline(always)]
fn try_take<P: Platform>(word: &P::AtomicU32) -> Option<bool> {
    match word.compare_exchange(&MEDIATOR_TAKE, 0, MEDIATOR) {
        Ok(_) => Some(false),
        Err(seen) => contend::<P>(word, seen),
    }
}

/// As [`try_take`], of a lock that was seen like this.
#[cold]
fn contend<P: Platform>(word: &P::AtomicU32, seen: u32) -> Option<bool> {
    let mut free = if seen & OWNER == 0 { seen } else { 0 };
    // So, and not by a loop, which the kernel would follow round by round before it lets the program run.
    (1..TRIES + P::PATIENCE).find_map(|_| {
        // Keeping the mark makes our release ring for whoever waits.
        match word.compare_exchange(&MEDIATOR_TAKE, free, MEDIATOR | (free & WAITERS)) {
            Ok(_) => return Some(free & OWNER_DIED != 0),
            Err(seen) if seen & OWNER == 0 => free = seen,
            Err(_) => P::spin(),
        }
        None
    })
}
