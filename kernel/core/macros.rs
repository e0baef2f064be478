//! The compiler's own macros.

pub mod builtin {
    #[rustc_builtin_macro]
    #[allow_internal_unstable(
        coverage_attribute,
        core_intrinsics,
        derive_clone_copy_internals,
        derive_eq_internals,
        fmt_helpers_for_derive,
        structural_match,
        trivial_clone
    )]
    pub macro Clone($item:item) {}
    #[rustc_builtin_macro]
    #[allow_internal_unstable(
        coverage_attribute,
        core_intrinsics,
        derive_clone_copy_internals,
        derive_eq_internals,
        fmt_helpers_for_derive,
        structural_match,
        trivial_clone
    )]
    pub macro Copy($item:item) {}
    #[rustc_builtin_macro]
    #[allow_internal_unstable(
        coverage_attribute,
        core_intrinsics,
        derive_clone_copy_internals,
        derive_eq_internals,
        fmt_helpers_for_derive,
        structural_match,
        trivial_clone
    )]
    pub macro Debug($item:item) {}
    #[rustc_builtin_macro(Default, attributes(default))]
    #[allow_internal_unstable(
        coverage_attribute,
        core_intrinsics,
        derive_clone_copy_internals,
        derive_eq_internals,
        fmt_helpers_for_derive,
        structural_match,
        trivial_clone
    )]
    pub macro Default($item:item) {}
    #[rustc_builtin_macro]
    #[allow_internal_unstable(
        coverage_attribute,
        core_intrinsics,
        derive_clone_copy_internals,
        derive_eq_internals,
        fmt_helpers_for_derive,
        structural_match,
        trivial_clone
    )]
    pub macro Eq($item:item) {}
    #[rustc_builtin_macro]
    #[allow_internal_unstable(
        coverage_attribute,
        core_intrinsics,
        derive_clone_copy_internals,
        derive_eq_internals,
        fmt_helpers_for_derive,
        structural_match,
        trivial_clone
    )]
    pub macro Hash($item:item) {}
    #[rustc_builtin_macro]
    #[allow_internal_unstable(
        coverage_attribute,
        core_intrinsics,
        derive_clone_copy_internals,
        derive_eq_internals,
        fmt_helpers_for_derive,
        structural_match,
        trivial_clone
    )]
    pub macro Ord($item:item) {}
    #[rustc_builtin_macro]
    #[allow_internal_unstable(
        coverage_attribute,
        core_intrinsics,
        derive_clone_copy_internals,
        derive_eq_internals,
        fmt_helpers_for_derive,
        structural_match,
        trivial_clone
    )]
    pub macro PartialEq($item:item) {}
    #[rustc_builtin_macro]
    #[allow_internal_unstable(
        coverage_attribute,
        core_intrinsics,
        derive_clone_copy_internals,
        derive_eq_internals,
        fmt_helpers_for_derive,
        structural_match,
        trivial_clone
    )]
    pub macro PartialOrd($item:item) {}
    #[rustc_builtin_macro]
    pub macro derive($item:item) {}
    #[rustc_builtin_macro]
    pub macro assert($($t:tt)*) {}
    #[rustc_builtin_macro]
    pub macro concat($($t:tt)*) {}
    #[rustc_builtin_macro]
    pub macro stringify($($t:tt)*) {}
    #[rustc_builtin_macro]
    pub macro cfg($($t:tt)*) {}
    #[rustc_builtin_macro]
    pub macro global_allocator($($t:tt)*) {}
    pub macro matches($e:expr, $p:pat $(if $g:expr)? $(,)?) {
        match $e {
            $p $(if $g)? => true,
            _ => false,
        }
    }
    pub macro debug_assert($($t:tt)*) {}
}
