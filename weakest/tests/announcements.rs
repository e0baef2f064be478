//! The explorer holds threads to the contract of announcements: they do not nest, and each is ended.

use weakest::explorer::{ExplorerOptions, check};
use weakest::facade::{Atomic, Platform};
use weakest::run::{Changes, Verdict};
use weakest::{Program, Scenario};

/// What a thread does: it announces (true) and retires (false).
struct Announces(&'static [bool]);

impl Scenario for Announces {
    fn program<P: Platform>(&self) -> Program {
        let (word, steps) = (P::AtomicU32::new("word", 0), self.0);
        Program::new().thread("announcer", move || {
            for &announces in steps {
                match announces {
                    // SAFETY: in a model nothing is mapped; what the calls make of the rest of the contract is what is tested.
                    true => _ = unsafe { P::announce(&word) },
                    false => P::retire(),
                }
            }
            Vec::new()
        })
    }
}

fn complaint(steps: &'static [bool]) -> Option<String> {
    match check(&Announces(steps), Changes::default(), &ExplorerOptions::default()).verdict {
        Verdict::Fail(trace) => Some(trace.message),
        other => {
            assert!(other.passed(), "{other}");
            None
        }
    }
}

#[test]
fn announcing_and_retiring_take_turns_and_the_last_is_to_retire() {
    assert_eq!(complaint(&[true, false, true, false]), None);
    for (steps, what) in [
        (&[true, true, false][..], "has not retired from the one before"),
        (&[true, false, false], "has announced nothing"),
        (&[true, false, true], "has not retired from the word it announced"),
    ] {
        let complaint = complaint(steps).unwrap_or_else(|| panic!("{steps:?} passes"));
        assert!(complaint.contains(what), "{complaint}");
    }
}
