//! As much of Rust's `core` as the program needs: the language's own items, by their names in `core`, and a few methods. Each means
//! what it means there. What the program's files mention and the program does not use is there in name only.
//!
//! Made for one compiler (`build.sh`): every attribute here is the compiler's own affair.
#![no_core]
#![feature(
    no_core,
    lang_items,
    intrinsics,
    rustc_attrs,
    decl_macro,
    auto_traits,
    negative_impls,
    unboxed_closures,
    adt_const_params,
    freeze_impls,
    never_type,
    allow_internal_unstable,
    builtin_syntax,
    fundamental,
    const_trait_impl,
    arbitrary_self_types,
    asm_experimental_arch,
    unsized_const_params
)]
#![rustc_coherence_is_core]
#![allow(internal_features, incomplete_features, missing_docs, clippy::all)]

pub mod arch;
pub mod cell;
pub mod clone;
pub mod cmp;
pub mod convert;
pub mod default;
pub mod fmt;
pub mod hash;
pub mod hint;
pub mod intrinsics;
pub mod iter;
pub mod macros;
pub mod marker;
pub mod mem;
pub mod num;
pub mod ops;
pub mod option;
pub mod panic;
pub mod panicking;
pub mod prelude;
pub mod ptr;
pub mod result;
pub mod slice;
pub mod sync;
