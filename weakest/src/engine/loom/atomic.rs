//! loom's atomics behind the facade's traits, each with a shadow that makes loom see all dependencies.

use super::history::History;
use super::platform::{at, uninterrupted};
use super::shadow::Shadow;
use crate::engine::world::{self, LockWord, Object};
use crate::facade::native::{OWNER, OWNER_DIED, WAITERS};
use crate::facade::{Atomic, Site};
use crate::trace::Action;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

macro_rules! loom_atomic {
    ($(#[$meta:meta])* $name:ident, $word:ident, $loom:ident, $int:ident) => {
        $(#[$meta])*
        pub struct $name(pub(super) Arc<$word>);

        pub(super) struct $word {
            real: ::loom::sync::atomic::$loom,
            pub shadow: Shadow,
            pub object: Object,
            history: History,
        }

        impl $word {
            /// The value that is newest in modification order. `unlikely` is one that the atomic does not hold; it is
            /// the expected value of a compare-and-exchange that fails, for that reads the newest and writes nothing.
            pub fn newest(&self, lane: usize, unlikely: $int) -> $int {
                let read = || self.real.compare_exchange(unlikely, unlikely, Relaxed, Relaxed);
                uninterrupted(lane, || read().unwrap_or_else(|newest| newest))
            }

            /// Stores behind everything that was executed so far, and records nothing.
            pub fn store_newest(&self, lane: usize, value: $int, order: std::sync::atomic::Ordering) {
                self.newest(lane, $int::MAX - 0x5eed);
                uninterrupted(lane, || self.real.store(value, order));
                self.history.store(lane);
            }

            /// Runs a read-modify-write. Where racing stores leave open which one is newest, loom must be free to
            /// choose, and the operation stays a point of switching.
            fn rmw<R>(&self, lane: usize, rmw: impl FnOnce(&::loom::sync::atomic::$loom) -> R) -> R {
                self.shadow.write(lane);
                let result = if self.history.linear() {
                    uninterrupted(lane, || rmw(&self.real))
                } else {
                    at(lane, || rmw(&self.real))
                };
                self.history.update(lane);
                result
            }

            fn fetch(
                &self,
                site: &'static Site,
                rmw: impl FnOnce(&::loom::sync::atomic::$loom, std::sync::atomic::Ordering) -> $int,
                wrote: impl FnOnce($int) -> $int,
            ) -> $int {
                let Some(lane) = world::enter(site.name) else { return 0 };
                let order = world::order(site).as_core();
                let read = self.rmw(lane, |real| rmw(real, order));
                world::record_update(site, self.object, read.into(), wrote(read).into());
                read
            }
        }

        impl Atomic<$int> for $name {
            fn new(label: &'static str, value: $int) -> Self {
                $name(Arc::new($word {
                    real: ::loom::sync::atomic::$loom::new(value),
                    shadow: Shadow::default(),
                    object: world::object(label.into(), value.into()),
                    history: History::default(),
                }))
            }

            fn load(&self, site: &'static Site) -> $int {
                let Some(lane) = world::enter(site.name) else { return 0 };
                let order = world::order(site).as_core();
                self.0.shadow.read(lane);
                let word = &self.0;
                if word.history.settled(lane) {
                    let value = uninterrupted(lane, || word.real.load(order));
                    world::record_read(site, word.object, value.into());
                    return value;
                }
                let value = at(lane, || word.real.load(order));
                world::record_read(site, word.object, value.into());
                if world::surely_newest(word.object, value.into()) {
                    word.history.saw_newest(lane);
                }
                value
            }

            fn store(&self, site: &'static Site, value: $int) {
                let Some(lane) = world::enter(site.name) else { return };
                let order = world::order(site).as_core();
                self.0.shadow.write(lane);
                if self.0.history.updated() {
                    self.0.store_newest(lane, value, order);
                } else {
                    uninterrupted(lane, || self.0.real.store(value, order));
                    self.0.history.store(lane);
                }
                world::record(Some(site), Some(self.0.object), Action::Wrote { value: value.into() });
            }

            fn swap(&self, site: &'static Site, value: $int) -> $int {
                self.0.fetch(site, |real, order| real.swap(value, order), |_| value)
            }

            fn fetch_add(&self, site: &'static Site, value: $int) -> $int {
                self.0.fetch(site, |real, order| real.fetch_add(value, order), |read| read.wrapping_add(value))
            }

            fn fetch_or(&self, site: &'static Site, value: $int) -> $int {
                self.0.fetch(site, |real, order| real.fetch_or(value, order), |read| read | value)
            }

            fn fetch_and(&self, site: &'static Site, value: $int) -> $int {
                self.0.fetch(site, |real, order| real.fetch_and(value, order), |read| read & value)
            }

            fn compare_exchange(&self, site: &'static Site, current: $int, new: $int) -> Result<$int, $int> {
                let Some(lane) = world::enter(site.name) else { return Ok(current) };
                let order = world::order(site).as_core();
                let result = self.0.rmw(lane, |real| real.compare_exchange(current, new, order, Relaxed));
                match result {
                    Ok(read) => world::record_update(site, self.0.object, read.into(), new.into()),
                    Err(found) => world::record_refusal(site, self.0.object, found.into(), current.into()),
                };
                result
            }

            fn compare_exchange_weak(&self, site: &'static Site, current: $int, new: $int) -> Result<$int, $int> {
                self.compare_exchange(site, current, new)
            }
        }
    };
}

loom_atomic!(
    /// A 32-bit atomic and futex word.
    LoomU32, Word32, AtomicU32, u32
);
loom_atomic!(
    /// A 64-bit atomic.
    LoomU64, Word64, AtomicU64, u64
);

impl Word32 {
    /// The kernel's swap in a `FUTEX_WAKE_OP`: relaxed, and not recorded.
    pub(super) fn swap(&self, lane: usize, value: u32) -> u32 {
        self.rmw(lane, |real| real.swap(value, Relaxed))
    }
}

impl LockWord for Word32 {
    fn object(&self) -> Object {
        self.object
    }

    fn clean_up(&self, dead: u32) {
        let lane = world::current();
        self.shadow.write(lane);
        let found = self.newest(lane, u32::MAX - 0x5eed);
        let (what, wake) = match found & OWNER {
            owner if owner == dead => {
                let left = (found & WAITERS) | OWNER_DIED;
                let order = std::sync::atomic::Ordering::Release;
                // Nothing can have stepped in between: the value is still there.
                let _ = uninterrupted(lane, || self.real.compare_exchange(found, left, order, Relaxed));
                self.history.update(lane);
                (Some(left), found & WAITERS != 0)
            }
            0 => (None, true),
            _ => (None, false),
        };
        world::record_clean_up(self.object, what.map(u64::from), wake);
    }
}
