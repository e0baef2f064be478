//! `core::panic`.

#[lang = "panic_location"]
pub struct Location<'a> {
    _file: &'a str,
    _line: u32,
    _column: u32,
}
#[lang = "panic_info"]
pub struct PanicInfo<'a>(&'a ());
