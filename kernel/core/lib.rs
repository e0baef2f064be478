//! As much of Rust's `core` as the program needs.
#![no_core]
#![feature(
    no_core, lang_items, intrinsics, rustc_attrs, decl_macro, auto_traits, negative_impls, unboxed_closures,
    adt_const_params, freeze_impls, never_type, allow_internal_unstable, builtin_syntax, fundamental, const_trait_impl, arbitrary_self_types, asm_experimental_arch, unsized_const_params
)]
#![rustc_coherence_is_core]
#![allow(internal_features, incomplete_features, missing_docs, clippy::all)]

pub mod arch;
pub mod marker;
pub mod ops;
pub mod option;
pub mod result;
pub mod clone;
pub mod cmp;
pub mod convert;
pub mod default;
pub mod fmt;
pub mod hash;
pub mod intrinsics;
pub mod iter;
pub mod mem;
pub mod num;
pub mod panic;
pub mod panicking;
pub mod prelude;
pub mod ptr;
pub mod slice;
pub mod sync;
pub mod cell;
pub mod time;
pub mod macros;
pub mod hint;
