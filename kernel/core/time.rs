use crate::prelude::rust_2024::*;
#[derive(Clone, Copy)]
pub struct Duration(u64);
