//! `core::iter`.

use crate::ops::Range;
use crate::prelude::rust_2024::*;
#[lang = "iterator"]
pub trait Iterator {
    type Item;
    #[lang = "next"]
    fn next(&mut self) -> Option<Self::Item>;
    #[inline(always)]
    fn for_each<F: FnMut(Self::Item)>(mut self, mut f: F)
    where
        Self: Sized,
    {
        loop {
            match self.next() {
                Some(item) => f(item),
                None => return,
            }
        }
    }
}
pub trait IntoIterator {
    type Item;
    type IntoIter: Iterator<Item = Self::Item>;
    #[lang = "into_iter"]
    fn into_iter(self) -> Self::IntoIter;
}
impl<I: Iterator> IntoIterator for I {
    type Item = I::Item;
    type IntoIter = I;
    #[inline(always)]
    fn into_iter(self) -> I {
        self
    }
}
macro_rules! ranges { ($($t:ty)*) => { $(
    impl Iterator for Range<$t> {
        type Item = $t;
        #[inline(always)]
        fn next(&mut self) -> Option<$t> {
            if self.start < self.end {
                let at = self.start;
                self.start = at + 1;
                Some(at)
            } else {
                None
            }
        }
    }
)* } }
ranges!(u32 u64 usize);
impl<'a, T, const N: usize> IntoIterator for [&'a T; N] {
    type Item = &'a T;
    type IntoIter = crate::slice::Each<'a, T, N>;
    #[inline(always)]
    fn into_iter(self) -> Self::IntoIter {
        crate::slice::Each { items: self, at: 0 }
    }
}
