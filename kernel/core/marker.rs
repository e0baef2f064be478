//! `core::marker`.

#[lang = "pointee_sized"]
pub trait PointeeSized {}
#[lang = "meta_sized"]
pub trait MetaSized: PointeeSized {}
#[lang = "sized"]
#[fundamental]
pub trait Sized: MetaSized {}
#[lang = "legacy_receiver"]
pub trait LegacyReceiver {}
impl<T: PointeeSized> LegacyReceiver for &T {}
impl<T: PointeeSized> LegacyReceiver for &mut T {}
#[lang = "copy"]
pub trait Copy: crate::clone::Clone {}
#[lang = "freeze"]
pub unsafe auto trait Freeze {}
impl<T: PointeeSized> !Freeze for crate::cell::UnsafeCell<T> {}
unsafe impl<T: PointeeSized> Freeze for PhantomData<T> {}
unsafe impl<T: PointeeSized> Freeze for *const T {}
unsafe impl<T: PointeeSized> Freeze for *mut T {}
unsafe impl<T: PointeeSized> Freeze for &T {}
unsafe impl<T: PointeeSized> Freeze for &mut T {}
#[lang = "unpin"]
pub auto trait Unpin {}
pub unsafe auto trait Send {}
#[lang = "sync"]
pub unsafe auto trait Sync {}
#[lang = "destruct"]
pub trait Destruct: PointeeSized {}
#[lang = "discriminant_kind"]
pub trait DiscriminantKind {
    #[lang = "discriminant_type"]
    type Discriminant: Copy + crate::cmp::PartialEq + crate::cmp::PartialOrd;
}
#[lang = "structural_peq"]
pub trait StructuralPartialEq {}
#[lang = "const_param_ty"]
pub trait ConstParamTy_: StructuralPartialEq + crate::cmp::Eq {}
#[lang = "phantom_data"]
pub struct PhantomData<T: PointeeSized>;
impl<T: PointeeSized> crate::clone::Clone for PhantomData<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: PointeeSized> Copy for PhantomData<T> {}
#[lang = "tuple_trait"]
pub trait Tuple {}
#[lang = "unsize"]
pub trait Unsize<T: PointeeSized>: PointeeSized {}

macro_rules! copy {
    ($($t:ty)*) => { $(
        impl Copy for $t {}
        impl crate::clone::Clone for $t {
            #[inline(always)]
            fn clone(&self) -> Self { *self }
        }
    )* };
}
copy!(bool char u8 u16 u32 u64 usize i8 i16 i32 i64 isize u128 i128);
impl<T: PointeeSized> Copy for *const T {}
impl<T: PointeeSized> crate::clone::Clone for *const T {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: PointeeSized> Copy for *mut T {}
impl<T: PointeeSized> crate::clone::Clone for *mut T {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: PointeeSized> Copy for &T {}
impl<T: PointeeSized> crate::clone::Clone for &T {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: Copy, const N: usize> Copy for [T; N] {}
impl<T: Copy, const N: usize> crate::clone::Clone for [T; N] {
    fn clone(&self) -> Self {
        *self
    }
}

impl Copy for ! {}
impl crate::clone::Clone for ! {
    fn clone(&self) -> Self {
        *self
    }
}

macro_rules! parameters { ($($t:ty)*) => { $( impl ConstParamTy_ for $t {} impl StructuralPartialEq for $t {} )* } }
parameters!(bool char u8 u16 u32 u64 usize i8 i16 i32 i64 isize);
#[lang = "unsafe_unpin"]
pub unsafe auto trait UnsafeUnpin {}
