//! `core::sync::atomic`, with the orders that BPF has.

pub mod atomic {
    use crate::cell::UnsafeCell;
    use crate::intrinsics::{self, AtomicOrdering as Ord};
    use crate::prelude::rust_2024::*;
    #[derive(Clone, Copy)]
    pub enum Ordering {
        Relaxed,
        Release,
        Acquire,
        AcqRel,
        SeqCst,
    }
    macro_rules! atomics { ($($name:ident $t:ty;)*) => { $(
        #[repr(transparent)]
        pub struct $name(UnsafeCell<$t>);
        unsafe impl Sync for $name {}
        impl $name {
            pub const fn new(value: $t) -> Self { $name(UnsafeCell::new(value)) }
            #[inline(always)]
            pub const fn as_ptr(&self) -> *mut $t { self.0.get() }
            #[inline(always)]
            pub fn load_acquire(&self) -> $t { unsafe { intrinsics::atomic_load::<$t, { Ord::Acquire }>(self.0.get()) } }
            #[inline(always)]
            pub fn store_release(&self, value: $t) { unsafe { intrinsics::atomic_store::<$t, { Ord::Release }>(self.0.get(), value) } }
            #[inline(always)]
            pub fn swap_full(&self, value: $t) -> $t { unsafe { intrinsics::atomic_xchg::<$t, { Ord::SeqCst }>(self.0.get(), value) } }
            #[inline(always)]
            pub fn add_full(&self, value: $t) -> $t { unsafe { intrinsics::atomic_xadd::<$t, $t, { Ord::SeqCst }>(self.0.get(), value) } }
            #[inline(always)]
            pub fn compare_exchange_full(&self, old: $t, new: $t) -> Result<$t, $t> {
                let (seen, ok) = unsafe { intrinsics::atomic_cxchg::<$t, { Ord::SeqCst }, { Ord::SeqCst }>(self.0.get(), old, new) };
                if ok { Ok(seen) } else { Err(seen) }
            }
        }
    )* } }
    atomics! { AtomicU32 u32; AtomicU64 u64; }
}
