#![doc = include_str!("../SPEC.md")]

mod call;
mod ring;
mod world;

pub use ring::{Knowledge, Record, Ring};
pub use world::{Answer, Time, World};
