//! A reader-writer lock with an upgrade: from reading to writing without letting go.
//!
//! That an upgrade must not let another writer in between is in every textbook (M. Raynal, *Concurrent programming*, 2013); that two who
//! upgrade at once cannot both succeed is why libraries have a third state, as `parking_lot`'s upgradable reads.

use crate::{Exhibit, weakened};
use std::sync::Arc;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;
use weakest::{Program, Scenario};

sites! {
    /// How many read, or that one writes.
    LOOK: Load Relaxed, "tried again by compare-and-exchange";
    /// One more reads.
    READ_LOCK: CompareExchange Acquire, pairs with [WRITE_UNLOCK], "what the last writer wrote is read";
    /// One fewer reads.
    READ_UNLOCK: Rmw Release, pairs with [UPGRADE], "reading comes before the next writing";
    /// One of the readers claims the upgrade.
    CLAIM: Rmw Relaxed, "only who is first matters";
    /// The only reader writes.
    UPGRADE: CompareExchange Acquire, pairs with [READ_UNLOCK], "as READ_UNLOCK";
    /// Nobody writes.
    WRITE_UNLOCK: Store Release, pairs with [READ_LOCK], "as READ_LOCK";
    /// What the lock protects.
    READ: Read, "plain data";
    /// The same.
    WRITE: Write, "plain data";
}

mod broken {
    weakest::facade::sites! {
        /// Nobody at all: a writer comes in.
        WRITE_LOCK: CompareExchange Acquire, "the upgrade has let go before";
    }
}

const WRITER: u32 = 1 << 31;
/// One of the readers is about to write: no new ones.
const UPGRADING: u32 = 1 << 30;

struct Lock<P: Platform> {
    state: P::AtomicU32,
    value: P::Cell,
}

impl<P: Platform> Lock<P> {
    /// Makes the value, if it is not there; whether it was made here.
    fn make(&self, lets_go: bool) -> bool {
        P::retry(|| {
            P::retry(|| {
                let state = self.state.load(&LOOK);
                (state & (WRITER | UPGRADING) == 0)
                    .then(|| self.state.compare_exchange(&READ_LOCK, state, state + 1).ok())?
            });
            if self.value.read(&READ) != 0 {
                self.state.fetch_sub(&READ_UNLOCK, 1);
                return Some(false);
            }
            if lets_go {
                self.state.fetch_sub(&READ_UNLOCK, 1);
                P::retry(|| self.state.compare_exchange(&broken::WRITE_LOCK, 0, WRITER).ok());
            } else if self.state.fetch_or(&CLAIM, UPGRADING) & UPGRADING != 0 {
                // Another one is about to: let it.
                self.state.fetch_sub(&READ_UNLOCK, 1);
                return None;
            } else {
                P::retry(|| self.state.compare_exchange(&UPGRADE, UPGRADING | 1, WRITER).ok());
            }
            self.value.write(&WRITE, 1);
            self.state.store(&WRITE_UNLOCK, 0);
            Some(true)
        })
    }
}

/// Two threads make the value if it is not there: one of them does.
struct Makers {
    lets_go: bool,
}

impl Scenario for Makers {
    fn program<P: Platform>(&self) -> Program {
        let lets_go = self.lets_go;
        let lock = Arc::new(Lock::<P> { state: P::AtomicU32::new("state", 0), value: P::Cell::new("value", 0, 0) });
        let other = lock.clone();
        Program::new()
            .thread("one", move || vec![lock.make(lets_go).into()])
            .thread("other", move || vec![other.make(lets_go).into()])
            .finish(|ends| {
                let made: u64 = ends.iter().map(|end| end.notes()[0]).sum();
                assert_eq!(made, 1, "made once");
                "made once".into()
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "textbook; parking_lot's upgradable reads";
    vec![
        Exhibit::good("reader-writer lock with an upgrade", source, ALL).with(Makers { lets_go: false }),
        Exhibit::bad("reader-writer lock, the upgrade lets go", source, ALL, Fault::Assertion)
            .with(Makers { lets_go: true }),
        Exhibit::weak(
            "reader-writer lock, relaxed read unlock",
            source,
            ALL,
            Fault::DataRace,
            weakened(&READ_UNLOCK, Order::Relaxed),
        )
        .with(Makers { lets_go: false }),
    ]
}
