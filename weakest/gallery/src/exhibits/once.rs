//! Initialisation once: double-checked locking, as it should be and as it was written for a decade.
//!
//! S. Meyers and A. Alexandrescu, *C++ and the perils of double-checked locking*, Dr. Dobb's Journal 2004.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// The look without the lock.
    FIRST_LOOK: Load Acquire, pairs with [READY], "the value is read after it was made";
    /// The lock.
    LOCK: CompareExchange Acquire, pairs with [UNLOCK], "what the last holder did is seen";
    /// The look within the lock.
    SECOND_LOOK: Load Relaxed, "ordered by the lock";
    /// The value is made.
    MAKE: Write, "plain data";
    /// And ready.
    READY: Store Release, pairs with [FIRST_LOOK], "the value is made before it is seen to be ready";
    /// The lock is free.
    UNLOCK: Store Release, pairs with [LOCK], "as LOCK";
    /// The value is used.
    USE: Read, "plain data";
}

struct Once<P: Platform> {
    ready: P::AtomicBool,
    lock: P::AtomicBool,
    value: P::Cell,
}

impl<P: Platform> Once<P> {
    fn new() -> Arc<Self> {
        let (ready, lock) = (P::AtomicBool::new("ready", false), P::AtomicBool::new("lock", false));
        Arc::new(Once { ready, lock, value: P::Cell::new("value", 0, 0) })
    }

    fn get(&self) -> u64 {
        if !self.ready.load(&FIRST_LOOK) {
            P::retry(|| self.lock.compare_exchange(&LOCK, false, true).ok());
            if !self.ready.load(&SECOND_LOOK) {
                self.value.write(&MAKE, 7);
                self.ready.store(&READY, true);
            }
            self.lock.store(&UNLOCK, false);
        }
        self.value.read(&USE)
    }
}

scenario! {
    /// Two threads want the value at once; it is made once, and both see it.
    Both<P> {
        let once = Once::<P>::new();
        let other = once.clone();
        Program::new()
            .thread("one", move || vec![once.get()])
            .thread("other", move || vec![other.get()])
            .finish(|ends| {
                assert!(ends.iter().all(|end| end.notes() == [7]), "both see what was made: {ends:?}");
                "made once".into()
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Meyers and Alexandrescu, DDJ 2004";
    let bad = |name, site, order| Exhibit::weak(name, source, ALL, Fault::DataRace, weakened(site, order)).with(Both);
    vec![
        Exhibit::good("once-initialisation, double-checked", source, ALL).with(Both),
        bad("double-checked locking without acquire", &FIRST_LOOK, Order::Relaxed),
        bad("double-checked locking without release", &READY, Order::Relaxed),
    ]
}
