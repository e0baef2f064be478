//! Mutexes over a futex: three states, and what goes wrong with fewer.
//!
//! U. Drepper, *Futexes Are Tricky*, 2011: 0 is free, 1 is locked, 2 is locked with perhaps somebody asleep. A thread that has slept
//! must take the lock as 2, since it cannot know whether others sleep on; one that takes it as 1 loses their wake-up.

use crate::{Exhibit, weakened};
use std::sync::Arc;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;
use weakest::{Program, Scenario};

sites! {
    /// Taking a free lock.
    LOCK: CompareExchange Acquire, pairs with [UNLOCK], "what the last holder did comes before";
    /// Taking the lock, or saying that somebody sleeps.
    LOCK_SLOW: Rmw Acquire, pairs with [UNLOCK], "as LOCK";
    /// Asleep while somebody else holds it.
    SLEEP: Wait, "orders nothing; the lock is tried again";
    /// Giving it back.
    UNLOCK: Rmw Release, pairs with [LOCK, LOCK_SLOW], "as LOCK";
    /// Waking one, if somebody may sleep.
    WAKE: Wake, "orders nothing";
    /// What the lock protects.
    READ: Read, "plain data";
    /// The same.
    WRITE: Write, "plain data";
}

/// What the broken one does besides.
mod broken {
    weakest::facade::sites! {
        /// Saying that somebody sleeps.
        MARK: CompareExchange Relaxed, "says nothing about what the lock protects";
        /// Whether somebody has said so.
        LOOK: Load Relaxed, "likewise";
    }
}
use broken::{LOOK, MARK};

struct Mutex<P: Platform> {
    state: P::AtomicU32,
    count: P::Cell,
}

impl<P: Platform> Mutex<P> {
    fn new() -> Arc<Self> {
        Arc::new(Mutex { state: P::AtomicU32::new("state", 0), count: P::Cell::new("count", 0, 0) })
    }

    /// A thread that has slept takes the lock as `awake`.
    fn lock(&self, awake: u32) {
        if self.state.compare_exchange(&LOCK, 0, 1).is_ok() {
            return;
        }
        if awake == 2 {
            while self.state.swap(&LOCK_SLOW, 2) != 0 {
                P::wait(&self.state, &SLEEP, 2, None);
            }
        } else {
            while self.state.compare_exchange(&LOCK, 0, awake).is_err() {
                if self.state.compare_exchange(&MARK, 1, 2).is_ok() || self.state.load(&LOOK) == 2 {
                    P::wait(&self.state, &SLEEP, 2, None);
                }
            }
        }
    }

    fn unlock(&self) {
        if self.state.swap(&UNLOCK, 0) == 2 {
            P::wake(&self.state, &WAKE, 1);
        }
    }

    fn add(&self, awake: u32) {
        self.lock(awake);
        let count = self.count.read(&READ);
        self.count.write(&WRITE, count + 1);
        self.unlock();
    }
}

/// So many threads add to a counter in the lock; all come through, and none is lost.
struct Adders {
    threads: u64,
    awake: u32,
}

impl Scenario for Adders {
    fn name(&self) -> String {
        format!("{} adders", self.threads)
    }

    fn program<P: Platform>(&self) -> Program {
        let (mutex, threads, awake) = (Mutex::<P>::new(), self.threads, self.awake);
        let mut program = Program::new();
        for thread in 0..threads {
            let mutex = mutex.clone();
            program = program.thread(format!("adder {thread}"), move || {
                mutex.add(awake);
                vec![]
            });
        }
        program.finish(move |_| {
            assert_eq!(mutex.count.read(&READ), threads, "an addition is lost");
            "all added".into()
        })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Drepper, Futexes Are Tricky, 2011";
    let adders = |threads, awake| Adders { threads, awake };
    vec![
        Exhibit::good("futex mutex of three states", source, ALL).with(adders(2, 2)).with(adders(3, 2)),
        Exhibit::bad("futex mutex, the woken forget the others", source, ALL, Fault::Deadlock).with(adders(3, 1)),
        Exhibit::weak("futex mutex, relaxed unlock", source, ALL, Fault::DataRace, weakened(&UNLOCK, Order::Relaxed))
            .with(adders(2, 2)),
    ]
}
