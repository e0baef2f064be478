//! The accounts in page 0: plain places, counted in by [`protocol::account`](crate::protocol::account).

use super::header::Line;
use weakest_facade::{Atomic, Cell, Platform};

/// The accounts of writers in other processes, behind the header in page 0.
#[repr(C)]
pub struct Accounts<P: Platform> {
    /// Bytes 256 to 319: what the lock's holder is about to count.
    pub journal: Line<Journal<P>>,
    /// From byte 320 on: one account each, of 48 bytes. The first is for all who have none of their own.
    pub slots: [Slot<P>; ACCOUNTS],
}

/// How many accounts page 0 has.
pub const ACCOUNTS: usize = 78;

/// Records and bytes, counted by one thread at a time.
#[repr(C)]
pub struct Tally<P: Platform> {
    pub(crate) records: P::Cell,
    pub(crate) bytes: P::Cell,
}

impl<P: Platform> Tally<P> {
    /// Nothing yet.
    pub fn new(label: &'static str) -> Self {
        Tally { records: Cell::new(label, 0, 0), bytes: Cell::new(label, 1, 0) }
    }
}

/// Records and bytes, counted by anybody at any time.
#[repr(C)]
pub struct Refused<P: Platform> {
    pub(crate) records: P::AtomicU64,
    pub(crate) bytes: P::AtomicU64,
}

impl<P: Platform> Refused<P> {
    fn new(label: &'static str) -> Self {
        Refused { records: Atomic::new(label, 0), bytes: Atomic::new(label, 0) }
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

impl<P: Platform> Default for Slot<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// What the lock's holder is about to count.
#[repr(C)]
pub struct Journal<P: Platform> {
    /// The head at which the rest is valid: the record's own index.
    pub(crate) head: P::Cell,
    pub(crate) slot: P::Cell,
    pub(crate) records: P::Cell,
    pub(crate) bytes: P::Cell,
}

/// The head at which no record is, since it is no multiple of 8: the journal is not valid.
pub(crate) const NOWHERE: u64 = 1;

impl<P: Platform> Journal<P> {
    /// Not valid.
    pub fn new() -> Self {
        let cell = |index, value| Cell::new("journal", index, value);
        Journal { head: cell(0, NOWHERE), slot: cell(1, 0), records: cell(2, 0), bytes: cell(3, 0) }
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
