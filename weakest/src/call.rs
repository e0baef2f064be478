//! Names for the calls that a program makes, so that a picture says which of them each step belongs to.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

thread_local! {
    /// The call that this OS thread is in; what the explorer's replays look at.
    static CURRENT: Cell<Option<&'static str>> = const { Cell::new(None) };
    /// Every name there ever was: few.
    static NAMES: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Does `work` under a name: the steps of a counterexample that belong to it are drawn so.
///
/// ```
/// let sum = weakest::call(format!("add {}", 2), || 1 + 2);
/// assert_eq!(sum, 3);
/// ```
pub fn call<T>(name: impl AsRef<str>, work: impl FnOnce() -> T) -> T {
    let _inside = Inside::enter(interned(name.as_ref()));
    work()
}

/// The call that the running replay is in.
pub(crate) fn current() -> Option<&'static str> {
    CURRENT.get()
}

/// Nothing of another replay is left.
pub(crate) fn forget() {
    CURRENT.set(None);
}

fn interned(name: &str) -> &'static str {
    NAMES.with_borrow_mut(|names| match names.get(name) {
        Some(known) => known,
        None => {
            let name: &'static str = name.to_owned().leak();
            names.insert(name);
            name
        }
    })
}

/// Inside a call, until it is dropped: bodies are unwound in its midst.
struct Inside {
    before: Option<&'static str>,
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    lane: Option<&'static str>,
}

impl Inside {
    fn enter(name: &'static str) -> Self {
        Inside {
            before: CURRENT.replace(Some(name)),
            #[cfg(any(feature = "loom", feature = "shuttle"))]
            lane: crate::engine::set_call(Some(name)),
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        CURRENT.set(self.before);
        // A thread that unwinds keeps its last call: the failure was in it.
        #[cfg(any(feature = "loom", feature = "shuttle"))]
        if !std::thread::panicking() {
            crate::engine::set_call(self.lane);
        }
    }
}
