//! The platform of release builds: `core`'s atomics, Linux futexes, the kernel's robust-futex clean-up.
//!
//! Every type is `#[repr(transparent)]` over what it stands for, so that it can be laid over shared memory, and every
//! call is inlined with a constant ordering.

mod asymmetric;
mod atomics;
mod futex;
mod process;
mod robust;

pub use asymmetric::{enable_heavy_fences, heavy_fences_are_refused, heavy_fences_reach_across};
pub use atomics::{NativeBool, NativeCell, NativeI32, NativePtr, NativeU32, NativeU64, NativeUsize};
pub use futex::{OWNER, OWNER_DIED, WAITERS};
pub use process::generation;
pub use robust::is_robust;

use crate::data::{NativeData, Plain};
use crate::heap::{Boxes, Make};
use crate::{Platform, Site, Wait};
use core::time::Duration;

/// Real atomics on the real machine.
#[derive(Debug, Clone, Copy)]
pub enum Native {}

impl Platform for Native {
    type AtomicU32 = NativeU32;
    type AtomicU64 = NativeU64;
    type AtomicI32 = NativeI32;
    type AtomicUsize = NativeUsize;
    type AtomicBool = NativeBool;
    type AtomicPtr<T: 'static> = NativePtr<T>;
    type Data<T: Plain> = NativeData<T>;
    type Heap<T: Make> = Boxes<T>;
    type Cell = NativeCell;

    /// About a microsecond of `pause`: longer than a short critical section, shorter than a trip to sleep and back.
    const PATIENCE: u32 = 100;

    #[inline(always)]
    fn fence(site: &'static Site) {
        // A relaxed fence does not exist (and core panics on it); it is what a removed fence is.
        if !matches!(site.order, crate::Order::Relaxed) {
            core::sync::atomic::fence(site.order.as_core());
        }
    }

    /// Keeps the compiler from moving accesses across; the processor is dealt with by the other side.
    #[inline(always)]
    fn light_fence(_: &'static Site) {
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
    }

    #[inline(always)]
    fn death_fence() {
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
    }

    /// Makes every processor that runs a thread of this process pass a full fence. [`enable_heavy_fences`] comes first. Where the
    /// kernel refuses it nevertheless it is an ordinary fence and a wait, and [`heavy_fences_are_refused`] says so.
    fn heavy_fence(_: &'static Site) {
        asymmetric::heavy();
    }

    /// Takes as long as it takes every processor to pass through the scheduler: milliseconds.
    fn heavy_fence_across(_: &'static Site) {
        asymmetric::heavy_across();
    }

    #[inline(always)]
    fn spin() {
        core::hint::spin_loop();
    }

    fn give_way() {
        std::thread::sleep(Duration::from_micros(50));
    }

    #[inline]
    fn now() -> Duration {
        futex::now()
    }

    #[inline]
    fn wait(word: &NativeU32, _: &'static Site, expected: u32, deadline: Option<Duration>) -> Wait {
        futex::wait(word.as_core(), expected, deadline)
    }

    #[inline]
    fn wake(word: &NativeU32, _: &'static Site, count: u32) -> u32 {
        futex::wake(word.as_core(), count)
    }

    #[inline]
    fn store_and_wake_all(word: &NativeU32, _: &'static Site, value: u32) -> u32 {
        futex::store_and_wake_all(word.as_core(), value)
    }

    #[inline(always)]
    unsafe fn announce(word: &NativeU32) -> u32 {
        // SAFETY: the caller keeps the word mapped until `retire`.
        unsafe { robust::announce(word.as_core()) }
    }

    #[inline(always)]
    fn thread_id() -> u32 {
        robust::thread_id()
    }

    #[inline(always)]
    unsafe fn announce_as(_: u32, word: &NativeU32) {
        // SAFETY: the caller keeps the word mapped until `retire`, and had `thread_id` look this thread up.
        unsafe { robust::announce_known(word.as_core()) }
    }

    #[inline(always)]
    fn unbroken<R>(body: impl FnOnce() -> R) -> R {
        /// Dropped where the body unwinds.
        struct Broken;
        impl Drop for Broken {
            #[cold]
            #[inline(never)]
            fn drop(&mut self) {
                std::process::abort();
            }
        }
        let broken = Broken;
        let result = body();
        core::mem::forget(broken);
        result
    }

    #[inline(always)]
    fn retire() {
        robust::retire();
    }
}
