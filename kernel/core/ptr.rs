//! `core::ptr`.

use crate::intrinsics;
use crate::marker::PointeeSized;
use crate::prelude::rust_2024::*;
#[lang = "pointee_trait"]
pub trait Pointee: PointeeSized {
    #[lang = "metadata_type"]
    type Metadata: Copy;
}
#[rustc_intrinsic]
#[rustc_nounwind]
pub const fn ptr_metadata<P: PointeeSized, M>(ptr: *const P) -> M;
#[inline(always)]
pub const fn metadata<T>(slice: &[T]) -> usize {
    ptr_metadata(slice as *const [T])
}
impl<T> *const T {
    #[inline(always)]
    pub const fn cast<U>(self) -> *const U {
        self as *const U
    }
    #[inline(always)]
    pub const unsafe fn add(self, count: usize) -> Self {
        unsafe { intrinsics::offset(self, count) }
    }
    #[inline(always)]
    pub unsafe fn read_volatile(self) -> T {
        unsafe { intrinsics::volatile_load(self) }
    }
}
impl<T> *mut T {
    #[inline(always)]
    pub const fn cast<U>(self) -> *mut U {
        self as *mut U
    }
    #[inline(always)]
    pub const unsafe fn add(self, count: usize) -> Self {
        unsafe { intrinsics::offset(self, count) }
    }
    #[inline(always)]
    pub unsafe fn read_volatile(self) -> T {
        unsafe { intrinsics::volatile_load(self as *const T) }
    }
    #[inline(always)]
    pub unsafe fn write_volatile(self, value: T) {
        unsafe { intrinsics::volatile_store(self, value) }
    }
}
#[lang = "drop_in_place"]
pub unsafe fn drop_in_place<T: PointeeSized>(to_drop: *mut T) {
    unsafe { drop_in_place(to_drop) }
}
#[lang = "dyn_metadata"]
pub struct DynMetadata<Dyn: PointeeSized> {
    _vtable: *const (),
    _phantom: crate::marker::PhantomData<Dyn>,
}
impl<Dyn: PointeeSized> Clone for DynMetadata<Dyn> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<Dyn: PointeeSized> Copy for DynMetadata<Dyn> {}
