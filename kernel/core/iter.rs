//! `core::iter`.

use crate::ops::Range;
use crate::prelude::rust_2024::*;
#[lang = "iterator"]
pub trait Iterator {
    type Item;
    #[lang = "next"]
    fn next(&mut self) -> Option<Self::Item>;
    #[inline(always)]
    fn find_map<R, F: FnMut(Self::Item) -> Option<R>>(&mut self, mut f: F) -> Option<R>
    where
        Self: Sized,
    {
        loop {
            if let Some(result) = f(self.next()?) {
                return Some(result);
            }
        }
    }
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
        /// By the kernel's iterator: the verifier follows such a loop until a round finds it as one before did, and not each of its
        /// rounds. As it is in there, no range has more than eight million numbers.
        #[inline(always)]
        fn find_map<R, F: FnMut($t) -> Option<R>>(&mut self, mut f: F) -> Option<R> {
            let mut found = None;
            let mut numbers = Numbers { opaque: 0 };
            unsafe { bpf_iter_num_new(&raw mut numbers, self.start as i32, self.end as i32) };
            loop {
                let next = unsafe { bpf_iter_num_next(&raw mut numbers) };
                if next as usize == 0 {
                    break;
                }
                let next = unsafe { crate::intrinsics::volatile_load(next) } as $t;
                // Never so; but the verifier does not know that.
                if next >= self.end {
                    break;
                }
                if let Some(result) = f(next) {
                    found = Some(result);
                    break;
                }
            }
            unsafe { bpf_iter_num_destroy(&raw mut numbers) };
            // Nobody looks at what is left of the range.
            self.start = self.end;
            found
        }
    }
)* } }
/// `struct bpf_iter_num`.
struct Numbers {
    opaque: u64,
}
unsafe extern "C" {
    fn bpf_iter_num_new(numbers: *mut Numbers, start: i32, end: i32) -> i32;
    fn bpf_iter_num_next(numbers: *mut Numbers) -> *const i32;
    fn bpf_iter_num_destroy(numbers: *mut Numbers);
}
ranges!(u32 u64 usize);
impl<'a, T, const N: usize> IntoIterator for [&'a T; N] {
    type Item = &'a T;
    type IntoIter = crate::slice::Each<'a, T, N>;
    #[inline(always)]
    fn into_iter(self) -> Self::IntoIter {
        crate::slice::Each { items: self, at: 0 }
    }
}
