//! A swappable atomics facade.
//!
//! Lock-free code that is generic over [`Platform`] runs unchanged on real memory ([`Native`], where every call folds
//! to the instruction a hand-written atomic would be) and inside a model checker. Every operation goes through a named
//! [`Site`], declared once with [`sites!`]: the one place that says which memory ordering is used and why. A checker
//! looks a site's ordering up at run time, so that one binary can weaken each ordering in turn.
//!
//! | module | holds |
//! |---|---|
//! | [`order`] | [`Order`], and which orderings are weaker than a given one |
//! | [`site`] | [`Site`], [`Operation`], the [`sites!`] table |
//! | [`value`] | what an atomic may hold, and what may be done to it |
//! | [`platform`] | the traits: [`Platform`], [`Atomic`], [`Cell`] |
//! | [`data`] | plain data of any type |
//! | [`heap`] | memory that threads allocate and free |
//! | [`sync`] | a mutex, a condition variable and parking, made of the above |
//! | [`native`] | the platform of release builds, Linux |

pub mod data;
pub mod heap;
pub mod native;
pub mod order;
pub mod platform;
pub mod site;
pub mod sync;
pub mod value;

pub use data::Data;
pub use heap::{Heap, Make};
pub use native::Native;
pub use order::Order;
pub use platform::{Atomic, Cell, Platform, Wait};
pub use site::{Operation, Site};
pub use value::{Bits, Integer, Rmw, Value};
