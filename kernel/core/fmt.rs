//! What is written nowhere: the program shows nothing to anybody.
use crate::prelude::rust_2024::*;
pub struct Error;
pub type Result = crate::result::Result<(), Error>;
pub struct Formatter<'a>(&'a ());
pub trait Debug: crate::marker::PointeeSized {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result;
}
pub trait Display: crate::marker::PointeeSized {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result;
}
macro_rules! nowhere { ($($name:ident($($arg:ident: $t:ty),*);)*) => { impl Formatter<'_> { $( pub fn $name(&mut self, $($arg: $t),*) -> Result { Ok(()) } )* } } }
nowhere! {
    pad(_s: &str);
    write_str(_s: &str);
    debug_tuple_field1_finish(_n: &str, _a: &dyn Debug);
    debug_struct_field1_finish(_n: &str, _a: &str, _b: &dyn Debug);
    debug_struct_field2_finish(_n: &str, _a: &str, _b: &dyn Debug, _c: &str, _d: &dyn Debug);
    debug_struct_field3_finish(_n: &str, _a: &str, _b: &dyn Debug, _c: &str, _d: &dyn Debug, _e: &str, _f: &dyn Debug);
    debug_struct_field4_finish(_n: &str, _a: &str, _b: &dyn Debug, _c: &str, _d: &dyn Debug, _e: &str, _f: &dyn Debug, _g: &str, _h: &dyn Debug);
    debug_struct_field5_finish(_n: &str, _a: &str, _b: &dyn Debug, _c: &str, _d: &dyn Debug, _e: &str, _f: &dyn Debug, _g: &str, _h: &dyn Debug, _i: &str, _j: &dyn Debug);
}
macro_rules! debug { ($($t:ty)*) => { $( impl Debug for $t { fn fmt(&self, _: &mut Formatter<'_>) -> Result { Ok(()) } } )* } }
debug!(bool u8 u16 u32 u64 usize isize i32 i64 str);
impl<T: Debug + crate::marker::PointeeSized> Debug for &T {
    fn fmt(&self, _: &mut Formatter<'_>) -> Result {
        Ok(())
    }
}
impl<T: Debug> Debug for [T] {
    fn fmt(&self, _: &mut Formatter<'_>) -> Result {
        Ok(())
    }
}
impl<T: Debug, const N: usize> Debug for [T; N] {
    fn fmt(&self, _: &mut Formatter<'_>) -> Result {
        Ok(())
    }
}
