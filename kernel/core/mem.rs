//! `core::mem`.

pub use crate::intrinsics::transmute;
use crate::prelude::rust_2024::*;
#[inline(always)]
pub const fn size_of<T>() -> usize {
    const { crate::intrinsics::size_of::<T>() }
}
#[inline(always)]
pub const fn align_of<T>() -> usize {
    const { crate::intrinsics::align_of::<T>() }
}
#[allow_internal_unstable(builtin_syntax)]
pub macro offset_of($Container:ty, $($fields:expr)+ $(,)?) {
    builtin # offset_of($Container, $($fields)+)
}
