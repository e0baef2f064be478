//! Every operation of the native platform through the facade, one function each. `tests/codegen.rs` compares the
//! instructions with those of `codegen_core`, where the functions of the same names use `core`'s atomics directly.

use weakest_facade::{Atomic, Cell, Data, Native, Platform, data, native};

mod sites {
    weakest_facade::sites! {
        /// A load.
        LOAD_RELAXED: Load Relaxed, "to compare";
        /// A load.
        LOAD_ACQUIRE: Load Acquire, "to compare";
        /// A store.
        STORE_RELAXED: Store Relaxed, "to compare";
        /// A store.
        STORE_RELEASE: Store Release, "to compare";
        /// A read-modify-write.
        RMW_RELAXED: Rmw Relaxed, "to compare";
        /// A read-modify-write.
        RMW_ACQREL: Rmw AcqRel, "to compare";
        /// A compare-and-exchange.
        CAS_ACQUIRE: CompareExchange Acquire, "to compare";
        /// A compare-and-exchange.
        CAS_RELEASE: CompareExchange Release, "to compare";
        /// What a compare-and-exchange finds.
        CAS_FOUND: Load Acquire, "to compare";
        /// Sequentially consistent accesses.
        STORE_SEQCST: Store SeqCst, "to compare";
        /// Sequentially consistent accesses.
        RMW_SEQCST: Rmw SeqCst, "to compare";
        /// A fence.
        FENCE_ACQREL: Fence AcqRel, "to compare";
        /// A fence.
        FENCE_SEQCST: Fence SeqCst, "to compare";
        /// A fence that was removed.
        FENCE_RELAXED: Fence Relaxed, "to compare";
        /// A data word.
        WORD_READ: Read, "to compare";
        /// A data word.
        WORD_WRITE: Write, "to compare";
    }
}
use sites::*;

include!("codegen/functions.rs");

type U32 = native::NativeU32;
type U64 = native::NativeU64;
type I32 = native::NativeI32;
type Usize = native::NativeUsize;
type Bool = native::NativeBool;
type Ptr = native::NativePtr<u64>;
type Triple = data::NativeData<[u64; 3]>;
type Word = native::NativeCell;

functions! {
    load_relaxed(a: &U64) -> u64 { a.load(&LOAD_RELAXED) }
    load_acquire(a: &U64) -> u64 { a.load(&LOAD_ACQUIRE) }
    load_acquire_32(a: &U32) -> u32 { a.load(&LOAD_ACQUIRE) }
    store_relaxed(a: &U64, v: u64) -> () { a.store(&STORE_RELAXED, v) }
    store_release(a: &U64, v: u64) -> () { a.store(&STORE_RELEASE, v) }
    store_release_32(a: &U32, v: u32) -> () { a.store(&STORE_RELEASE, v) }
    swap_relaxed(a: &U32, v: u32) -> u32 { a.swap(&RMW_RELAXED, v) }
    swap_acqrel(a: &U64, v: u64) -> u64 { a.swap(&RMW_ACQREL, v) }
    add_relaxed(a: &U64, v: u64) -> u64 { a.fetch_add(&RMW_RELAXED, v) }
    add_acqrel(a: &U32, v: u32) -> u32 { a.fetch_add(&RMW_ACQREL, v) }
    or_acqrel(a: &U32, v: u32) -> u32 { a.fetch_or(&RMW_ACQREL, v) }
    and_relaxed(a: &U32, v: u32) -> u32 { a.fetch_and(&RMW_RELAXED, v) }
    exchange_acquire(a: &U32, old: u32, new: u32) -> bool { a.compare_exchange(&CAS_ACQUIRE, old, new).is_ok() }
    exchange_release(a: &U64, old: u64, new: u64) -> u64 {
        match a.compare_exchange(&CAS_RELEASE, old, new) { Ok(v) | Err(v) => v }
    }
    exchange_weak(a: &U64, old: u64, new: u64) -> bool { a.compare_exchange_weak(&CAS_RELEASE, old, new).is_ok() }
    exchange_else(a: &U32, old: u32, new: u32) -> u32 {
        match a.compare_exchange_else(&CAS_ACQUIRE, &CAS_FOUND, old, new) { Ok(v) | Err(v) => v }
    }
    store_seqcst(a: &U64, v: u64) -> () { a.store(&STORE_SEQCST, v) }
    swap_seqcst(a: &U64, v: u64) -> u64 { a.swap(&RMW_SEQCST, v) }
    sub_acqrel(a: &U64, v: u64) -> u64 { a.fetch_sub(&RMW_ACQREL, v) }
    xor_relaxed(a: &U32, v: u32) -> u32 { a.fetch_xor(&RMW_RELAXED, v) }
    nand_relaxed(a: &U32, v: u32) -> u32 { a.fetch_nand(&RMW_RELAXED, v) }
    max_acqrel(a: &I32, v: i32) -> i32 { a.fetch_max(&RMW_ACQREL, v) }
    min_relaxed(a: &Usize, v: usize) -> usize { a.fetch_min(&RMW_RELAXED, v) }
    update_acquire(a: &Usize) -> bool {
        a.fetch_update(&CAS_ACQUIRE, &LOAD_RELAXED, |v| v.checked_add(3)).is_ok()
    }
    bool_swap(a: &Bool, v: bool) -> bool { a.swap(&RMW_ACQREL, v) }
    bool_or(a: &Bool, v: bool) -> bool { a.fetch_or(&RMW_RELAXED, v) }
    bool_load(a: &Bool) -> bool { a.load(&LOAD_ACQUIRE) }
    pointer_load(a: &Ptr) -> *mut u64 { a.load(&LOAD_ACQUIRE) }
    pointer_exchange(a: &Ptr, old: *mut u64, new: *mut u64) -> bool {
        a.compare_exchange(&CAS_RELEASE, old, new).is_ok()
    }
    fence_acqrel() -> () { Native::fence(&FENCE_ACQREL) }
    fence_seqcst() -> () { Native::fence(&FENCE_SEQCST) }
    fence_relaxed() -> () { Native::fence(&FENCE_RELAXED) }
    data_read(a: &Triple) -> [u64; 3] {
        // SAFETY: to be compared, not run.
        unsafe { a.read(&WORD_READ) }
    }
    data_write(a: &Triple, v: [u64; 3]) -> () {
        // SAFETY: to be compared, not run.
        unsafe { a.write(&WORD_WRITE, v) }
    }
    spin() -> () { Native::spin() }
    read_word(a: &Word) -> u64 { a.read(&WORD_READ) }
    write_word(a: &Word, v: u64) -> () { a.write(&WORD_WRITE, v) }
}
