//! What `codegen_facade` does, written by hand over `core`'s atomics.

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::{AtomicBool as Bool, AtomicI32 as I32, AtomicPtr, AtomicU32 as U32, AtomicU64 as U64};
use core::sync::atomic::{AtomicUsize as Usize, fence};

type Triple = core::cell::UnsafeCell<[u64; 3]>;
type Ptr = AtomicPtr<u64>;

include!("codegen/functions.rs");

functions! {
    load_relaxed(a: &U64) -> u64 { a.load(Relaxed) }
    load_acquire(a: &U64) -> u64 { a.load(Acquire) }
    load_acquire_32(a: &U32) -> u32 { a.load(Acquire) }
    store_relaxed(a: &U64, v: u64) -> () { a.store(v, Relaxed) }
    store_release(a: &U64, v: u64) -> () { a.store(v, Release) }
    store_release_32(a: &U32, v: u32) -> () { a.store(v, Release) }
    swap_relaxed(a: &U32, v: u32) -> u32 { a.swap(v, Relaxed) }
    swap_acqrel(a: &U64, v: u64) -> u64 { a.swap(v, AcqRel) }
    add_relaxed(a: &U64, v: u64) -> u64 { a.fetch_add(v, Relaxed) }
    add_acqrel(a: &U32, v: u32) -> u32 { a.fetch_add(v, AcqRel) }
    or_acqrel(a: &U32, v: u32) -> u32 { a.fetch_or(v, AcqRel) }
    and_relaxed(a: &U32, v: u32) -> u32 { a.fetch_and(v, Relaxed) }
    exchange_acquire(a: &U32, old: u32, new: u32) -> bool { a.compare_exchange(old, new, Acquire, Relaxed).is_ok() }
    exchange_release(a: &U64, old: u64, new: u64) -> u64 {
        match a.compare_exchange(old, new, Release, Relaxed) { Ok(v) | Err(v) => v }
    }
    exchange_weak(a: &U64, old: u64, new: u64) -> bool { a.compare_exchange_weak(old, new, Release, Relaxed).is_ok() }
    exchange_else(a: &U32, old: u32, new: u32) -> u32 {
        match a.compare_exchange(old, new, Acquire, Acquire) { Ok(v) | Err(v) => v }
    }
    store_seqcst(a: &U64, v: u64) -> () { a.store(v, SeqCst) }
    swap_seqcst(a: &U64, v: u64) -> u64 { a.swap(v, SeqCst) }
    sub_acqrel(a: &U64, v: u64) -> u64 { a.fetch_sub(v, AcqRel) }
    xor_relaxed(a: &U32, v: u32) -> u32 { a.fetch_xor(v, Relaxed) }
    nand_relaxed(a: &U32, v: u32) -> u32 { a.fetch_nand(v, Relaxed) }
    max_acqrel(a: &I32, v: i32) -> i32 { a.fetch_max(v, AcqRel) }
    min_relaxed(a: &Usize, v: usize) -> usize { a.fetch_min(v, Relaxed) }
    update_acquire(a: &Usize) -> bool {
        a.fetch_update(Acquire, Relaxed, |v| v.checked_add(3)).is_ok()
    }
    bool_swap(a: &Bool, v: bool) -> bool { a.swap(v, AcqRel) }
    bool_or(a: &Bool, v: bool) -> bool { a.fetch_or(v, Relaxed) }
    bool_load(a: &Bool) -> bool { a.load(Acquire) }
    pointer_load(a: &Ptr) -> *mut u64 { a.load(Acquire) }
    pointer_exchange(a: &Ptr, old: *mut u64, new: *mut u64) -> bool {
        a.compare_exchange(old, new, Release, Relaxed).is_ok()
    }
    fence_acqrel() -> () { fence(AcqRel) }
    fence_seqcst() -> () { fence(SeqCst) }
    fence_relaxed() -> () {}
    data_read(a: &Triple) -> [u64; 3] {
        // SAFETY: to be compared, not run.
        unsafe { *a.get() }
    }
    data_write(a: &Triple, v: [u64; 3]) -> () {
        // SAFETY: to be compared, not run.
        unsafe { *a.get() = v }
    }
    spin() -> () { core::hint::spin_loop() }
    read_word(a: &U64) -> u64 { a.load(Relaxed) }
    write_word(a: &U64, v: u64) -> () { a.store(v, Relaxed) }
}
