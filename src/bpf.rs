//! `bpf(2)`, as far as a ring needs it.
//!
//! | module | holds |
//! |---|---|
//! | `call` | the system call: maps, programs, running them |
//! | `object` | the program that is checked in under `kernel/`, and putting numbers into it |
//! | `functions` | the numbers by which this kernel knows its own functions |
//! | `bell` | a bell that programs can ring |

mod bell;
mod call;
mod functions;
mod object;

pub(crate) use bell::Bell;
pub(crate) use call::{ARGUMENTS, array, load, run};
pub(crate) use functions::of_this_kernel;
pub(crate) use object::{Values, link};
