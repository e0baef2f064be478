//! What a BPF program may do to memory that it shares.
//!
//! | facade | instruction (`Documentation/bpf/standardization/instruction-set.rst`) | promises (the kernel's memory model) |
//! |---|---|---|
//! | relaxed load, store | plain, of the word's width | as `READ_ONCE`, `WRITE_ONCE` |
//! | acquire load, release store | `BPF_LOAD_ACQ`, `BPF_STORE_REL` | as `smp_load_acquire`, `smp_store_release` |
//! | read-modify-write, any order | `BPF_XCHG`, `BPF_CMPXCHG`, `BPF_ATOMIC \| BPF_FETCH` | fully ordered |
//! | data word | plain, of 8 bytes | as `READ_ONCE`, `WRITE_ONCE` |
//!
//! So each site is at least as strong here as the table of sites says. What a program cannot do (sleep, wake, die) is what
//! `protocol::mediator` does without.

use crate::{Atomic, Cell, Order, Platform, Rmw, Site, Value, Wait};
use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, AtomicU64};
use core::time::Duration;

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
            fn rmw(&self, _: &'static Site, rmw: Rmw, operand: $int) -> $int {
                match rmw {
                    Rmw::Swap => self.0.swap_full(operand),
                    Rmw::Add => self.0.add_full(operand),
                    Rmw::Or => self.0.or_full(operand),
                    Rmw::And => self.0.and_full(operand),
                    _ => impossible(),
                }
            }
            #[inline(always)]
            fn exchange(
                &self,
                _: &'static Site,
                _: Option<&'static Site>,
                current: $int,
                new: $int,
                _: bool,
            ) -> Result<$int, $int> {
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

/// There is no such thing here, and nothing that is linked into the program needs it: it would not link.
#[inline(always)]
fn impossible() -> ! {
    unsafe extern "C" {
        fn not_to_be_had_in_a_bpf_program() -> !;
    }
    unsafe { not_to_be_had_in_a_bpf_program() }
}

/// What programs have no instructions for, or the protocol no use.
pub struct Impossible<T>(PhantomData<T>);

unsafe impl<T> Send for Impossible<T> {}
unsafe impl<T> Sync for Impossible<T> {}

impl<T: Value> Atomic<T> for Impossible<T> {
    fn new(_: &'static str, _: T) -> Self {
        impossible()
    }
    fn load(&self, _: &'static Site) -> T {
        impossible()
    }
    fn store(&self, _: &'static Site, _: T) {
        impossible()
    }
    fn rmw(&self, _: &'static Site, _: Rmw, _: T) -> T {
        impossible()
    }
    fn exchange(&self, _: &'static Site, _: Option<&'static Site>, _: T, _: T, _: bool) -> Result<T, T> {
        impossible()
    }
}

impl Platform for Native {
    type AtomicU32 = BpfU32;
    type AtomicU64 = BpfU64;
    type AtomicI32 = Impossible<i32>;
    type AtomicUsize = Impossible<usize>;
    type AtomicBool = Impossible<bool>;
    type AtomicPtr<T: 'static> = Impossible<*mut T>;
    type Cell = BpfCell;

    /// A few hundred nanoseconds: longer than another processor needs for a short record.
    const PATIENCE: u32 = 16;

    #[inline(always)]
    fn spin() {}
    fn fence(_: &'static Site) {
        impossible()
    }
    fn now() -> Duration {
        impossible()
    }
    fn wait(_: &BpfU32, _: &'static Site, _: u32, _: Option<Duration>) -> Wait {
        impossible()
    }
    fn wake(_: &BpfU32, _: &'static Site, _: u32) -> u32 {
        impossible()
    }
    fn store_and_wake_all(_: &BpfU32, _: &'static Site, _: u32) -> u32 {
        impossible()
    }
    unsafe fn announce(_: &BpfU32) -> u32 {
        impossible()
    }
    fn retire() {
        impossible()
    }
}
