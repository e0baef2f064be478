//! A robust mutex whose owner may die anywhere, and the wake-up that dies with it.
//!
//! The Linux kernel's `Documentation/locking/robust-futexes.rst`, and its commit ca16d5bee598, *futex: Prevent robust futex exit race*,
//! 2019: between the unlock and the wake the lock must still be announced (`list_op_pending`), or nobody wakes who sleeps.

use crate::Exhibit;
use std::sync::Arc;
use weakest::facade::native::{OWNER, WAITERS};
use weakest::facade::{Atomic, Platform, sites};
use weakest::trace::Fault;
use weakest::{Program, Scenario};

sites! {
    /// Taking a lock that nobody holds.
    LOCK: CompareExchange Relaxed, "this scenario protects no data";
    /// What is in the lock.
    LOOK: Load Relaxed, "tried again by compare-and-exchange";
    /// Asleep while somebody holds it.
    SLEEP: Wait, "orders nothing";
    /// Giving it back.
    UNLOCK: Rmw Relaxed, "this scenario protects no data";
    /// Waking one.
    WAKE: Wake, "orders nothing";
}

fn lock<P: Platform>(word: &P::AtomicU32) {
    // SAFETY: the word lives as long as the program, and is retired before it is announced again.
    let id = unsafe { P::announce(word) };
    loop {
        let found = word.load(&LOOK);
        if found & OWNER == 0 {
            // In short: always as if others slept.
            if word.compare_exchange(&LOCK, found, id | WAITERS).is_ok() {
                return;
            }
        } else {
            P::wait(word, &SLEEP, found, None);
        }
    }
}

fn unlock<P: Platform>(word: &P::AtomicU32, too_early: bool) {
    let found = word.swap(&UNLOCK, 0);
    if too_early {
        P::retire();
    }
    if found & WAITERS != 0 {
        P::wake(word, &WAKE, 1);
    }
    if !too_early {
        P::retire();
    }
}

/// Two threads take the lock once each; either may die. Whoever lives gets it.
struct Two {
    too_early: bool,
}

impl Scenario for Two {
    fn program<P: Platform>(&self) -> Program {
        let (word, too_early) = (Arc::new(P::AtomicU32::new("lock", 0)), self.too_early);
        let other = word.clone();
        Program::new()
            .mortal("one", move || {
                lock::<P>(&word);
                unlock::<P>(&word, too_early);
                vec![]
            })
            .mortal("other", move || {
                lock::<P>(&other);
                unlock::<P>(&other, too_early);
                vec![]
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Linux, robust-futexes.rst and commit ca16d5bee598";
    vec![
        Exhibit::good("robust mutex", source, ALL).with(Two { too_early: false }).deaths(1),
        Exhibit::bad("robust mutex, the wake-up dies with its owner", source, ALL, Fault::Deadlock)
            .with(Two { too_early: true })
            .deaths(1),
    ]
}
