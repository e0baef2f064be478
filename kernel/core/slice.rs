//! `core::slice`; what only code uses that is not linked never returns.

use crate::ops::{Index, IndexMut, Range, RangeTo};
use crate::prelude::rust_2024::*;
/// The items of an array of references.
pub struct Each<'a, T, const N: usize> {
    pub(crate) items: [&'a T; N],
    pub(crate) at: usize,
}
impl<'a, T, const N: usize> Iterator for Each<'a, T, N> {
    type Item = &'a T;
    #[inline(always)]
    fn next(&mut self) -> Option<&'a T> {
        if self.at < N {
            let item = self.items[self.at];
            self.at += 1;
            Some(item)
        } else {
            None
        }
    }
}
impl<T> [T] {
    #[inline(always)]
    pub fn get(&self, index: usize) -> Option<&T> {
        if index < self.len() { Some(&self[index]) } else { None }
    }
    #[inline(always)]
    pub const fn len(&self) -> usize {
        crate::ptr::metadata(self)
    }
    pub fn copy_from_slice(&mut self, _: &[T])
    where
        T: Copy,
    {
        loop {}
    }
}
macro_rules! indices { ($($r:ty)*) => { $(
    impl<T> Index<$r> for [T] { type Output = [T]; fn index(&self, _: $r) -> &[T] { loop {} } }
    impl<T> IndexMut<$r> for [T] { fn index_mut(&mut self, _: $r) -> &mut [T] { loop {} } }
    impl<T, const N: usize> Index<$r> for [T; N] { type Output = [T]; fn index(&self, _: $r) -> &[T] { loop {} } }
    impl<T, const N: usize> IndexMut<$r> for [T; N] { fn index_mut(&mut self, _: $r) -> &mut [T] { loop {} } }
)* } }
indices!(Range<usize> RangeTo<usize>);

impl<T> Index<usize> for [T] {
    type Output = T;
    #[inline(always)]
    fn index(&self, at: usize) -> &T {
        &(*self)[at]
    }
}
impl<T, const N: usize> Index<usize> for [T; N] {
    type Output = T;
    #[inline(always)]
    fn index(&self, at: usize) -> &T {
        &(*self)[at]
    }
}
