//! What was accepted, counted where it is published, and exactly so even if a writer dies between the two.
//!
//! ```text
//!            journal                            tally       head
//! a write    the slot, and its tally as it is
//!            valid at this head
//!                                               one more
//!                                                           moves: published
//! ```
//!
//! A writer in another process counts in the region's first page, under the writers' lock, just before it publishes, and
//! notes beforehand what the tally was. If it dies with the lock, whoever takes the lock next finds the journal valid at the
//! very head that is still there exactly if the record was not published, and puts the tally back. Doing so twice is doing so
//! once, so that one may die of it too.
//!
//! A writer in the owner's process counts in memory of its own without a journal: its death is the ring's.

use crate::layout::{Journal, Ledger, NOWHERE, Refused, Slot, Tally};
use crate::protocol::memory::Memory;
use crate::protocol::refusal::Refusal;
use crate::protocol::sites::{
    HEAD_READ, JOURNAL_READ, JOURNAL_WRITE, REFUSED_ADD, REFUSED_LOOK, TALLY_READ, TALLY_WRITE,
};
use weakest_facade::{Atomic, Cell, Platform};

impl<P: Platform> Tally<P> {
    /// So many more, and the bytes of their messages.
    #[inline(always)]
    pub fn add(&self, records: usize, bytes: usize) {
        let (had, had_bytes) = self.get();
        self.set(had.wrapping_add(records as u64), had_bytes.wrapping_add(bytes as u64));
    }

    /// Records, and the bytes of their messages.
    #[inline(always)]
    pub fn get(&self) -> (u64, u64) {
        (self.records.read(&TALLY_READ), self.bytes.read(&TALLY_READ))
    }

    /// Sets both.
    #[inline(always)]
    pub fn set(&self, records: u64, bytes: u64) {
        self.records.write(&TALLY_WRITE, records);
        self.bytes.write(&TALLY_WRITE, bytes);
    }
}

impl<P: Platform> Refused<P> {
    /// So many more.
    pub fn add(&self, records: u64, bytes: u64) {
        self.records.fetch_add(&REFUSED_ADD, records);
        self.bytes.fetch_add(&REFUSED_ADD, bytes);
    }

    /// Records, and the bytes of their messages.
    pub fn get(&self) -> (u64, u64) {
        (self.records.load(&REFUSED_LOOK), self.bytes.load(&REFUSED_LOOK))
    }
}

impl<P: Platform> Slot<P> {
    /// Counts a write that was refused, and the bytes of its message.
    pub fn refuse(&self, refusal: Refusal, bytes: u64) {
        // Not by matching on the refusal, of which a compiler may make a table: a mediator's program has nowhere to keep one.
        let for_space = refusal == Refusal::Full || refusal == Refusal::TooLarge;
        let refused = if for_space { &self.no_space } else { &self.bad };
        refused.add(1, bytes);
    }

    /// Takes over what another slot has counted, which starts anew. The lock is held, and nobody counts in the other any more.
    pub fn absorb(&self, other: &Slot<P>) {
        let (records, bytes) = other.accepted.get();
        self.accepted.add(records as usize, bytes as usize);
        let (records, bytes) = other.no_space.get();
        self.no_space.add(records, bytes);
        let (records, bytes) = other.bad.get();
        self.bad.add(records, bytes);
        other.clear();
    }

    /// Starts anew. The lock is held, and no writer has the slot.
    pub fn clear(&self) {
        self.accepted.set(0, 0);
        for refused in [&self.no_space, &self.bad] {
            refused.records.swap(&REFUSED_ADD, 0);
            refused.bytes.swap(&REFUSED_ADD, 0);
        }
    }
}

impl<P: Platform> Journal<P> {
    /// Makes it invalid. The lock is held.
    pub fn strike(&self) {
        self.head.write(&JOURNAL_WRITE, NOWHERE);
    }
}

/// Where a writer counts what is accepted.
pub enum Account<'a, P: Platform> {
    /// Nowhere.
    None,
    /// In memory of the owner's process.
    Own(&'a Slot<P>),
    /// In the region, in the slot of this number.
    Shared(usize),
}

impl<P: Platform> Account<'_, P> {
    /// Counts messages that are about to be published, all at once, where `head` is now. The lock is held.
    #[inline(always)]
    pub(super) fn enter<M: Memory<P> + ?Sized>(self, memory: &M, head: u64, records: usize, bytes: usize) {
        match self {
            Account::None => {}
            Account::Own(slot) => slot.accepted.add(records, bytes),
            Account::Shared(number) => {
                if let Some(ledger) = memory.ledger()
                    && let Some(slot) = ledger.slots.get(number)
                {
                    note(ledger.journal, number, &slot.accepted, head);
                    slot.accepted.add(records, bytes);
                }
            }
        }
    }
}

/// The journal is not valid: at an older head it was published, or settled; at this head nobody has written yet.
fn note<P: Platform>(journal: &Journal<P>, number: usize, tally: &Tally<P>, head: u64) {
    let (records, bytes) = tally.get();
    journal.slot.write(&JOURNAL_WRITE, number as u64);
    journal.records.write(&JOURNAL_WRITE, records);
    journal.bytes.write(&JOURNAL_WRITE, bytes);
    P::death_fence();
    journal.head.write(&JOURNAL_WRITE, head);
    P::death_fence();
}

/// The lock was a dead thread's: takes back what it counted and did not publish. The lock is held.
#[cold]
pub(super) fn settle<P: Platform, M: Memory<P> + ?Sized>(memory: &M) {
    let Some(Ledger { journal, slots }) = memory.ledger() else {
        return;
    };
    let head = memory.header().indices.0.head.load(&HEAD_READ);
    if journal.head.read(&JOURNAL_READ) != head {
        return;
    }
    if let Some(slot) = usize::try_from(journal.slot.read(&JOURNAL_READ)).ok().and_then(|number| slots.get(number)) {
        slot.accepted.set(journal.records.read(&JOURNAL_READ), journal.bytes.read(&JOURNAL_READ));
    }
    P::death_fence();
    // Done: by the time somebody else dies at this head, the slot may have another owner.
    journal.strike();
}
