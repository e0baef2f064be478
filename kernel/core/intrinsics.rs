//! What the compiler makes instructions of: `core::intrinsics`.

use crate::prelude::rust_2024::*;
#[derive(Clone, Copy)]
pub enum AtomicOrdering {
    Relaxed = 0,
    Release = 1,
    Acquire = 2,
    AcqRel = 3,
    SeqCst = 4,
}
impl PartialEq for AtomicOrdering {
    fn eq(&self, other: &Self) -> bool {
        *self as u32 == *other as u32
    }
}
impl Eq for AtomicOrdering {}
impl crate::marker::StructuralPartialEq for AtomicOrdering {}
impl crate::marker::ConstParamTy_ for AtomicOrdering {}
#[rustc_intrinsic]
#[rustc_nounwind]
pub unsafe fn atomic_load<T: Copy, const ORD: AtomicOrdering>(src: *const T) -> T;
#[rustc_intrinsic]
#[rustc_nounwind]
pub unsafe fn atomic_store<T: Copy, const ORD: AtomicOrdering>(dst: *mut T, val: T);
#[rustc_intrinsic]
#[rustc_nounwind]
pub unsafe fn atomic_xchg<T: Copy, const ORD: AtomicOrdering>(dst: *mut T, src: T) -> T;
#[rustc_intrinsic]
#[rustc_nounwind]
pub unsafe fn atomic_cxchg<T: Copy, const SUCC: AtomicOrdering, const FAIL: AtomicOrdering>(
    dst: *mut T,
    old: T,
    src: T,
) -> (T, bool);
#[rustc_intrinsic]
#[rustc_nounwind]
pub unsafe fn atomic_xadd<T: Copy, U: Copy, const ORD: AtomicOrdering>(dst: *mut T, src: U) -> T;
#[rustc_intrinsic]
#[rustc_nounwind]
pub unsafe fn volatile_load<T>(src: *const T) -> T;
#[rustc_intrinsic]
#[rustc_nounwind]
pub unsafe fn volatile_store<T>(dst: *mut T, val: T);
#[rustc_intrinsic]
#[rustc_nounwind]
pub const fn discriminant_value<T>(v: &T) -> <T as crate::marker::DiscriminantKind>::Discriminant;
#[rustc_intrinsic]
#[rustc_nounwind]
pub const unsafe fn transmute<A, B>(a: A) -> B;
#[rustc_intrinsic]
#[rustc_nounwind]
pub const fn size_of<T>() -> usize;
#[rustc_intrinsic]
#[rustc_nounwind]
pub const fn align_of<T>() -> usize;
#[rustc_intrinsic]
#[rustc_nounwind]
pub const unsafe fn assume(b: bool);
#[rustc_intrinsic]
#[rustc_nounwind]
pub const fn wrapping_add<T: Copy>(a: T, b: T) -> T;
#[rustc_intrinsic]
#[rustc_nounwind]
pub const fn wrapping_sub<T: Copy>(a: T, b: T) -> T;
#[rustc_intrinsic]
#[rustc_nounwind]
pub const unsafe fn offset<Ptr, Delta>(dst: Ptr, offset: Delta) -> Ptr;
#[rustc_intrinsic]
#[rustc_nounwind]
pub const unsafe fn arith_offset<T>(dst: *const T, offset: isize) -> *const T;
#[lang = "offset_of"]
#[rustc_intrinsic]
#[rustc_nounwind]
pub const fn offset_of<T: crate::marker::PointeeSized>(variant: u32, field: u32) -> usize;
