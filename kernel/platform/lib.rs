//! The facade, its own files unchanged, with a BPF program as the machine.
#![no_std]
#[path = "../../weakest/facade/src/order.rs"]
pub mod order;
#[path = "../../weakest/facade/src/platform.rs"]
pub mod platform;
#[path = "../../weakest/facade/src/site.rs"]
pub mod site;
#[path = "../../weakest/facade/src/value.rs"]
pub mod value;

extern crate core as std;

pub mod native;

pub use native::Native;
pub use order::Order;
pub use platform::{Atomic, Cell, Platform, Wait};
pub use site::{Operation, Site};
pub use value::{Bits, Integer, Rmw, Value};
