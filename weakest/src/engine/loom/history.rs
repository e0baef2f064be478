//! What is known of an atomic's modification order, so that loom need not be asked to try what can have one result only.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Lanes that a model can have: loom's threads, the operating system, the final look.
const LANES: usize = ::loom::MAX_THREADS + 2;

/// Who wrote to an atomic, and who has seen its newest value.
///
/// While at most one lane has made plain stores, the modification order is the order of execution: read-modify-writes go
/// behind the newest value, and so does a plain store once there were any (see `Word::store_newest`).
#[derive(Debug, Default)]
pub(super) struct History {
    /// One bit for each lane that has made a plain store.
    storers: AtomicU64,
    updates: AtomicU64,
    writes: AtomicU64,
    /// For each lane, how many of the writes it has seen for sure.
    seen: [AtomicU64; LANES],
}

impl History {
    /// Whether the modification order is the order of execution.
    pub fn linear(&self) -> bool {
        self.storers.load(Relaxed).count_ones() <= 1
    }

    /// Whether anybody has made a read-modify-write.
    pub fn updated(&self) -> bool {
        self.updates.load(Relaxed) > 0
    }

    /// Whether `lane` can read nothing but the newest value.
    pub fn settled(&self, lane: usize) -> bool {
        self.linear() && self.seen[lane].load(Relaxed) == self.writes.load(Relaxed)
    }

    /// `lane` has read the newest value.
    pub fn saw_newest(&self, lane: usize) {
        self.seen[lane].store(self.writes.load(Relaxed), Relaxed);
    }

    /// `lane` stores.
    pub fn store(&self, lane: usize) {
        self.storers.fetch_or(1 << lane, Relaxed);
        self.writes.fetch_add(1, Relaxed);
        self.saw_newest(lane);
    }

    /// `lane` updates, or tries to.
    pub fn update(&self, lane: usize) {
        self.updates.fetch_add(1, Relaxed);
        self.writes.fetch_add(1, Relaxed);
        self.saw_newest(lane);
    }
}
