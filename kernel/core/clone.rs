//! `core::clone`.

#[lang = "clone"]
pub trait Clone: Sized {
    #[lang = "clone_fn"]
    fn clone(&self) -> Self;
}
pub struct AssertParamIsClone<T: Clone + crate::marker::PointeeSized>(crate::marker::PhantomData<T>);
use crate::prelude::rust_2024::*;

#[lang = "trivial_clone"]
pub unsafe trait TrivialClone: Clone {}
