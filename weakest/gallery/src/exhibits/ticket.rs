//! A ticket lock.
//!
//! J. Mellor-Crummey and M. Scott, *Algorithms for scalable synchronization on shared-memory multiprocessors*, TOCS 1991; as the
//! Linux kernel had it before queued locks.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// Drawing a ticket.
    DRAW: Rmw Relaxed, "only the number matters";
    /// Whose turn it is.
    LOOK: Load Acquire, pairs with [SERVE], "what the last holder did comes before";
    /// The holder's own number.
    OWN: Load Relaxed, "only the holder changes it";
    /// The next one's turn.
    SERVE: Store Release, pairs with [LOOK], "as LOOK";
    /// What the lock protects.
    READ: Read, "plain data";
    /// The same.
    WRITE: Write, "plain data";
}

struct Ticket<P: Platform> {
    next: P::AtomicU32,
    serving: P::AtomicU32,
    count: P::Cell,
}

impl<P: Platform> Ticket<P> {
    fn add(&self) {
        let mine = self.next.fetch_add(&DRAW, 1);
        P::retry(|| (self.serving.load(&LOOK) == mine).then_some(()));
        let count = self.count.read(&READ);
        self.count.write(&WRITE, count + 1);
        let own = self.serving.load(&OWN);
        self.serving.store(&SERVE, own + 1);
    }
}

scenario! {
    /// Three threads add to a counter in the lock.
    Adders<P> {
        let (next, serving) = (P::AtomicU32::new("next", 0), P::AtomicU32::new("serving", 0));
        let lock = Arc::new(Ticket::<P> { next, serving, count: P::Cell::new("count", 0, 0) });
        let adder = |lock: &Arc<Ticket<P>>| {
            let lock = lock.clone();
            move || {
                lock.add();
                vec![]
            }
        };
        Program::new().thread("one", adder(&lock)).thread("two", adder(&lock)).thread("three", adder(&lock)).finish(
            move |_| {
                assert_eq!(lock.count.read(&READ), 3, "an addition is lost");
                "all added".into()
            },
        )
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Mellor-Crummey and Scott, TOCS 1991";
    let bad = |name, site, order| Exhibit::weak(name, source, ALL, Fault::DataRace, weakened(site, order)).with(Adders);
    vec![
        Exhibit::good("ticket lock", source, ALL).with(Adders),
        bad("ticket lock, relaxed unlock", &SERVE, Order::Relaxed),
        bad("ticket lock, relaxed spinning", &LOOK, Order::Relaxed),
    ]
}
