//! `core`'s atomics behind the facade's traits.

use crate::{Atomic, Cell, Rmw, Site};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

macro_rules! native_atomic {
    ($(#[$meta:meta])* $name:ident $(<$param:ident>)?, $core:ty, $value:ty, $($rmw:pat => $method:ident),*) => {
        $(#[$meta])*
        #[repr(transparent)]
        #[derive(Debug)]
        pub struct $name $(<$param>)?($core);

        impl $(<$param>)? $name $(<$param>)? {
            /// The atomic underneath.
            #[inline(always)]
            pub const fn as_core(&self) -> &$core {
                &self.0
            }
        }

        impl $(<$param: 'static>)? Atomic<$value> for $name $(<$param>)? {
            #[inline(always)]
            fn new(_: &'static str, value: $value) -> Self {
                Self(<$core>::new(value))
            }
            #[inline(always)]
            fn load(&self, site: &'static Site) -> $value {
                self.0.load(site.order.as_core())
            }
            #[inline(always)]
            fn store(&self, site: &'static Site, value: $value) {
                self.0.store(value, site.order.as_core());
            }
            #[inline(always)]
            fn rmw(&self, site: &'static Site, rmw: Rmw, operand: $value) -> $value {
                match rmw {
                    Rmw::Swap => self.0.swap(operand, site.order.as_core()),
                    $($rmw => self.0.$method(operand, site.order.as_core()),)*
                    #[allow(unreachable_patterns, reason = "integers have all")]
                    _ => unreachable!("{rmw:?} is not for this type"),
                }
            }
            #[inline(always)]
            fn exchange(
                &self,
                site: &'static Site,
                failure: Option<&'static Site>,
                current: $value,
                new: $value,
                weak: bool,
            ) -> Result<$value, $value> {
                let (order, failure) = (site.order.as_core(), failure.map_or(Ordering::Relaxed, |f| f.order.as_core()));
                if weak {
                    self.0.compare_exchange_weak(current, new, order, failure)
                } else {
                    self.0.compare_exchange(current, new, order, failure)
                }
            }
        }
    };
}

macro_rules! native_integers {
    ($($(#[$meta:meta])* $name:ident, $core:ident, $int:ident;)*) => {$(
        native_atomic!(
            $(#[$meta])* $name, $core, $int,
            Rmw::Add => fetch_add, Rmw::Sub => fetch_sub, Rmw::And => fetch_and, Rmw::Nand => fetch_nand,
            Rmw::Or => fetch_or, Rmw::Xor => fetch_xor, Rmw::Max => fetch_max, Rmw::Min => fetch_min
        );
    )*};
}

native_integers! {
    /// A 32-bit atomic and futex word.
    NativeU32, AtomicU32, u32;
    /// A 64-bit atomic.
    NativeU64, AtomicU64, u64;
    /// A 32-bit signed atomic.
    NativeI32, AtomicI32, i32;
    /// An atomic of the size of an address.
    NativeUsize, AtomicUsize, usize;
}

native_atomic!(
    /// An atomic truth value.
    NativeBool, AtomicBool, bool,
    Rmw::And => fetch_and, Rmw::Nand => fetch_nand, Rmw::Or => fetch_or, Rmw::Xor => fetch_xor
);
native_atomic!(
    /// An atomic pointer.
    NativePtr<T>, AtomicPtr<T>, *mut T,
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
