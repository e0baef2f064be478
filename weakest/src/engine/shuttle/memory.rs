//! Sequentially consistent memory, watched by the tracker of happens-before.

use super::clock::Tracker;
use super::platform::step;
use super::schedule;
use crate::engine::world::{self, LockWord, Object};
use crate::facade::native::{OWNER, OWNER_DIED, WAITERS};
use crate::facade::{Atomic, Cell, Order, Site};
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

/// An integer of either size.
pub trait Int: Copy + Eq + Send + Sync + 'static {
    /// As the wider of the two.
    fn widen(self) -> u64;
    /// Back to its own size, modulo.
    fn narrow(value: u64) -> Self;
}

impl Int for u32 {
    fn widen(self) -> u64 {
        self.into()
    }
    fn narrow(value: u64) -> u32 {
        value as u32
    }
}

impl Int for u64 {
    fn widen(self) -> u64 {
        self
    }
    fn narrow(value: u64) -> u64 {
        value
    }
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
pub struct ShuttleAtomic<T>(pub(super) Arc<Word>, PhantomData<T>);

impl<T: Int> ShuttleAtomic<T> {
    fn update(&self, site: &'static Site, change: impl FnOnce(u64) -> u64) -> T {
        let Some(lane) = step(site.name) else { return T::narrow(0) };
        let read = self.0.get();
        let wrote = T::narrow(change(read)).widen();
        self.0.set(wrote);
        tracker(|t| t.update(lane, self.0.object, world::order(site)));
        world::record_update(site, self.0.object, read, wrote);
        T::narrow(read)
    }
}

impl<T: Int> Atomic<T> for ShuttleAtomic<T> {
    fn new(label: &'static str, value: T) -> Self {
        let object = world::object(label.into(), value.widen());
        ShuttleAtomic(Arc::new(Word { value: AtomicU64::new(value.widen()), object }), PhantomData)
    }

    fn load(&self, site: &'static Site) -> T {
        let Some(lane) = step(site.name) else { return T::narrow(0) };
        let value = self.0.get();
        tracker(|t| t.load(lane, self.0.object, world::order(site)));
        world::record_read(site, self.0.object, value);
        T::narrow(value)
    }

    fn store(&self, site: &'static Site, value: T) {
        let Some(lane) = step(site.name) else { return };
        self.0.set(value.widen());
        tracker(|t| t.store(lane, self.0.object, world::order(site)));
        world::record(Some(site), Some(self.0.object), Action::Wrote { value: value.widen() });
    }

    fn swap(&self, site: &'static Site, value: T) -> T {
        self.update(site, |_| value.widen())
    }

    fn fetch_add(&self, site: &'static Site, value: T) -> T {
        self.update(site, |read| read.wrapping_add(value.widen()))
    }

    fn fetch_or(&self, site: &'static Site, value: T) -> T {
        self.update(site, |read| read | value.widen())
    }

    fn fetch_and(&self, site: &'static Site, value: T) -> T {
        self.update(site, |read| read & value.widen())
    }

    fn compare_exchange(&self, site: &'static Site, current: T, new: T) -> Result<T, T> {
        let Some(lane) = step(site.name) else { return Ok(current) };
        let read = self.0.get();
        if read == current.widen() {
            self.0.set(new.widen());
            tracker(|t| t.update(lane, self.0.object, world::order(site)));
            world::record_update(site, self.0.object, read, new.widen());
            Ok(current)
        } else {
            tracker(|t| t.load(lane, self.0.object, Order::Relaxed));
            world::record_refusal(site, self.0.object, read, current.widen());
            Err(T::narrow(read))
        }
    }

    fn compare_exchange_weak(&self, site: &'static Site, current: T, new: T) -> Result<T, T> {
        /// One in so many attempts fails for no reason.
        const ODDS: usize = 8;
        if std::thread::panicking() || schedule::choose(ODDS) != 0 {
            return self.compare_exchange(site, current, new);
        }
        let Some(lane) = step(site.name) else { return Ok(current) };
        let found = self.0.get();
        tracker(|t| t.load(lane, self.0.object, Order::Relaxed));
        world::record_refusal(site, self.0.object, found, current.widen());
        Err(T::narrow(found))
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
        let object = world::object(format!("{label}[{index}]"), value);
        ShuttleCell(Word { value: AtomicU64::new(value), object })
    }

    fn read(&self, site: &'static Site) -> u64 {
        let Some(lane) = world::enter(site.name) else { return 0 };
        let value = self.0.get();
        world::record_read(site, self.0.object, value);
        Self::judge(tracker(|t| t.read(lane, self.0.object)));
        value
    }

    fn write(&self, site: &'static Site, value: u64) {
        let Some(lane) = world::enter(site.name) else { return };
        self.0.set(value);
        world::record(Some(site), Some(self.0.object), Action::Wrote { value });
        Self::judge(tracker(|t| t.write(lane, self.0.object)));
    }
}
