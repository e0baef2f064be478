//! Plain data words, whose races loom reports.

use crate::engine::world::{self, Object};
use crate::facade::heap::indexed;
use crate::facade::{Cell, Operation, Site};
use crate::trace::Action;
use ::loom::cell::UnsafeCell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A word of plain data. Not a point of switching: what commutes with everything but races need not be tried in every
/// order.
pub struct LoomCell {
    value: AtomicU64,
    /// Guards nothing; loom looks at who accesses it.
    tracker: UnsafeCell<()>,
    object: Object,
}

// SAFETY: the tracker holds no data, and loom runs all threads of a model on one thread of the operating system.
unsafe impl Sync for LoomCell {}

impl Cell for LoomCell {
    fn new(label: &'static str, index: usize, value: u64) -> Self {
        let object = world::object(indexed(label, index), value);
        LoomCell { value: AtomicU64::new(value), tracker: UnsafeCell::new(()), object }
    }

    fn read(&self, site: &'static Site) -> u64 {
        if world::enter_at(site, Operation::Read).is_none() {
            return 0;
        }
        let value = self.value.load(Relaxed);
        // Recorded first: if loom reports a race here, this access is part of the story.
        world::record_read(site, self.object, value);
        self.tracker.with(|_| ());
        value
    }

    fn write(&self, site: &'static Site, value: u64) {
        if world::enter_at(site, Operation::Write).is_none() {
            return;
        }
        world::record(Some(site), Some(self.object), Action::Wrote { value });
        self.tracker.with_mut(|_| ());
        self.value.store(value, Relaxed);
    }
}
