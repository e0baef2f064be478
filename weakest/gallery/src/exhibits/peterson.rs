//! Mutual exclusion by flags: Peterson's and Dekker's.
//!
//! G. L. Peterson, *Myths about the mutual exclusion problem*, IPL 1981; E. W. Dijkstra, *Cooperating sequential processes*, 1965. Both
//! need each thread's store before its load in one order of all, which acquire and release do not give: the classic of store
//! buffers. A. Williams, *Peterson's lock with C++0x atomics*, 2008, lets the threads exchange the turn instead of storing it, so that
//! one of the two reads from the other.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;
use weakest::{Program, Scenario};

sites! {
    /// I want to.
    WANT: Store Relaxed, "ordered by YIELD";
    /// You first.
    YIELD: Rmw AcqRel, pairs with [YIELD], "who yields later sees that the other wants to";
    /// Whether the other wants to.
    LOOK: Load Acquire, pairs with [LEAVE], "what the other did inside comes before";
    /// Who is first.
    LOOK_TURN: Load Relaxed, "its own turn, unless the other has yielded since: then the other sees that this one wants to";
    /// I no longer want to.
    LEAVE: Store Release, pairs with [LOOK], "as LOOK";
    /// What is protected.
    READ: Read, "plain data";
    /// The same.
    WRITE: Write, "plain data";
}

/// What the broken ones do instead.
mod broken {
    weakest::facade::sites! {
        /// You first.
        YIELD_STORE: Store Release, "not enough";
        /// Between the stores and the looks.
        FENCE: Fence SeqCst, "not enough either: the order of the stores to the turn is not the order of the fences";
    }
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Exchange,
    Store,
    StoreAndFence,
}

struct Peterson<P: Platform> {
    want: [P::AtomicBool; 2],
    turn: P::AtomicU32,
    count: P::Cell,
}

impl<P: Platform> Peterson<P> {
    fn new() -> Arc<Self> {
        let want = ["first wants", "second wants"].map(|label| P::AtomicBool::new(label, false));
        Arc::new(Peterson { want, turn: P::AtomicU32::new("turn", 0), count: P::Cell::new("count", 0, 0) })
    }

    fn add(&self, me: usize, how: How) {
        let other = 1 - me;
        self.want[me].store(&WANT, true);
        if how == How::Exchange {
            self.turn.swap(&YIELD, other as u32);
        } else {
            self.turn.store(&broken::YIELD_STORE, other as u32);
        }
        if how == How::StoreAndFence {
            P::fence(&broken::FENCE);
        }
        P::retry(|| {
            let free = !self.want[other].load(&LOOK) || self.turn.load(&LOOK_TURN) == me as u32;
            free.then_some(())
        });
        let count = self.count.read(&READ);
        self.count.write(&WRITE, count + 1);
        self.want[me].store(&LEAVE, false);
    }
}

/// Two threads add to a counter inside.
struct Both(How);

impl Scenario for Both {
    fn program<P: Platform>(&self) -> Program {
        let lock = Peterson::<P>::new();
        let (one, two, how) = (lock.clone(), lock.clone(), self.0);
        Program::new()
            .thread("one", move || {
                one.add(0, how);
                vec![]
            })
            .thread("two", move || {
                two.add(1, how);
                vec![]
            })
            .finish(move |_| {
                assert_eq!(lock.count.read(&READ), 2, "an addition is lost");
                "both added".into()
            })
    }
}

/// As the textbooks have it, with every access sequentially consistent.
mod textbook {
    use super::*;

    sites! {
        /// I want to.
        WANT: Store SeqCst, pairs with [LOOK], "before the look at the other's wish in the one order of all";
        /// You first.
        YIELD: Store SeqCst, pairs with [LOOK_TURN], "likewise";
        /// Whether the other wants to.
        LOOK: Load SeqCst, pairs with [WANT, LEAVE], "after the own wish in the one order of all; what was done inside comes before";
        /// Who is first.
        LOOK_TURN: Load Acquire, pairs with [YIELD], "who goes in by its turn sees what the other did before it yielded";
        /// I no longer want to.
        LEAVE: Store Release, pairs with [LOOK], "what was done inside comes before the next one goes in";
        /// What is protected.
        READ: Read, "plain data";
        /// The same.
        WRITE: Write, "plain data";
    }

