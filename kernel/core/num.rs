//! Methods of the integers, which wrap where `core`'s would panic.

use crate::intrinsics;
use crate::prelude::rust_2024::*;
macro_rules! numbers { ($($t:ident $bytes:literal)*) => { $(
    impl $t {
        pub const MAX: $t = !0;
        #[inline(always)]
        pub const fn wrapping_add(self, other: $t) -> $t { intrinsics::wrapping_add(self, other) }
        #[inline(always)]
        pub const fn wrapping_sub(self, other: $t) -> $t { intrinsics::wrapping_sub(self, other) }
        #[inline(always)]
        pub const fn checked_add(self, other: $t) -> Option<$t> {
            let sum = intrinsics::wrapping_add(self, other);
            if sum < self { None } else { Some(sum) }
        }
        #[inline(always)]
        pub const fn checked_sub(self, other: $t) -> Option<$t> {
            if self < other { None } else { Some(self - other) }
        }
        #[inline(always)]
    pub fn saturating_add(self, other: Self) -> Self {
        let sum = crate::intrinsics::wrapping_add(self, other);
        if sum < self { !0 } else { sum }
    }
    #[inline(always)]
        pub const fn saturating_sub(self, other: $t) -> $t { if self < other { 0 } else { self - other } }
        #[inline(always)]
        pub const fn is_multiple_of(self, other: $t) -> bool { if other == 0 { self == 0 } else { self % other == 0 } }
        #[inline(always)]
        pub const fn to_ne_bytes(self) -> [u8; $bytes] { unsafe { intrinsics::transmute(self) } }
    }
)* } }
impl i64 {
    #[inline(always)]
    pub const fn wrapping_sub(self, other: i64) -> i64 {
        intrinsics::wrapping_sub(self, other)
    }
}
numbers!(u32 4 u64 8 usize 8);
