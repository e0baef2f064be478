//! `core::result`.

use crate::convert::Infallible;
use crate::ops::{ControlFlow, FromResidual, Try};
use crate::prelude::rust_2024::*;
#[derive(Clone, Copy)]
pub enum Result<T, E> {
    #[lang = "Ok"]
    Ok(T),
    #[lang = "Err"]
    Err(E),
}
impl<T, E> Result<T, E> {
    #[inline(always)]
    pub fn ok(self) -> Option<T> {
        match self {
            Ok(value) => Some(value),
            Err(_) => None,
        }
    }
    #[inline(always)]
    pub fn and_then<U, F: FnOnce(T) -> Result<U, E>>(self, next: F) -> Result<U, E> {
        match self {
            Ok(value) => next(value),
            Err(error) => Err(error),
        }
    }
    #[inline(always)]
    pub const fn is_ok(&self) -> bool {
        match self {
            Ok(_) => true,
            Err(_) => false,
        }
    }
    #[inline(always)]
    pub const fn is_err(&self) -> bool {
        !self.is_ok()
    }
}
impl<T, E> Try for Result<T, E> {
    type Output = T;
    type Residual = Result<Infallible, E>;
    #[inline(always)]
    fn from_output(output: T) -> Self {
        Ok(output)
    }
    #[inline(always)]
    fn branch(self) -> ControlFlow<Self::Residual, T> {
        match self {
            Ok(value) => ControlFlow::Continue(value),
            Err(error) => ControlFlow::Break(Err(error)),
        }
    }
}
impl<T, E, F: From<E>> FromResidual<Result<Infallible, E>> for Result<T, F> {
    #[inline(always)]
    fn from_residual(residual: Result<Infallible, E>) -> Self {
        match residual {
            Err(error) => Err(F::from(error)),
            Ok(never) => match never {},
        }
    }
}
