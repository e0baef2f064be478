//! `core`'s atomics behind the facade's traits.

use crate::{Atomic, Cell, Site};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

macro_rules! native_atomic {
    ($(#[$meta:meta])* $name:ident, $core:ident, $int:ident) => {
        $(#[$meta])*
        #[repr(transparent)]
        #[derive(Debug)]
        pub struct $name($core);

        impl $name {
            /// The atomic underneath.
            #[inline(always)]
            pub const fn as_core(&self) -> &$core {
                &self.0
            }
        }

        impl Atomic<$int> for $name {
            #[inline(always)]
            fn new(_: &'static str, value: $int) -> Self {
                Self($core::new(value))
            }
            #[inline(always)]
            fn load(&self, site: &'static Site) -> $int {
                self.0.load(site.order.as_core())
            }
            #[inline(always)]
            fn store(&self, site: &'static Site, value: $int) {
                self.0.store(value, site.order.as_core());
            }
            #[inline(always)]
            fn swap(&self, site: &'static Site, value: $int) -> $int {
                self.0.swap(value, site.order.as_core())
            }
            #[inline(always)]
            fn fetch_add(&self, site: &'static Site, value: $int) -> $int {
                self.0.fetch_add(value, site.order.as_core())
            }
            #[inline(always)]
            fn fetch_or(&self, site: &'static Site, value: $int) -> $int {
                self.0.fetch_or(value, site.order.as_core())
            }
            #[inline(always)]
            fn fetch_and(&self, site: &'static Site, value: $int) -> $int {
                self.0.fetch_and(value, site.order.as_core())
            }
            #[inline(always)]
            fn compare_exchange(&self, site: &'static Site, current: $int, new: $int) -> Result<$int, $int> {
                self.0.compare_exchange(current, new, site.order.as_core(), Ordering::Relaxed)
            }
            #[inline(always)]
            fn compare_exchange_weak(&self, site: &'static Site, current: $int, new: $int) -> Result<$int, $int> {
                self.0.compare_exchange_weak(current, new, site.order.as_core(), Ordering::Relaxed)
            }
        }
    };
}

native_atomic!(
    /// A 32-bit atomic and futex word.
    NativeU32, AtomicU32, u32
);
native_atomic!(
    /// A 64-bit atomic.
    NativeU64, AtomicU64, u64
);

/// A word of data that stays defined when a hostile process races with us: relaxed atomic accesses.
#[repr(transparent)]
#[derive(Debug)]
pub struct NativeCell(AtomicU64);

impl Cell for NativeCell {
    #[inline(always)]
    fn new(_: &'static str, _: usize, value: u64) -> Self {
        Self(AtomicU64::new(value))
    }
    #[inline(always)]
    fn read(&self, _: &'static Site) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
    #[inline(always)]
    fn write(&self, _: &'static Site, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

const _: () = {
    assert!(size_of::<NativeU32>() == 4 && align_of::<NativeU32>() == 4);
    assert!(size_of::<NativeU64>() == 8 && align_of::<NativeU64>() == 8);
    assert!(size_of::<NativeCell>() == 8 && align_of::<NativeCell>() == 8);
};
