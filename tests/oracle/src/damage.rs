//! Ways to break a ring's shared words whose consequence is known exactly.
//!
//! Damage from which the reader could not tell a record (an index moved to the middle of old bytes) is left to the fuzz
//! target that draws whole regions.

use crate::oracle::Oracle;
use crate::shared::{HEAD, Shared, TAIL, TOP};
use arbitrary::Arbitrary;
use iobring::{MAX_MESSAGE_SIZE, RING_BUFFER_MESSAGE_HEADER_SIZE};

/// What somebody does to the shared words.
#[derive(Clone, Copy, Debug, Arbitrary, proptest_derive::Arbitrary)]
pub enum Damage {
    /// `head` falls behind `tail`, by so many words and one.
    HeadBehindTail(u16),
    /// `head` is no multiple of 8.
    HeadUnaligned(u8),
    /// `head` is further ahead of `tail` than the ring is long.
    HeadFar(u16),
    /// `head` is at the end of the index range.
    HeadAtEnd(u8),
    /// `tail` is ahead of `head`, by so many words and one.
    TailAhead(u16),
    /// `tail` is no multiple of 8.
    TailUnaligned(u8),
    /// The first record's length is more than any record's in this ring.
    Length(u64),
}

/// How a damaged ring is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary, proptest_derive::Arbitrary)]
pub enum Remedy {
    /// The word gets its old value back.
    Undo,
    /// `Reader::resync`.
    Resync,
}

/// A word of the region and the value it is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scribble {
    /// Where in the region, in bytes.
    pub offset: u64,
    /// The value.
    pub value: u64,
}

impl Damage {
    /// The scribble that does the damage to a sound ring in the oracle's state, or nothing where it cannot be done.
    pub fn scribble(&self, oracle: &Oracle, shared: &Shared) -> Option<Scribble> {
        let (head, tail, capacity) = (oracle.head, oracle.tail, oracle.capacity);
        let words = |n: u16| 8 * (u64::from(n) + 1);
        let odd = |n: u8| 1 + u64::from(n) % 7;
        let at = |offset, value| Some(Scribble { offset, value });
        match *self {
            Damage::HeadBehindTail(by) => at(HEAD, tail.checked_sub(words(by))?),
            Damage::HeadUnaligned(by) => at(HEAD, head.checked_add(odd(by))?),
            // From `head`, so that it stays too far while the reader reads on from what it knows.
            Damage::HeadFar(by) => at(HEAD, head.checked_add(capacity)?.checked_add(words(by))?),
            Damage::HeadAtEnd(by) => {
                let end = TOP - 8 * (u64::from(by) % 3);
                // So far that it stays too far while the reader reads on to `head`.
                at(HEAD, end).filter(|_| end.saturating_sub(head) > capacity)
            }
            Damage::TailAhead(by) => at(TAIL, head.checked_add(words(by))?),
            Damage::TailUnaligned(by) => at(TAIL, tail.checked_add(odd(by))?),
            Damage::Length(value) => {
                oracle.records.front()?;
                let longest = capacity.min(MAX_MESSAGE_SIZE as u64) - RING_BUFFER_MESSAGE_HEADER_SIZE as u64;
                at(shared.offset(tail.wrapping_add(8)), longest + 1 + value % (u64::MAX - longest))
            }
        }
    }

    /// Whether a reader that knows of records already may deliver them before it notices.
    pub fn is_noticed_late(&self) -> bool {
        matches!(self, Damage::HeadBehindTail(_) | Damage::HeadUnaligned(_) | Damage::HeadFar(_) | Damage::HeadAtEnd(_))
    }
}
