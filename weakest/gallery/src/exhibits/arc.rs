//! Reference counting: the last one out destroys.
//!
//! Boost.Atomic's usage examples, and the documentation of `std::sync::Arc`: each drop releases, and the last one acquires before it
//! destroys. The fence is what is forgotten.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// Another owner.
    CLONE: Rmw Relaxed, "a new owner comes from one that is there";
    /// One owner fewer.
    DROP: Rmw Release, pairs with [DROP_FENCE], "its use comes before the destruction";
    /// Before the destruction.
    DROP_FENCE: Fence Acquire, pairs with [DROP], "all others' use comes before";
    /// The value, used.
    USE: Read, "plain data";
    /// The value, destroyed.
    DESTROY: Write, "plain data";
}

struct Counted<P: Platform> {
    count: P::AtomicUsize,
    value: P::Cell,
}

impl<P: Platform> Counted<P> {
    fn new(count: usize) -> Arc<Self> {
        Arc::new(Counted { count: P::AtomicUsize::new("count", count), value: P::Cell::new("value", 0, 1) })
    }

    fn release(&self) {
        if self.count.fetch_sub(&DROP, 1) == 1 {
            P::fence(&DROP_FENCE);
            self.value.write(&DESTROY, 0);
        }
    }
}

scenario! {
    /// Two owners use the value, one of them clones and drops once more; whoever is last destroys it, after all use.
    Owners<P> {
        let counted = Counted::<P>::new(2);
        let other = counted.clone();
        Program::new()
            .thread("one", move || {
                counted.count.fetch_add(&CLONE, 1);
                assert_eq!(counted.value.read(&USE), 1, "used after it was destroyed");
                counted.release();
                counted.release();
                vec![]
            })
            .thread("other", move || {
                assert_eq!(other.value.read(&USE), 1, "used after it was destroyed");
                other.release();
                vec![]
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Boost.Atomic, usage examples; std::sync::Arc";
    vec![
        Exhibit::good("Arc", source, ALL).with(Owners),
        Exhibit::weak(
            "Arc, no acquire before the drop",
            source,
            ALL,
            Fault::DataRace,
            weakened(&DROP_FENCE, Order::Relaxed),
        )
        .with(Owners),
        Exhibit::weak("Arc, relaxed decrement", source, ALL, Fault::DataRace, weakened(&DROP, Order::Relaxed))
            .with(Owners),
    ]
}
