//! `core::cmp`.

use crate::prelude::rust_2024::*;
#[lang = "eq"]
pub trait PartialEq<Rhs: crate::marker::PointeeSized = Self>: crate::marker::PointeeSized {
    fn eq(&self, other: &Rhs) -> bool;
    #[inline(always)]
    fn ne(&self, other: &Rhs) -> bool {
        !self.eq(other)
    }
}
pub trait Eq: PartialEq + crate::marker::PointeeSized {
    fn assert_receiver_is_total_eq(&self) {}
    fn assert_fields_are_eq(&self) {}
}
pub struct AssertParamIsEq<T: Eq + crate::marker::PointeeSized>(crate::marker::PhantomData<T>);
#[derive(Clone, Copy)]
#[lang = "Ordering"]
#[repr(i8)]
pub enum Ordering {
    Less = -1,
    Equal = 0,
    Greater = 1,
}
#[lang = "partial_ord"]
pub trait PartialOrd<Rhs: crate::marker::PointeeSized = Self>: PartialEq<Rhs> + crate::marker::PointeeSized {
    fn partial_cmp(&self, other: &Rhs) -> Option<Ordering>;
    #[inline(always)]
    fn lt(&self, other: &Rhs) -> bool {
        matches!(self.partial_cmp(other), Some(Ordering::Less))
    }
    #[inline(always)]
    fn le(&self, other: &Rhs) -> bool {
        !matches!(self.partial_cmp(other), Some(Ordering::Greater) | None)
    }
    #[inline(always)]
    fn gt(&self, other: &Rhs) -> bool {
        matches!(self.partial_cmp(other), Some(Ordering::Greater))
    }
    #[inline(always)]
    fn ge(&self, other: &Rhs) -> bool {
        !matches!(self.partial_cmp(other), Some(Ordering::Less) | None)
    }
}
pub trait Ord: Eq + PartialOrd + Sized {
    fn cmp(&self, other: &Self) -> Ordering;
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        if other < self { other } else { self }
    }
}
macro_rules! numbers {
    ($($t:ty)*) => { $(
        impl PartialEq for $t {
            #[inline(always)]
            fn eq(&self, other: &Self) -> bool { *self == *other }
            #[inline(always)]
            fn ne(&self, other: &Self) -> bool { *self != *other }
        }
        impl Eq for $t {}
        impl PartialOrd for $t {
            #[inline(always)]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> { Some(self.cmp(other)) }
            #[inline(always)]
            fn lt(&self, other: &Self) -> bool { *self < *other }
            #[inline(always)]
            fn le(&self, other: &Self) -> bool { *self <= *other }
            #[inline(always)]
            fn gt(&self, other: &Self) -> bool { *self > *other }
            #[inline(always)]
            fn ge(&self, other: &Self) -> bool { *self >= *other }
        }
        impl Ord for $t {
            #[inline(always)]
            fn cmp(&self, other: &Self) -> Ordering {
                if *self < *other { Ordering::Less } else if *self == *other { Ordering::Equal } else { Ordering::Greater }
            }
        }
    )* };
}
numbers!(bool char u8 u16 u32 u64 usize i8 i16 i32 i64 isize);
impl<A: PartialEq<B> + crate::marker::PointeeSized, B: crate::marker::PointeeSized> PartialEq<&B> for &A {
    #[inline(always)]
    fn eq(&self, other: &&B) -> bool {
        PartialEq::eq(*self, *other)
    }
}
impl<T: PartialEq, const N: usize> PartialEq for [T; N] {
    fn eq(&self, _: &Self) -> bool {
        loop {}
    }
}
impl<T: Eq, const N: usize> Eq for [T; N] {}
