//! The facade, as far as a BPF program can have it: sites and orders are the facade's own files; of its traits, what the files use
//! that the program is made of, with a program as the machine.
#![no_std]
#[path = "../../weakest/facade/src/order.rs"]
pub mod order;
#[path = "../../weakest/facade/src/site.rs"]
pub mod site;

pub mod native;
mod traits;

pub use native::Native;
pub use order::Order;
pub use site::{Operation, Site};
pub use traits::{Atomic, Cell, Platform};
