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

use crate::layout::{Grant, Header, MAX_VECTORS, MAX_WRITE_SIZE};
use crate::protocol::account::{self, Account};
use crate::protocol::bells::answer_reader;
use crate::protocol::memory::Memory;
use crate::protocol::place::{self, Size};
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
    /// Nobody asks by chance.
    const KIND: u64 = 0x1_0b41 << 16;
}

/// What a mediator says to whoever asked it to write. The numbers are an ABI.
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

/// Writes one record for `holder`, if the grant is its: `tag`, and a message of so many pieces and `len` bytes that `fill` puts in
/// its place.
///
/// `fill` is as in [`write_with`](crate::protocol::write::write_with), and says whether it could. Both numbers may be any.
#[inline(always)]
pub fn write<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    grant: &Grant<P>,
    holder: u64,
    tag: u64,
    pieces: u64,
    len: u64,
    fill: impl FnOnce(u64) -> bool,
) -> Answer {
    let written = try_exclusively(memory, |_| {
        if grant.holder.read(&GRANT_READ) != holder {
            return Answer::Revoked;
        }
        match put(memory, grant, tag, pieces, len, fill) {
            Ok(()) => Answer::Written,
            Err(Missed::Fault) => Answer::Fault,
            Err(Missed::Refused(refusal)) => {
                grant.slot.refuse(refusal, len);
                answer(refusal)
            }
        }
    });
    match written {
        Some(answer) => answer,
        None => Answer::Busy,
    }
}

/// The lock is held, and the grant the writer's.
#[inline(always)]
fn put<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    grant: &Grant<P>,
    tag: u64,
    pieces: u64,
    len: u64,
    fill: impl FnOnce(u64) -> bool,
) -> Result<(), Missed> {
    if pieces > MAX_VECTORS as u64 || len > MAX_WRITE_SIZE as u64 {
        return Err(Missed::Refused(Refusal::Invalid));
    }
    let size = Size::of(len as usize, memory.capacity())?;
    place::put(
        memory,
        tag,
        Account::Own(&grant.slot),
        &size,
        |offset| {
            if fill(offset) { Ok(()) } else { Err(Missed::Fault) }
        },
    )
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

/// As [`section::exclusively`](crate::protocol::section::exclusively), if the lock is to be had without waiting for long.
#[inline(always)]
fn try_exclusively<P: Platform, M: Memory<P> + ?Sized, R>(
    memory: &M,
    section: impl FnOnce(&Header<P>) -> R,
) -> Option<R> {
    let header = memory.header();
    let word = &header.writers.0.lock;
    if try_take::<P>(word)? {
        account::settle(memory);
    }
    let result = section(header);
    if word.swap(&MEDIATOR_RELEASE, 0) & WAITERS != 0 {
        answer_reader(memory);
    }
    Some(result)
}

/// Takes the lock unless it is held. Says whether its last owner died with it.
#[inline(always)]
fn try_take<P: Platform>(word: &P::AtomicU32) -> Option<bool> {
    let mut free = 0;
    let mut tries = 0;
    while tries < TRIES + P::PATIENCE {
        // Keeping the mark makes our release ring for whoever waits.
        match word.compare_exchange(&MEDIATOR_TAKE, free, MEDIATOR | (free & WAITERS)) {
            Ok(_) => return Some(free & OWNER_DIED != 0),
            Err(seen) if seen & OWNER == 0 => free = seen,
            Err(_) => P::spin(),
        }
        tries += 1;
    }
    None
}
