//! An eventcount: a condition of lock-free code to sleep on.
//!
//! D. P. Reed and R. K. Kanodia, *Synchronization with eventcounts and sequencers*, CACM 1979; the form with a futex is D. Vyukov's and
//! folly's. The waiter announces itself, then looks at the condition; the notifier makes the condition true, then looks for waiters:
//! store, then load, on both sides. Without the notifier's fence it is the lost wake-up of uxlfoundation/oneTBB#2136.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// One more waiter.
    ANNOUNCE: Rmw Relaxed, "ordered by WAITER_FENCE";
    /// Between the announcement and the look at the condition.
    WAITER_FENCE: Fence SeqCst, pairs with [NOTIFIER_FENCE], "either the waiter sees the condition or the notifier sees the waiter";
    /// The epoch before the look at the condition.
    EPOCH: Load Relaxed, "WAITER_FENCE acquires: a waiter that sees the new epoch sees the condition";
    /// The condition.
    CONDITION: Load Relaxed, "no more is asked of it";
    /// Asleep until the epoch changes.
    SLEEP: Wait, "orders nothing";
    /// One waiter fewer.
    LEAVE: Rmw Relaxed, "only the number matters";
    /// The condition comes true.
    MAKE_TRUE: Store Relaxed, "ordered by NOTIFIER_FENCE";
    /// Between the condition and the look for waiters.
    NOTIFIER_FENCE: Fence SeqCst, pairs with [WAITER_FENCE], "as WAITER_FENCE";
    /// Whether anybody waits.
    WAITERS: Load Relaxed, "ordered by NOTIFIER_FENCE";
    /// Another epoch.
    ADVANCE: Rmw Relaxed, "NOTIFIER_FENCE releases";
    /// All look again.
    WAKE: Wake, "orders nothing";
}

struct EventCount<P: Platform> {
    epoch: P::AtomicU32,
    waiters: P::AtomicU32,
    condition: P::AtomicBool,
}

impl<P: Platform> EventCount<P> {
    fn wait(&self) {
        loop {
            self.waiters.fetch_add(&ANNOUNCE, 1);
            let epoch = self.epoch.load(&EPOCH);
            P::fence(&WAITER_FENCE);
            let done = self.condition.load(&CONDITION);
            if !done {
                P::wait(&self.epoch, &SLEEP, epoch, None);
            }
            self.waiters.fetch_sub(&LEAVE, 1);
            if done {
                return;
            }
        }
    }

    fn notify(&self) {
        self.condition.store(&MAKE_TRUE, true);
        P::fence(&NOTIFIER_FENCE);
        if self.waiters.load(&WAITERS) != 0 {
            self.epoch.fetch_add(&ADVANCE, 1);
            P::wake(&self.epoch, &WAKE, u32::MAX);
        }
    }
}

scenario! {
    /// One waits for what the other makes true; nobody sleeps for ever.
    OneEvent<P> {
        let epoch = P::AtomicU32::new("epoch", 0);
        let (waiters, condition) = (P::AtomicU32::new("waiters", 0), P::AtomicBool::new("condition", false));
        let events = Arc::new(EventCount::<P> { epoch, waiters, condition });
        let notifier = events.clone();
        Program::new()
            .thread("waiter", move || {
                events.wait();
                vec![]
            })
            .thread("notifier", move || {
                notifier.notify();
                vec![]
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Reed and Kanodia, CACM 1979; folly::EventCount";
    let bad =
        |name, site| Exhibit::weak(name, source, ALL, Fault::Deadlock, weakened(site, Order::AcqRel)).with(OneEvent);
    vec![
        Exhibit::good("eventcount", source, ALL).with(OneEvent),
        bad("eventcount, the waiter's fence is none", &WAITER_FENCE),
        bad("eventcount, the notifier's fence is none", &NOTIFIER_FENCE),
    ]
}
