//! `core::default`.

use crate::prelude::rust_2024::*;
pub trait Default: Sized {
    fn default() -> Self;
}
