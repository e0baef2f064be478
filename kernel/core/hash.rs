//! `core::hash`: derived, and never used.

pub trait Hasher {}
pub trait Hash: crate::marker::PointeeSized {
    fn hash<H: Hasher>(&self, state: &mut H);
}
macro_rules! hash { ($($t:ty)*) => { $( impl Hash for $t { fn hash<H: Hasher>(&self, _: &mut H) { loop {} } } )* } }
hash!(bool u8 u16 u32 u64 usize isize i32 i64);
