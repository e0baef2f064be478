//! The mutex, the condition variable, parking, and data of any type: each ordering has a witness, and engines agree.

use std::sync::Arc;
use weakest::engine::loom::LoomOptions;
use weakest::engine::shuttle::ShuttleOptions;
use weakest::facade::sync::{self, Condvar, Mutex, Parker};
use weakest::facade::{Cell, Data, Platform, Site, sites};
use weakest::suite::Engine;
use weakest::{Outcomes, Program, Scenario, verify};

sites! {
    /// What is protected.
    READ: Read, "plain data";
    /// The same.
    WRITE: Write, "plain data";
}

/// Two threads add to a counter in the mutex, one of them twice.
struct Adders;

impl Scenario for Adders {
    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["3"])
    }

    fn program<P: Platform>(&self) -> Program {
        let shared = Arc::new((Mutex::<P>::new("mutex"), P::Cell::new("count", 0, 0)));
        let adder = |times: u64| {
            let shared = shared.clone();
            move || {
                for _ in 0..times {
                    let _held = shared.0.lock();
                    let count = shared.1.read(&READ);
                    shared.1.write(&WRITE, count + 1);
                }
                vec![]
            }
        };
        let (one, two) = (adder(2), adder(1));
        Program::new().thread("one", one).thread("two", two).finish(move |_| shared.1.read(&READ).to_string())
    }
}

/// One waits for what the other says, with a condition variable.
struct Condition;

impl Scenario for Condition {
    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["7"])
    }

    fn program<P: Platform>(&self) -> Program {
        let shared = Arc::new((Mutex::<P>::new("mutex"), Condvar::<P>::new("condition"), P::Cell::new("value", 0, 0)));
        let teller = shared.clone();
        Program::new()
            .thread("waiter", move || {
                let (mutex, condition, value) = &*shared;
                let mut held = mutex.lock();
                loop {
                    match value.read(&READ) {
                        0 => held = condition.wait(held),
                        value => return vec![value],
                    }
                }
            })
            .thread("teller", move || {
                let (mutex, condition, value) = &*teller;
                let held = mutex.lock();
                value.write(&WRITE, 7);
                drop(held);
                condition.notify_one();
                vec![]
            })
            .finish(|ends| ends[0].notes()[0].to_string())
    }
}

/// One parks, the other fills a value of three words and unparks it.
struct Park;

impl Scenario for Park {
    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["1, 2, 3"])
    }

    fn program<P: Platform>(&self) -> Program {
        let shared = Arc::new((Parker::<P>::new("token"), P::Data::<[u64; 3]>::new("value", 0, [0; 3])));
        let waker = shared.clone();
        Program::new()
            .thread("sleeper", move || {
                shared.0.park();
                // SAFETY: the token orders it after the write; the model is the judge.
                unsafe { shared.1.read(&READ) }.to_vec()
            })
            .thread("waker", move || {
                // SAFETY: likewise.
                unsafe { waker.1.write(&WRITE, [1, 2, 3]) };
                waker.0.unpark();
                vec![]
            })
            .finish(|ends| {
                let notes: Vec<String> = ends[0].notes().iter().map(u64::to_string).collect();
                notes.join(", ")
            })
    }
}

#[test]
fn each_ordering_has_a_witness() {
    verify(sync::ALL).scenario(Adders).scenario(Condition).scenario(Park).run();
}

#[test]
fn every_engine_agrees() {
    const NONE: &[Site] = &[];
    verify(NONE)
        .scenario(Adders)
        .scenario(Condition)
        .scenario(Park)
        .also(Engine::Loom(LoomOptions { preemption_bound: Some(3), ..Default::default() }))
        .also(Engine::Shuttle(ShuttleOptions::default()))
        .run();
}
