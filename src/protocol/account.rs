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

use crate::protocol::memory::Memory;
use crate::protocol::sites::{
    HEAD_READ, JOURNAL_READ, JOURNAL_WRITE, REFUSED_ADD, REFUSED_LOOK, TALLY_READ, TALLY_WRITE,
};
use weakest_facade::{Atomic, Cell, Platform};

/// Records and bytes, counted by one thread at a time.
#[repr(C)]
pub struct Tally<P: Platform> {
    records: P::Cell,
    bytes: P::Cell,
}

impl<P: Platform> Tally<P> {
    /// Nothing yet.
    pub fn new(label: &'static str) -> Self {
        Tally { records: Cell::new(label, 0, 0), bytes: Cell::new(label, 1, 0) }
    }

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

/// Records and bytes, counted by anybody at any time.
#[repr(C)]
pub struct Refused<P: Platform> {
    records: P::AtomicU64,
    bytes: P::AtomicU64,
}

impl<P: Platform> Refused<P> {
    fn new(label: &'static str) -> Self {
        Refused { records: Atomic::new(label, 0), bytes: Atomic::new(label, 0) }
    }

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

/// What became of one tag's writes.
#[repr(C)]
pub struct Slot<P: Platform> {
    /// Published. Changed and read under the writers' lock.
    pub accepted: Tally<P>,
    /// Refused for lack of space.
    pub no_space: Refused<P>,
    /// Refused for any other reason.
    pub bad: Refused<P>,
}

impl<P: Platform> Slot<P> {
    /// Nothing yet.
    pub fn new() -> Self {
        Slot { accepted: Tally::new("accepted"), no_space: Refused::new("no space"), bad: Refused::new("bad") }
    }
}

impl<P: Platform> Slot<P> {
    /// Starts anew. The lock is held, and no writer has the slot.
    pub fn clear(&self) {
        self.accepted.set(0, 0);
        for refused in [&self.no_space, &self.bad] {
            refused.records.swap(&REFUSED_ADD, 0);
            refused.bytes.swap(&REFUSED_ADD, 0);
        }
    }
}

impl<P: Platform> Default for Slot<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// What the lock's holder is about to count.
#[repr(C)]
pub struct Journal<P: Platform> {
    /// The head at which the rest is valid: the record's own index.
    head: P::Cell,
    slot: P::Cell,
    records: P::Cell,
    bytes: P::Cell,
}

/// The head at which no record is, since it is no multiple of 8: the journal is not valid.
const NOWHERE: u64 = 1;

impl<P: Platform> Journal<P> {
    /// Not valid.
    pub fn new() -> Self {
        let cell = |index, value| Cell::new("journal", index, value);
        Journal { head: cell(0, NOWHERE), slot: cell(1, 0), records: cell(2, 0), bytes: cell(3, 0) }
    }

    /// Makes it invalid. The lock is held.
    pub fn strike(&self) {
        self.head.write(&JOURNAL_WRITE, NOWHERE);
    }
}

impl<P: Platform> Default for Journal<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// The accounts in the region's first page.
pub struct Ledger<'a, P: Platform> {
    /// What the lock's holder is about to count.
    pub journal: &'a Journal<P>,
    /// The accounts.
    pub slots: &'a [Slot<P>],
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
