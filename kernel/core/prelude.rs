//! `core::prelude`.

pub mod rust_2024 {
    pub use crate::clone::Clone;
    pub use crate::cmp::{Eq, Ord, PartialEq, PartialOrd};
    pub use crate::convert::{From, Into, TryFrom};
    pub use crate::default::Default;
    pub use crate::iter::{IntoIterator, Iterator};
    pub use crate::macros::builtin::*;
    pub use crate::marker::{Copy, Send, Sized, Sync};
    pub use crate::mem::{align_of, size_of};
    pub use crate::ops::{Drop, Fn, FnMut, FnOnce};
    pub use crate::option::Option::{self, None, Some};
    pub use crate::result::Result::{self, Err, Ok};
}