    scenario! {
        /// Two threads add to a counter inside, one of them twice.
        Both<P> {
            let lock = Peterson::<P>::new();
            let add = |me: usize, times: usize| {
                let lock = lock.clone();
                move || {
                    let other = 1 - me;
                    for _ in 0..times {
                        lock.want[me].store(&WANT, true);
                        lock.turn.store(&YIELD, other as u32);
                        P::retry(|| {
                            let free = !lock.want[other].load(&LOOK) || lock.turn.load(&LOOK_TURN) == me as u32;
                            free.then_some(())
                        });
                        let count = lock.count.read(&READ);
                        lock.count.write(&WRITE, count + 1);
                        lock.want[me].store(&LEAVE, false);
                    }
                    vec![]
                }
            };
            let (one, two) = (add(0, 2), add(1, 1));
            Program::new().thread("one", one).thread("two", two).finish(move |_| {
                assert_eq!(lock.count.read(&READ), 3, "an addition is lost");
                "all added".into()
            })
        }
    }
}

/// Dekker's entry, for one try: who sees that the other wants to gives up.
mod dekker {
    use super::*;

    sites! {
        /// I want to.
        WANT: Store Relaxed, "ordered by FENCE";
        /// Between the store and the look.
        FENCE: Fence SeqCst, pairs with [FENCE], "one of the two sees that the other wants to";
        /// Whether the other wants to.
        LOOK: Load Relaxed, "if it does, nothing is done";
        /// What is protected.
        WRITE: Write, "plain data";
    }

    scenario! {
        /// Two threads try to enter at once; at most one does.
        AtMostOne<P> {
            let shared = Arc::new((
                ["first wants", "second wants"].map(|label| P::AtomicBool::new(label, false)),
                P::Cell::new("inside", 0, 0),
            ));
            let attempt = |me: usize| {
                let shared = shared.clone();
                move || {
                    shared.0[me].store(&WANT, true);
                    P::fence(&FENCE);
                    if shared.0[1 - me].load(&LOOK) {
                        return vec![0];
                    }
                    shared.1.write(&WRITE, 1);
                    vec![1]
                }
            };
            Program::new().thread("one", attempt(0)).thread("two", attempt(1)).finish(|ends| {
                let inside: u64 = ends.iter().map(|end| end.notes()[0]).sum();
                assert!(inside < 2, "both are inside");
                format!("{inside} inside")
            })
        }
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let (peterson, williams, dekkers) =
        ("Peterson, IPL 1981", "Williams, Peterson's lock with C++0x atomics, 2008", "Dijkstra, EWD 123, 1965");
    vec![
        Exhibit::good("Peterson's lock, the turn exchanged", williams, ALL).with(Both(How::Exchange)),
        Exhibit::good("Peterson's lock, all SeqCst", peterson, textbook::ALL).with(textbook::Both),
        Exhibit::weak(
            "Peterson's lock, the wish not SeqCst",
            peterson,
            textbook::ALL,
            Fault::DataRace,
            weakened(&textbook::WANT, Order::Release),
        )
        .with(textbook::Both),
        Exhibit::bad("Peterson's lock by acquire and release", peterson, ALL, Fault::DataRace).with(Both(How::Store)),
        Exhibit::bad("Peterson's lock with one SC fence", williams, ALL, Fault::DataRace)
            .with(Both(How::StoreAndFence)),
        Exhibit::good("Dekker's entry", dekkers, dekker::ALL).with(dekker::AtMostOne),
        Exhibit::weak(
            "Dekker's entry without an SC fence",
            dekkers,
            dekker::ALL,
            Fault::DataRace,
            weakened(&dekker::FENCE, Order::AcqRel),
        )
        .with(dekker::AtMostOne),
    ]
}
