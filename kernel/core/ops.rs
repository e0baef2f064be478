//! `core::ops`.

use crate::marker::{PointeeSized, Tuple, Unsize};
use crate::prelude::rust_2024::*;
macro_rules! operators { ($($lang:literal $Trait:ident $f:ident $op:tt [$($t:ty)*];)*) => { $(
    #[lang = $lang]
    pub trait $Trait<Rhs = Self> { type Output; fn $f(self, other: Rhs) -> Self::Output; }
    $( impl $Trait for $t { type Output = $t; #[inline(always)] fn $f(self, other: $t) -> $t { self $op other } } )*
)* } }
operators! {
    "add" Add add + [u32 u64 usize isize];
    "sub" Sub sub - [u32 u64 usize isize];
    "mul" Mul mul * [u32 u64 usize isize];
    "div" Div div / [u32 u64 usize];
    "rem" Rem rem % [u32 u64 usize];
    "bitand" BitAnd bitand & [bool u32 u64 usize];
    "bitor" BitOr bitor | [bool u32 u64 usize];
    "bitxor" BitXor bitxor ^ [bool u32 u64 usize];
    "shl" Shl shl << [u32 u64 usize];
    "shr" Shr shr >> [u32 u64 usize];

}
macro_rules! assigning { ($($lang:literal $Trait:ident $f:ident $op:tt [$($t:ty)*];)*) => { $(
    #[lang = $lang]
    pub trait $Trait<Rhs = Self> { fn $f(&mut self, other: Rhs); }
    $( impl $Trait for $t { #[inline(always)] fn $f(&mut self, other: $t) { *self $op other } } )*
)* } }
assigning! {
    "add_assign" AddAssign add_assign += [u32 u64 usize];
    "sub_assign" SubAssign sub_assign -= [u32 u64 usize];
}
#[lang = "not"]
pub trait Not {
    type Output;
    fn not(self) -> Self::Output;
}
macro_rules! not { ($($t:ty)*) => { $( impl Not for $t { type Output = $t; #[inline(always)] fn not(self) -> $t { !self } } )* } }
not!(bool u32 u64 usize);
#[lang = "neg"]
pub trait Neg {
    type Output;
    fn neg(self) -> Self::Output;
}
#[lang = "deref"]
pub trait Deref: PointeeSized {
    #[lang = "deref_target"]
    type Target: ?Sized + PointeeSized;
    fn deref(&self) -> &Self::Target;
}
impl<T: ?Sized> Deref for &T {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        *self
    }
}
#[lang = "index"]
pub trait Index<Idx: ?Sized>: PointeeSized {
    type Output: ?Sized;
    fn index(&self, index: Idx) -> &Self::Output
    where
        Idx: Sized;
}
#[lang = "index_mut"]
pub trait IndexMut<Idx: ?Sized>: Index<Idx> {
    fn index_mut(&mut self, index: Idx) -> &mut Self::Output
    where
        Idx: Sized;
}
#[lang = "Range"]
pub struct Range<T> {
    pub start: T,
    pub end: T,
}
#[lang = "RangeTo"]
pub struct RangeTo<T> {
    pub end: T,
}
#[lang = "drop"]
pub trait Drop {
    fn drop(&mut self);
}
#[lang = "fn_once"]
#[fundamental]
#[rustc_paren_sugar]
pub trait FnOnce<Args: Tuple> {
    #[lang = "fn_once_output"]
    type Output;
    extern "rust-call" fn call_once(self, args: Args) -> Self::Output;
}
#[lang = "fn_mut"]
#[fundamental]
#[rustc_paren_sugar]
pub trait FnMut<Args: Tuple>: FnOnce<Args> {
    extern "rust-call" fn call_mut(&mut self, args: Args) -> Self::Output;
}
#[lang = "fn"]
#[fundamental]
#[rustc_paren_sugar]
pub trait Fn<Args: Tuple>: FnMut<Args> {
    extern "rust-call" fn call(&self, args: Args) -> Self::Output;
}
impl<A: Tuple, F: ?Sized + Fn<A>> Fn<A> for &F {
    #[inline(always)]
    extern "rust-call" fn call(&self, args: A) -> F::Output {
        (**self).call(args)
    }
}
impl<A: Tuple, F: ?Sized + Fn<A>> FnMut<A> for &F {
    #[inline(always)]
    extern "rust-call" fn call_mut(&mut self, args: A) -> F::Output {
        (**self).call(args)
    }
}
impl<A: Tuple, F: ?Sized + Fn<A>> FnOnce<A> for &F {
    type Output = F::Output;
    #[inline(always)]
    extern "rust-call" fn call_once(self, args: A) -> F::Output {
        (*self).call(args)
    }
}
#[lang = "coerce_unsized"]
pub trait CoerceUnsized<T: ?Sized> {}
impl<'a, 'b: 'a, T: PointeeSized + Unsize<U>, U: PointeeSized> CoerceUnsized<&'a U> for &'b T {}
#[lang = "dispatch_from_dyn"]
pub trait DispatchFromDyn<T> {}
impl<'a, T: PointeeSized + Unsize<U>, U: PointeeSized> DispatchFromDyn<&'a U> for &'a T {}
pub enum ControlFlow<B, C = ()> {
    #[lang = "Continue"]
    Continue(C),
    #[lang = "Break"]
    Break(B),
}
#[lang = "Try"]
pub trait Try: FromResidual {
    type Output;
    type Residual;
    #[lang = "from_output"]
    fn from_output(output: Self::Output) -> Self;
    #[lang = "branch"]
    fn branch(self) -> ControlFlow<Self::Residual, Self::Output>;
}
pub trait FromResidual<R = <Self as Try>::Residual> {
    #[lang = "from_residual"]
    fn from_residual(residual: R) -> Self;
}

impl Neg for i8 {
    type Output = i8;
    #[inline(always)]
    fn neg(self) -> i8 {
        -self
    }
}
impl Neg for isize {
    type Output = isize;
    #[inline(always)]
    fn neg(self) -> isize {
        -self
    }
}

impl Shr<i32> for i64 {
    type Output = i64;
    #[inline(always)]
    fn shr(self, by: i32) -> i64 {
        self >> by
    }
}
