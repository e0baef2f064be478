//! loom's atomics behind the facade's traits, each with a shadow that makes loom see all dependencies.

use super::history::History;
use super::platform::{at, uninterrupted};
use super::shadow::Shadow;
use crate::engine::world::{self, LockWord, Object};
use crate::facade::heap::qualified;
use crate::facade::native::{OWNER, OWNER_DIED, WAITERS};
use crate::facade::{Atomic, Operation, Rmw, Site, Value};
use crate::trace::Action;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

macro_rules! loom_atomic {
    (
        $(#[$meta:meta])* $name:ident, $word:ident, $loom:ty, $value:ty, $unlikely:expr,
        $($rmw:pat => $method:ident),*
    ) => {
        $(#[$meta])*
        pub struct $name(pub(super) Arc<$word>);

        pub(super) struct $word {
            real: $loom,
            pub shadow: Shadow,
            pub object: Object,
            history: History,
        }

        impl $word {
            /// The value that is newest in modification order. `unlikely` is one that the atomic does not hold; it is
            /// the expected value of a compare-and-exchange that fails, for that reads the newest and writes nothing.
            pub fn newest(&self, lane: usize, unlikely: $value) -> $value {
                let read = || self.real.compare_exchange(unlikely, unlikely, Relaxed, Relaxed);
                uninterrupted(lane, || read().unwrap_or_else(|newest| newest))
            }

            /// Stores behind everything that was executed so far, and records nothing.
            pub fn store_newest(&self, lane: usize, value: $value, order: std::sync::atomic::Ordering) {
                self.newest(lane, $unlikely);
                uninterrupted(lane, || self.real.store(value, order));
                self.history.store(lane);
            }

            /// Runs a read-modify-write. Where racing stores leave open which one is newest, loom must be free to
            /// choose, and the operation stays a point of switching.
            fn modify<R>(&self, lane: usize, rmw: impl FnOnce(&$loom) -> R) -> R {
                self.shadow.write(lane);
                let result = if self.history.linear() {
                    uninterrupted(lane, || rmw(&self.real))
                } else {
                    at(lane, || rmw(&self.real))
                };
                self.history.update(lane);
                result
            }
        }

        impl Atomic<$value> for $name {
            fn new(label: &'static str, value: $value) -> Self {
                $name(Arc::new($word {
                    real: <$loom>::new(value),
                    shadow: Shadow::default(),
                    object: world::object(qualified(label), value.to_bits()),
                    history: History::default(),
                }))
            }

            fn load(&self, site: &'static Site) -> $value {
                let Some(lane) = world::enter_at(site, Operation::Load) else { return <$value>::from_bits(0) };
                let order = world::order(site).as_core();
                self.0.shadow.read(lane);
                let word = &self.0;
                if word.history.settled(lane) {
                    let value = uninterrupted(lane, || word.real.load(order));
                    world::record_read(site, word.object, value.to_bits());
                    return value;
                }
                let value = at(lane, || word.real.load(order));
                world::record_read(site, word.object, value.to_bits());
                if world::surely_newest(word.object, value.to_bits()) {
                    word.history.saw_newest(lane);
                }
                value
            }

            fn store(&self, site: &'static Site, value: $value) {
                let Some(lane) = world::enter_at(site, Operation::Store) else { return };
                let order = world::order(site).as_core();
                self.0.shadow.write(lane);
                if self.0.history.updated() {
                    self.0.store_newest(lane, value, order);
                } else {
                    uninterrupted(lane, || self.0.real.store(value, order));
                    self.0.history.store(lane);
                }
                world::record(Some(site), Some(self.0.object), Action::Wrote { value: value.to_bits() });
            }

            fn rmw(&self, site: &'static Site, rmw: Rmw, operand: $value) -> $value {
                let Some(lane) = world::enter_at(site, Operation::Rmw) else { return <$value>::from_bits(0) };
                let order = world::order(site).as_core();
                let read = self.0.modify(lane, |real| match rmw {
                    Rmw::Swap => real.swap(operand, order),
                    $($rmw => real.$method(operand, order),)*
                    #[allow(unreachable_patterns, reason = "integers have all")]
                    _ => unreachable!("{rmw:?} is not for this type"),
                });
                let wrote = rmw.apply::<$value>(read.to_bits(), operand.to_bits());
                world::record_update(site, self.0.object, read.to_bits(), wrote);
                read
            }

            /// Strong even if `weak`: loom has no spurious failures.
            fn exchange(
                &self,
                site: &'static Site,
                failure: Option<&'static Site>,
                current: $value,
                new: $value,
                _weak: bool,
            ) -> Result<$value, $value> {
                let Some(lane) = world::enter_at(site, Operation::CompareExchange) else { return Ok(current) };
                let order = world::order(site).as_core();
                let refusal = world::failure_order(failure).as_core();
                let result = self.0.modify(lane, |real| real.compare_exchange(current, new, order, refusal));
                let (object, at) = (self.0.object, failure.unwrap_or(site));
                match result {
                    Ok(read) => world::record_update(site, object, read.to_bits(), new.to_bits()),
                    Err(found) => world::record_refusal(at, object, found.to_bits(), current.to_bits()),
                };
                result
            }
        }
    };
}

macro_rules! loom_integers {
    ($($(#[$meta:meta])* $name:ident, $word:ident, $loom:ident, $int:ident;)*) => {$(
        loom_atomic!(
            $(#[$meta])* $name, $word, ::loom::sync::atomic::$loom, $int, $int::MAX - 0x5eed,
            Rmw::Add => fetch_add, Rmw::Sub => fetch_sub, Rmw::And => fetch_and, Rmw::Nand => fetch_nand,
            Rmw::Or => fetch_or, Rmw::Xor => fetch_xor, Rmw::Max => fetch_max, Rmw::Min => fetch_min
        );
    )*};
}

loom_integers! {
    /// A 32-bit atomic and futex word.
    LoomU32, Word32, AtomicU32, u32;
    /// A 64-bit atomic.
    LoomU64, Word64, AtomicU64, u64;
    /// A 32-bit signed atomic.
    LoomI32, WordI32, AtomicI32, i32;
    /// An atomic of the size of an address.
    LoomUsize, WordUsize, AtomicUsize, usize;
}

/// An atomic truth value: a number to loom, whose own has no value that it does not hold.
pub struct LoomBool(LoomU32);

impl Atomic<bool> for LoomBool {
    fn new(label: &'static str, value: bool) -> Self {
        LoomBool(LoomU32::new(label, value.into()))
    }

    fn load(&self, site: &'static Site) -> bool {
        self.0.load(site) != 0
    }

    fn store(&self, site: &'static Site, value: bool) {
        self.0.store(site, value.into());
    }

    fn rmw(&self, site: &'static Site, rmw: Rmw, operand: bool) -> bool {
        // Of one bit: what `Nand` leaves is what `Xor` makes of 1, or 1 if the operand is 0.
        match (rmw, operand) {
            (Rmw::Nand, true) => self.0.rmw(site, Rmw::Xor, 1) != 0,
            (Rmw::Nand, false) => self.0.rmw(site, Rmw::Swap, 1) != 0,
            (rmw, operand) => self.0.rmw(site, rmw, operand.into()) != 0,
        }
    }

    fn exchange(
        &self,
        site: &'static Site,
        failure: Option<&'static Site>,
        current: bool,
        new: bool,
        weak: bool,
    ) -> Result<bool, bool> {
        let result = self.0.exchange(site, failure, current.into(), new.into(), weak);
        result.map(|found| found != 0).map_err(|found| found != 0)
    }
}

/// An atomic pointer: its address as a number.
pub struct LoomPtr<T>(LoomUsize, PhantomData<fn() -> T>);

impl<T: 'static> Atomic<*mut T> for LoomPtr<T> {
    fn new(label: &'static str, value: *mut T) -> Self {
        LoomPtr(LoomUsize::new(label, value.to_bits() as usize), PhantomData)
    }

    fn load(&self, site: &'static Site) -> *mut T {
        pointer(self.0.load(site))
    }

    fn store(&self, site: &'static Site, value: *mut T) {
        self.0.store(site, value.to_bits() as usize);
    }

    fn rmw(&self, site: &'static Site, rmw: Rmw, operand: *mut T) -> *mut T {
        pointer(self.0.rmw(site, rmw, operand.to_bits() as usize))
    }

    fn exchange(
        &self,
        site: &'static Site,
        failure: Option<&'static Site>,
        current: *mut T,
        new: *mut T,
        weak: bool,
    ) -> Result<*mut T, *mut T> {
        let result = self.0.exchange(site, failure, current.to_bits() as usize, new.to_bits() as usize, weak);
        result.map(pointer).map_err(pointer)
    }
}

fn pointer<T: 'static>(address: usize) -> *mut T {
    Value::from_bits(address as u64)
}

impl Word32 {
    /// The kernel's swap in a `FUTEX_WAKE_OP`: relaxed, and not recorded.
    pub(super) fn swap(&self, lane: usize, value: u32) -> u32 {
        self.modify(lane, |real| real.swap(value, Relaxed))
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
