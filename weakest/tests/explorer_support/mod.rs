//! What the explorer's tests share.
#![allow(dead_code, reason = "each test binary uses its part")]

pub mod axioms;
pub mod dependent;
pub mod litmus;
pub mod promising;
pub mod random;
pub mod ring;
