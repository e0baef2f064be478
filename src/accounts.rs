//! What became of every write: accepted, delivered, refused, per tag and in total.
//!
//! | figure | counted by | when |
//! |---|---|---|
//! | accepted | whoever publishes the record | under the writers' lock, just before it is published; see [`protocol::account`](crate::protocol::account) |
//! | delivered | the reader | when it has visited the record |
//! | dropped | the reader | when it gives the record's room back unread ([`Reader::drop_oldest`](crate::Reader::drop_oldest)) |
//! | in the ring | [`Reader::accounts`](crate::Reader::accounts) | walks over the records that are there |
//! | given up | [`Reader::resync`](crate::Reader::resync) | what was accepted and not delivered |
//! | refused | whoever refuses | at once |
//! | reported | an isolated writer | what it refused, with its next record |
//!
//! So *accepted = delivered + dropped + in the ring + given up* compares three countings that know nothing of each other. It holds
//! exactly, also after writers were killed at any instant.

mod book;
mod cache;

pub(crate) use book::{Book, COMMON, Entry};
pub(crate) use cache::Cache;

use core::ops::{Add, AddAssign};
use std::collections::BTreeMap;

/// Records, and the bytes of their messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Count {
    /// How many.
    pub records: u64,
    /// The sum of their messages' lengths.
    pub bytes: u64,
}

/// What became of the writes with one tag, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// Published in the ring. What an isolated writer has sent and the broker has not received yet is not in here.
    pub accepted: Count,
    /// Read, and their room given back.
    pub delivered: Count,
    /// Given up unread to make room for newer ones: [`Reader::drop_oldest`](crate::Reader::drop_oldest).
    pub dropped: Count,
    /// In the ring now.
    pub in_ring: Count,
    /// Lost in repairs of a damaged ring.
    pub given_up: Count,
    /// Refused with `NO_SPACE`. What an isolated writer's own process refused so is not in here: see `reported`.
    pub no_space: Count,
    /// What isolated writers report, each with its next accepted record, to have refused with `NO_SPACE`. It is their word for it:
    /// a hostile one reports anything, so it is added to nothing else, and stays at `u64::MAX` where it would exceed that.
    pub reported: Count,
    /// Refused for any other reason: too long, in too many pieces, into a damaged ring or a closed one, or not a record at all. What an
    /// isolated writer's own process refuses as such is not known.
    pub bad: Count,
}

/// The accounts of a ring at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accounts {
    /// All together, since the ring was made.
    pub total: Account,
    /// Each tag that has an endpoint or unread records; others may linger. Accepted in total only, not by tag: what mapped
    /// writers wrote whose tags are more than 77 at a time, and what forks of the owner wrote.
    pub by_tag: BTreeMap<u64, Account>,
}

impl Account {
    /// Whether accepted = delivered + dropped + in the ring + given up.
    pub fn balances(&self) -> bool {
        self.accepted == self.delivered + self.dropped + self.in_ring + self.given_up
    }
}

impl Accounts {
    /// Counts one record that is in the ring.
    pub(crate) fn found(&mut self, tag: u64, len: usize) {
        let count = Count { records: 1, bytes: len as u64 };
        self.total.in_ring += count;
        if let Some(account) = self.by_tag.get_mut(&tag) {
            account.in_ring += count;
        }
    }
}

impl Count {
    /// The sum, or the largest number where that does not fit.
    pub(crate) fn saturating_add(self, other: Count) -> Count {
        Count { records: self.records.saturating_add(other.records), bytes: self.bytes.saturating_add(other.bytes) }
    }
}

impl From<(u64, u64)> for Count {
    fn from((records, bytes): (u64, u64)) -> Self {
        Count { records, bytes }
    }
}

impl Add for Count {
    type Output = Count;
    fn add(self, other: Count) -> Count {
        Count { records: self.records.wrapping_add(other.records), bytes: self.bytes.wrapping_add(other.bytes) }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Count) {
        *self = *self + other;
    }
}

impl AddAssign for Account {
    fn add_assign(&mut self, other: Account) {
        self.accepted += other.accepted;
        self.delivered += other.delivered;
        self.dropped += other.dropped;
        self.in_ring += other.in_ring;
        self.given_up += other.given_up;
        self.no_space += other.no_space;
        self.reported = self.reported.saturating_add(other.reported);
        self.bad += other.bad;
    }
}
