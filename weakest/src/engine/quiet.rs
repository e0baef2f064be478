//! Keeps the panics inside an engine off the terminal, and remembers where they came from.
//!
//! A model that fails panics: for an engine that is an answer, not news. The hook is installed once per process, in
//! place of shuttle's, which would print a schedule first.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that [`catch`] has caught.
pub(super) struct Caught {
    pub payload: Box<dyn std::any::Any + Send>,
}

/// Runs `f`, printing nothing if it panics.
pub(super) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Caught> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let louder = panic::take_hook();
        #[cfg(feature = "shuttle")]
        super::shuttle::warm_up();
        drop(panic::take_hook());
        panic::set_hook(Box::new(move |info| {
            if QUIET.get() {
                PLACE.set(info.location().map(|place| format!("{}:{}", place.file(), place.line())));
            } else {
                louder(info);
            }
        }));
    });
    let before = QUIET.replace(true);
    PLACE.set(None);
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    QUIET.set(before);
    result.map_err(|payload| Caught { payload })
}

/// The words of a panic's payload.
pub(super) fn words(payload: &(dyn std::any::Any + Send)) -> &str {
    match (payload.downcast_ref::<String>(), payload.downcast_ref::<&str>()) {
        (Some(words), _) => words,
        (_, Some(words)) => words,
        _ => "a panic without words",
    }
}

/// The words of a failed assertion, with where it stands.
pub(super) fn assertion(payload: &(dyn std::any::Any + Send)) -> String {
    let words = words(payload);
    match PLACE.take() {
        Some(place) => format!("{words} ({place})"),
        None => words.to_string(),
    }
}
