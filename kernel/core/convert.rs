//! `core::convert`.

use crate::prelude::rust_2024::*;
#[derive(Clone, Copy)]
pub enum Infallible {}
pub trait From<T>: Sized {
    fn from(value: T) -> Self;
}
pub trait Into<T>: Sized {
    fn into(self) -> T;
}
pub trait TryFrom<T>: Sized {
    type Error;
    fn try_from(value: T) -> Result<Self, Self::Error>;
}
impl<T> From<T> for T {
    #[inline(always)]
    fn from(value: T) -> T {
        value
    }
}
impl<T, U: From<T>> Into<U> for T {
    #[inline(always)]
    fn into(self) -> U {
        U::from(self)
    }
}
pub struct TryFromIntError(());
impl TryFrom<u64> for usize {
    type Error = TryFromIntError;
    #[inline(always)]
    fn try_from(value: u64) -> Result<usize, TryFromIntError> {
        Ok(value as usize)
    }
}
