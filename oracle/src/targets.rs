//! The bodies of the fuzz targets. The fuzzer calls them, and so do the tests that replay its corpora on stable Rust.
//!
//! | target | what the fuzzer chooses | what must hold |
//! |---|---|---|
//! | [`operations`] | a ring and what is done to it | ring and oracle agree after each step |
//! | [`hostile`] | every word and byte of the region, changed between calls | each call answers what the documentation says of such a region |
//! | [`scribbler`] | what a second thread writes all over the region while the calls run | every answer is within bounds |

pub mod hostile;
pub mod operations;
pub mod scribbler;

use crate::machine::Reached;
use arbitrary::{Arbitrary, Unstructured};

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
pub const ALL: &[Target] = &[operations::TARGET, hostile::TARGET, scribbler::TARGET];

/// The longest sequence of steps in one input: enough to wrap a small ring many times, short enough to be quick.
const MOST_STEPS: usize = 200;

/// Decodes steps until the input ends, so that every byte of it counts.
pub(crate) fn until_the_end<'a, T: Arbitrary<'a>>(input: &mut Unstructured<'a>) -> arbitrary::Result<Vec<T>> {
    let mut steps = Vec::new();
    while !input.is_empty() && steps.len() < MOST_STEPS {
        steps.push(input.arbitrary()?);
    }
    Ok(steps)
}

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
    match T::arbitrary(&mut Unstructured::new(bytes)) {
        Ok(input) => run(PrintOnPanic(&input).0),
        Err(_) => Reached::new(),
    }
}
