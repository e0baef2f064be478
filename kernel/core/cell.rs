//! `core::cell`.

#[lang = "unsafe_cell"]
#[repr(transparent)]
pub struct UnsafeCell<T: crate::marker::PointeeSized> {
    value: T,
}
impl<T: crate::marker::PointeeSized> !crate::marker::Sync for UnsafeCell<T> {}
impl<T> UnsafeCell<T> {
    pub const fn new(value: T) -> Self {
        UnsafeCell { value }
    }
    #[inline(always)]
    pub const fn get(&self) -> *mut T {
        self as *const UnsafeCell<T> as *const T as *mut T
    }
}
