//! The bodies of the fuzz targets. The fuzzer calls them, and so do the tests that replay its corpora on stable Rust.
//!
//! | target | what the fuzzer chooses | what must hold |
//! |---|---|---|
//! | [`operations`] | a ring and what is done to it | ring and oracle agree after each step |
//! | [`hostile`] | every word and byte of the region, changed between calls | each call answers what the documentation says of such a region |
//! | [`scribbler`] | what a second thread writes all over the region while the calls run | every answer is within bounds |
//! | `interleaving` | which thread of a model steps next, and who dies before which step | what the scenario asserts; no data race, no lost wake-up |
//! | [`broker`] | what isolated writers send, attach, shut and close, and what arrives instead of an endpoint | each proper record arrives, nothing else does, and nothing is left behind |

pub mod broker;
#[cfg(feature = "models")]
mod features;
pub mod hostile;
#[cfg(feature = "models")]
pub mod interleaving;
pub mod operations;
pub mod scribbler;

use arbitrary::{Arbitrary, Unstructured};
use iobring_oracle::machine::Reached;
use std::sync::{Mutex, PoisonError};

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its fuzz target, its corpus and its past crashes.
    pub name: &'static str,
    /// Runs one input. Panics if anything that must hold does not.
    pub run: fn(&[u8]) -> Reached,
    /// Everything a corpus must reach.
    pub reaches: &'static [&'static str],
}

/// All of them.
pub const ALL: &[Target] = &[
    operations::TARGET,
    hostile::TARGET,
    scribbler::TARGET,
    broker::TARGET,
    #[cfg(feature = "models")]
    interleaving::TARGET,
];

/// Inputs are run one at a time: a target may count what its process holds.
static TURN: Mutex<()> = Mutex::new(());

/// Decodes an input, runs it, and prints it if it panics.
fn decode_and_run<'a, T: Arbitrary<'a> + std::fmt::Debug>(bytes: &'a [u8], run: fn(&T) -> Reached) -> Reached {
    struct PrintOnPanic<'a, T: std::fmt::Debug>(&'a T);
    impl<T: std::fmt::Debug> Drop for PrintOnPanic<'_, T> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("the input was: {:#?}", self.0);
            }
        }
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    match T::arbitrary(&mut Unstructured::new(bytes)) {
        Ok(input) => run(PrintOnPanic(&input).0),
        Err(_) => Reached::new(),
    }
}
