//! `core::hint`.

#[inline(always)]
pub const unsafe fn assert_unchecked(cond: bool) {
    unsafe { crate::intrinsics::assume(cond) }
}
