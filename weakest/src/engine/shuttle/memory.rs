//! Sequentially consistent memory, watched by the tracker of happens-before.

use super::clock::Tracker;
use super::platform::step_at;
use super::schedule;
use crate::engine::world::{self, LockWord, Object};
use crate::facade::heap::{indexed, qualified};
use crate::facade::native::{OWNER, OWNER_DIED, WAITERS};
use crate::facade::{Atomic, Cell, Operation, Order, Rmw, Site, Value};
use crate::trace::{Action, Fault};
use std::cell::RefCell;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What unwinds a thread that has failed its execution already.
pub(super) struct Failed;

thread_local! {
    static TRACKER: RefCell<Tracker> = RefCell::new(Tracker::default());
}

/// Starts an execution of so many lanes.
pub(super) fn begin(lanes: usize) {
    TRACKER.set(Tracker::new(lanes));
}

/// Asks the tracker of this execution.
pub(super) fn tracker<R>(ask: impl FnOnce(&mut Tracker) -> R) -> R {
    TRACKER.with_borrow_mut(ask)
}

pub(super) struct Word {
    value: AtomicU64,
    pub object: Object,
}

impl Word {
    pub fn get(&self) -> u64 {
        self.value.load(Relaxed)
    }

    pub fn set(&self, value: u64) {
        self.value.store(value, Relaxed);
    }
}

/// An atomic of shuttle's machine.
pub struct ShuttleAtomic<T>(pub(super) Arc<Word>, PhantomData<fn() -> T>);

impl<T: Value> Atomic<T> for ShuttleAtomic<T> {
    fn new(label: &'static str, value: T) -> Self {
        let object = world::object(qualified(label), value.to_bits());
        ShuttleAtomic(Arc::new(Word { value: AtomicU64::new(value.to_bits()), object }), PhantomData)
    }

    fn load(&self, site: &'static Site) -> T {
        let Some(lane) = step_at(site, Operation::Load) else { return T::from_bits(0) };
        let value = self.0.get();
        tracker(|t| t.load(lane, self.0.object, world::order(site)));
        world::record_read(site, self.0.object, value);
        T::from_bits(value)
    }

    fn store(&self, site: &'static Site, value: T) {
        let Some(lane) = step_at(site, Operation::Store) else { return };
        self.0.set(value.to_bits());
        tracker(|t| t.store(lane, self.0.object, world::order(site)));
        world::record(Some(site), Some(self.0.object), Action::Wrote { value: value.to_bits() });
    }

    fn rmw(&self, site: &'static Site, rmw: Rmw, operand: T) -> T {
        let Some(lane) = step_at(site, Operation::Rmw) else { return T::from_bits(0) };
        let read = self.0.get();
        let wrote = rmw.apply::<T>(read, operand.to_bits());
        self.0.set(wrote);
        tracker(|t| t.update(lane, self.0.object, world::order(site)));
        world::record_update(site, self.0.object, read, wrote);
        T::from_bits(read)
    }

    fn exchange(
        &self,
        site: &'static Site,
        failure: Option<&'static Site>,
        current: T,
        new: T,
        weak: bool,
    ) -> Result<T, T> {
        /// Of the weak attempts, one in so many fails for no reason.
        const ODDS: usize = 8;
        let spurious = weak && !std::thread::panicking() && schedule::choose(ODDS) == 0;
        let Some(lane) = step_at(site, Operation::CompareExchange) else { return Ok(current) };
        let read = self.0.get();
        if read == current.to_bits() && !spurious {
            self.0.set(new.to_bits());
            tracker(|t| t.update(lane, self.0.object, world::order(site)));
            world::record_update(site, self.0.object, read, new.to_bits());
            Ok(current)
        } else {
            tracker(|t| t.load(lane, self.0.object, world::failure_order(failure)));
            world::record_refusal(failure.unwrap_or(site), self.0.object, read, current.to_bits());
            Err(T::from_bits(read))
        }
    }
}

impl LockWord for Word {
    fn object(&self) -> Object {
        self.object
    }

    fn clean_up(&self, dead: u32) {
        let lane = world::current();
        super::platform::switch(lane);
        let found = self.get();
        let (left, wake) = match found as u32 & OWNER {
            owner if owner == dead => {
                let left = u64::from((found as u32 & WAITERS) | OWNER_DIED);
                self.set(left);
                tracker(|t| t.update(lane, self.object, Order::Release));
                (Some(left), found as u32 & WAITERS != 0)
            }
            0 => (None, true),
            _ => (None, false),
        };
        world::record_clean_up(self.object, left, wake);
    }
}

/// A word of plain data, whose races the tracker reports.
pub struct ShuttleCell(Word);

impl ShuttleCell {
    /// Ends the execution if the access just recorded was a race.
    fn judge(ordered: bool) {
        if !ordered {
            world::fail(Fault::DataRace, String::new());
            resume_unwind(Box::new(Failed));
        }
    }
}

impl Cell for ShuttleCell {
    fn new(label: &'static str, index: usize, value: u64) -> Self {
        let object = world::object(indexed(label, index), value);
        ShuttleCell(Word { value: AtomicU64::new(value), object })
    }

    fn read(&self, site: &'static Site) -> u64 {
        let Some(lane) = world::enter_at(site, Operation::Read) else { return 0 };
        let value = self.0.get();
        world::record_read(site, self.0.object, value);
        Self::judge(tracker(|t| t.read(lane, self.0.object)));
        value
    }

    fn write(&self, site: &'static Site, value: u64) {
        let Some(lane) = world::enter_at(site, Operation::Write) else { return };
        self.0.set(value);
        world::record(Some(site), Some(self.0.object), Action::Wrote { value });
        Self::judge(tracker(|t| t.write(lane, self.0.object)));
    }
}
