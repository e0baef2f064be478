//! What a BPF program may do to memory that it shares.
//!
//! | facade | instruction (`Documentation/bpf/standardization/instruction-set.rst`) | promises (the kernel's memory model) |
//! |---|---|---|
//! | relaxed load, store | plain, of the word's width | as `READ_ONCE`, `WRITE_ONCE` |
//! | acquire load, release store | `BPF_LOAD_ACQ`, `BPF_STORE_REL` | as `smp_load_acquire`, `smp_store_release` |
//! | read-modify-write, any order | `BPF_XCHG`, `BPF_CMPXCHG`, `BPF_ATOMIC \| BPF_FETCH` | fully ordered |
//! | data word | plain, of 8 bytes | as `READ_ONCE`, `WRITE_ONCE` |
//!
//! So each site is at least as strong here as the table of sites says.
//!
//! Safety throughout: the words are shared, so that every access is one instruction on the word itself, atomic or volatile.

use crate::{Atomic, Cell, Order, Platform, Site};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, AtomicU64};

/// As in the facade's own `native`.
pub const OWNER: u32 = 0x3fff_ffff;
/// As in the facade's own `native`.
pub const WAITERS: u32 = 0x8000_0000;
/// As in the facade's own `native`.
pub const OWNER_DIED: u32 = 0x4000_0000;

/// The machine on which a BPF program runs.
pub enum Native {}

macro_rules! atomic {
    ($name:ident, $core:ident, $int:ident) => {
        #[repr(transparent)]
        pub struct $name($core);

        impl Atomic<$int> for $name {
            #[inline(always)]
            fn new(_: &'static str, value: $int) -> Self {
                Self($core::new(value))
            }
            #[inline(always)]
            fn load(&self, site: &'static Site) -> $int {
                if matches!(site.order, Order::Relaxed) {
                    // The backend knows no relaxed loads.
                    unsafe { self.0.as_ptr().read_volatile() }
                } else {
                    self.0.load_acquire()
                }
            }
            #[inline(always)]
            fn store(&self, site: &'static Site, value: $int) {
                if matches!(site.order, Order::Relaxed) {
                    unsafe { self.0.as_ptr().write_volatile(value) };
                } else {
                    self.0.store_release(value);
                }
            }
            #[inline(always)]
            fn swap(&self, _: &'static Site, value: $int) -> $int {
                self.0.swap_full(value)
            }
            #[inline(always)]
            fn fetch_add(&self, _: &'static Site, value: $int) -> $int {
                self.0.add_full(value)
            }
            #[inline(always)]
            fn compare_exchange(&self, _: &'static Site, current: $int, new: $int) -> Result<$int, $int> {
                self.0.compare_exchange_full(current, new)
            }
        }
    };
}

atomic!(BpfU32, AtomicU32, u32);
atomic!(BpfU64, AtomicU64, u64);

/// A word of data.
#[repr(transparent)]
pub struct BpfCell(UnsafeCell<u64>);

unsafe impl Sync for BpfCell {}

impl Cell for BpfCell {
    #[inline(always)]
    fn new(_: &'static str, _: usize, value: u64) -> Self {
        Self(UnsafeCell::new(value))
    }
    #[inline(always)]
    fn read(&self, _: &'static Site) -> u64 {
        unsafe { self.0.get().read_volatile() }
    }
    #[inline(always)]
    fn write(&self, _: &'static Site, value: u64) {
        unsafe { self.0.get().write_volatile(value) }
    }
}

impl Platform for Native {
    type AtomicU32 = BpfU32;
    type AtomicU64 = BpfU64;
    type Cell = BpfCell;

    /// A few hundred nanoseconds: longer than another processor needs for a short record.
    const PATIENCE: u32 = 16;

    #[inline(always)]
    fn spin() {}

    /// Nobody dies in here.
    #[inline(always)]
    fn death_fence() {}
}
