//! Panics: none is left in the program, or it would not be accepted.

#[lang = "panic"]
pub const fn panic(_: &'static str) -> ! {
    loop {}
}
#[lang = "panic_bounds_check"]
fn panic_bounds_check(_: usize, _: usize) -> ! {
    loop {}
}
#[lang = "panic_nounwind"]
fn panic_nounwind(_: &'static str) -> ! {
    loop {}
}
#[lang = "panic_cannot_unwind"]
fn panic_cannot_unwind() -> ! {
    loop {}
}
macro_rules! arithmetic { ($($name:ident = $lang:literal;)*) => { pub mod panic_const { $( #[lang = $lang] pub const fn $name() -> ! { loop {} } )* } } }
arithmetic! {
    panic_const_rem_by_zero = "panic_const_rem_by_zero";
    panic_const_div_by_zero = "panic_const_div_by_zero";
    panic_const_add_overflow = "panic_const_add_overflow";
    panic_const_sub_overflow = "panic_const_sub_overflow";
    panic_const_mul_overflow = "panic_const_mul_overflow";
    panic_const_shl_overflow = "panic_const_shl_overflow";
    panic_const_shr_overflow = "panic_const_shr_overflow";
    panic_const_rem_overflow = "panic_const_rem_overflow";
    panic_const_div_overflow = "panic_const_div_overflow";
    panic_const_neg_overflow = "panic_const_neg_overflow";
}
