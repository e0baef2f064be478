//! Small scenarios for the tests of the engines.
#![allow(dead_code)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use weakest::facade::{Atomic, Cell, Platform, sites};
use weakest::run::{Changes, Mutant};
use weakest::{Notes, Outcomes, Program, Scenario};
use weakest_facade::Order;

sites! {
    /// Filling the slot.
    FILL: Write, "plain data";
    /// Looking into the slot.
    TAKE: Read, "plain data";
    /// Saying that it is full.
    PUBLISH: Store Release, pairs with [SEE], "the slot was filled before";
    /// Seeing that it is full.
    SEE: Load Acquire, pairs with [PUBLISH], "the slot is read after";
    /// A store without an order.
    PUT: Store, "";
    /// A load without an order.
    GET: Load, "";
    /// A read-modify-write without an order.
    ADD: Rmw, "";
    /// The fence between one's own store and the load of the other's.
    BARRIER: Fence SeqCst, pairs with [BARRIER], "one of the two must see the other's store";
    /// A load with the strongest order.
    GET_SC: Load SeqCst, "";
    /// A store with the strongest order.
    PUT_SC: Store SeqCst, "";
    /// Releases what precedes.
    BEFORE: Fence Release, pairs with [AFTER], "";
    /// Acquires what was read.
    AFTER: Fence Acquire, pairs with [BEFORE], "";
    /// Going to sleep.
    DOZE: Wait, "";
    /// Ringing the bell.
    RING: Wake, "";
}

/// Every ordering as it is.
pub const AS_IT_IS: Changes = Changes { mutant: None, death: None };

/// One ordering weakened.
pub fn weakened(site: &'static str, order: Order) -> Changes {
    Changes { mutant: Some(Mutant { site, order }), death: None }
}

pub fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| name.to_string()).collect()
}

fn first(notes: &[u64]) -> String {
    notes.first().map_or("-".into(), u64::to_string)
}

macro_rules! scenario {
    ($name:ident, $about:expr, $outcomes:expr, |$platform:ident| $program:expr) => {
        #[doc = $about]
        pub struct $name;
        impl Scenario for $name {
            fn name(&self) -> String {
                stringify!($name).to_lowercase()
            }
            fn about(&self) -> String {
                $about.into()
            }
            fn outcomes(&self) -> Outcomes {
                $outcomes
            }
            fn program<$platform: Platform>(&self) -> Program {
                $program
            }
        }
    };
}

scenario!(
    MessagePassing,
    "A thread fills a slot and says so; another looks once.",
    Outcomes::exactly(["-", "7"]),
    |P| {
        let shared = Arc::new((P::Cell::new("slot", 0, 0), P::AtomicU64::new("flag", 0)));
        let writer = shared.clone();
        Program::new()
            .thread("writer", move || {
                writer.0.write(&FILL, 7);
                writer.1.store(&PUBLISH, 1);
                Notes::new()
            })
            .thread("reader", move || match shared.1.load(&SEE) {
                0 => Notes::new(),
                _ => vec![shared.0.read(&TAKE)],
            })
            .finish(|ends| first(ends[1].notes()))
    }
);

scenario!(
    StoreBuffering,
    "Two threads raise a flag each, and look at the other's: not both may miss it.",
    Outcomes::exactly(["0 1", "1 0", "1 1"]),
    |P| {
        let flags = Arc::new((P::AtomicU64::new("x", 0), P::AtomicU64::new("y", 0)));
        let other = flags.clone();
        Program::new()
            .thread("left", move || {
                flags.0.store(&PUT, 1);
                P::fence(&BARRIER);
                vec![flags.1.load(&GET)]
            })
            .thread("right", move || {
                other.1.store(&PUT, 1);
                P::fence(&BARRIER);
                vec![other.0.load(&GET)]
            })
            .finish(|ends| format!("{} {}", ends[0].notes()[0], ends[1].notes()[0]))
    }
);

scenario!(
    Polling,
    "The writer looks, then adds; a reader polls once. Unpatched, loom explores this once.",
    Outcomes::exactly(["0", "1"]),
    |P| {
        let word = Arc::new(P::AtomicU64::new("word", 0));
        let reader = word.clone();
        Program::new()
            .thread("reader", move || vec![reader.load(&SEE)])
            .thread("writer", move || {
                word.load(&GET);
                word.fetch_add(&ADD, 1);
                Notes::new()
            })
            .finish(|ends| first(ends[0].notes()))
    }
);

scenario!(
    Doorbell,
    "A thread fills a slot, says so and rings; another sleeps until then, and reads.",
    Outcomes::exactly(["7"]),
    |P| {
        let shared = Arc::new((P::Cell::new("slot", 0, 0), P::AtomicU32::new("bell", 0)));
        let ringer = shared.clone();
        Program::new()
            .thread("sleeper", move || {
                while shared.1.load(&SEE) == 0 {
                    P::wait(&shared.1, &DOZE, 0, None);
                }
                vec![shared.0.read(&TAKE)]
            })
            .thread("ringer", move || {
                ringer.0.write(&FILL, 7);
                ringer.1.store(&PUBLISH, 1);
                P::wake(&ringer.1, &RING, 1);
                Notes::new()
            })
            .finish(|ends| first(ends[0].notes()))
    }
);

scenario!(
    Trusting,
    "The sleeper always sleeps, and believes that being woken orders memory. It does not.",
    Outcomes::Any,
    |P| {
        let shared = Arc::new((P::Cell::new("slot", 0, 0), P::AtomicU32::new("bell", 0)));
        let ringer = shared.clone();
        Program::new()
            .thread("sleeper", move || {
                if P::wait(&shared.1, &DOZE, 0, None) == weakest_facade::Wait::Woken {
                    return vec![shared.0.read(&TAKE)];
                }
                Notes::new()
            })
            .thread("ringer", move || {
                ringer.0.write(&FILL, 7);
                ringer.1.store(&PUBLISH, 1);
                P::wake(&ringer.1, &RING, 1);
                Notes::new()
            })
            .finish(|ends| first(ends[0].notes()))
    }
);

scenario!(LostWake, "The ringer rings before it says that the slot is full.", Outcomes::Any, |P| {
    let bell = Arc::new(P::AtomicU32::new("bell", 0));
    let ringer = bell.clone();
    Program::new()
        .thread("sleeper", move || {
            while bell.load(&SEE) == 0 {
                P::wait(&bell, &DOZE, 0, None);
            }
            Notes::new()
        })
        .thread("ringer", move || {
            P::wake(&ringer, &RING, 1);
            ringer.store(&PUBLISH, 1);
            Notes::new()
        })
});

scenario!(Promises, "A lone thread is said to have two outcomes, and has one.", Outcomes::exactly(["0", "1"]), |P| {
    let word = P::AtomicU64::new("word", 0);
    Program::new().thread("only", move || vec![word.load(&GET)]).finish(|ends| first(ends[0].notes()))
});

scenario!(
    Hopeful,
    "Two threads count with a load and a store each; the final look expects both.",
    Outcomes::Any,
    |P| {
        let word = Arc::new(P::AtomicU64::new("count", 0));
        let mut program = Program::new();
        for name in ["left", "right"] {
            let word = word.clone();
            program = program.thread(name, move || {
                let count = word.load(&GET);
                word.store(&PUT, count + 1);
                Notes::new()
            });
        }
        program.finish(move |_| {
            assert_eq!(word.load(&GET), 2, "both were counted");
            "2".into()
        })
    }
);

scenario!(Forever, "A thread polls for what nobody does.", Outcomes::Any, |P| {
    let word = P::AtomicU64::new("word", 0);
    Program::new().thread("poller", move || {
        while word.load(&GET) == 0 {
            P::spin();
        }
        Notes::new()
    })
});

scenario!(Impatient, "Nobody rings, and the sleeper does not sleep for ever.", Outcomes::exactly(["1"]), |P| {
    let bell = P::AtomicU32::new("bell", 0);
    Program::new()
        .thread("sleeper", move || {
            let wait = P::wait(&bell, &DOZE, 0, Some(Duration::from_secs(1)));
            vec![u64::from(wait == weakest_facade::Wait::TimedOut)]
        })
        .finish(|ends| first(ends[0].notes()))
});

scenario!(
    SeqCstAccesses,
    "Store buffering with SeqCst stores and loads, and no fence.",
    Outcomes::exactly(["0 1", "1 0", "1 1"]),
    |P| {
        let flags = Arc::new((P::AtomicU64::new("x", 0), P::AtomicU64::new("y", 0)));
        let other = flags.clone();
        Program::new()
            .thread("left", move || {
                flags.0.store(&PUT_SC, 1);
                vec![flags.1.load(&GET_SC)]
            })
            .thread("right", move || {
                other.1.store(&PUT_SC, 1);
                vec![other.0.load(&GET_SC)]
            })
            .finish(|ends| format!("{} {}", ends[0].notes()[0], ends[1].notes()[0]))
    }
);

scenario!(FencedPassing, "Message passing by relaxed accesses between fences.", Outcomes::exactly(["-", "7"]), |P| {
    let shared = Arc::new((P::Cell::new("slot", 0, 0), P::AtomicU64::new("flag", 0)));
    let writer = shared.clone();
    Program::new()
        .thread("writer", move || {
            writer.0.write(&FILL, 7);
            P::fence(&BEFORE);
            writer.1.store(&PUT, 1);
            Notes::new()
        })
        .thread("reader", move || {
            if shared.1.load(&GET) == 0 {
                return Notes::new();
            }
            P::fence(&AFTER);
            vec![shared.0.read(&TAKE)]
        })
        .finish(|ends| first(ends[1].notes()))
});

scenario!(
    Relay,
    "Message passing through the read-modify-write of a third thread, which orders nothing itself.",
    Outcomes::Any,
    |P| {
        let shared = Arc::new((P::Cell::new("slot", 0, 0), P::AtomicU64::new("flag", 0)));
        let (writer, relay) = (shared.clone(), shared.clone());
        Program::new()
            .thread("writer", move || {
                writer.0.write(&FILL, 7);
                writer.1.store(&PUBLISH, 1);
                Notes::new()
            })
            .thread("relay", move || {
                relay.1.fetch_add(&ADD, 1);
                Notes::new()
            })
            .thread("reader", move || match shared.1.load(&SEE) {
                2 => vec![shared.0.read(&TAKE)],
                _ => Notes::new(),
            })
            .finish(|ends| first(ends[2].notes()))
    }
);

scenario!(
    Independent,
    "Two writers, and two readers with fences between their looks: they agree on which write came first.",
    Outcomes::Any,
    |P| {
        let flags = Arc::new((P::AtomicU64::new("x", 0), P::AtomicU64::new("y", 0)));
        let (x, y, left, right) = (flags.clone(), flags.clone(), flags.clone(), flags);
        Program::new()
            .thread("x", move || {
                x.0.store(&PUT, 1);
                Notes::new()
            })
            .thread("y", move || {
                y.1.store(&PUT, 1);
                Notes::new()
            })
            .thread("left", move || {
                let x = left.0.load(&GET);
                P::fence(&BARRIER);
                vec![x, left.1.load(&GET)]
            })
            .thread("right", move || {
                let y = right.1.load(&GET);
                P::fence(&BARRIER);
                vec![y, right.0.load(&GET)]
            })
            .finish(|ends| {
                assert!(ends[2].notes() != [1, 0] || ends[3].notes() != [1, 0], "they disagree");
                format!("{:?} {:?}", ends[2].notes(), ends[3].notes())
            })
    }
);

scenario!(
    TwoWays,
    "Fails in two ways: one needs a look at an early moment, the other two looks at late ones. Everybody sees the newest.",
    Outcomes::Any,
    |P| {
        let words = Arc::new((P::AtomicU64::new("early", 0), P::AtomicU64::new("late", 0)));
        let watched = words.clone();
        Program::new()
            .thread("actor", move || {
                for value in [1, 0] {
                    watched.0.swap(&ADD, value);
                }
                for value in [1, 2, 0] {
                    watched.1.swap(&ADD, value);
                }
                Notes::new()
            })
            .thread("watcher", move || {
                let early = words.0.fetch_or(&ADD, 0);
                let late = [0, 0].map(|none| words.1.fetch_or(&ADD, none));
                assert!(early == 0, "seen early");
                assert!(late != [1, 2], "seen late");
                Notes::new()
            })
    }
);

scenario!(
    Hearsay,
    "A reader sees a released flag without acquiring it, after an acquire that saw nothing: the data may still be old.",
    Outcomes::exactly(["0 0 0", "0 0 1", "0 1 0", "0 1 1", "1 1 1"]),
    |P| {
        let shared = Arc::new((P::AtomicU64::new("data", 0), P::AtomicU64::new("flag", 0)));
        let writer = shared.clone();
        Program::new()
            .thread("reader", move || {
                let early = shared.1.load(&SEE);
                let late = shared.1.load(&GET);
                vec![early, late, shared.0.load(&GET)]
            })
            .thread("writer", move || {
                writer.0.store(&PUT, 1);
                writer.1.store(&PUBLISH, 1);
                Notes::new()
            })
            .finish(|ends| ends[0].notes().iter().map(u64::to_string).collect::<Vec<_>>().join(" "))
    }
);

scenario!(
    Unlocking,
    "The owner of a lock stores 0 into it while another thread marks it: the mark is lost or comes after, never both.",
    Outcomes::exactly(["0", "2"]),
    |P| {
        let word = Arc::new(P::AtomicU32::new("lock", 1));
        let (owner, marker) = (word.clone(), word.clone());
        Program::new()
            .thread("marker", move || {
                marker.fetch_or(&ADD, 2);
                Notes::new()
            })
            .thread("owner", move || {
                owner.store(&PUT, 0);
                Notes::new()
            })
            .finish(move |_| word.load(&GET).to_string())
    }
);

scenario!(
    Handover,
    "A thread sleeps while a word is 1; another sets it to 0 and wakes all, in one step.",
    Outcomes::exactly(["done"]),
    |P| {
        let word = Arc::new(P::AtomicU32::new("word", 1));
        let waker = word.clone();
        Program::new()
            .thread("sleeper", move || {
                while word.load(&GET) == 1 {
                    P::wait(&word, &DOZE, 1, None);
                }
                Notes::new()
            })
            .mortal("waker", move || {
                P::store_and_wake_all(&waker, &RING, 0);
                Notes::new()
            })
    }
);

/// Threads that do nothing, as many as wanted.
pub struct Crowd(pub usize);

impl Scenario for Crowd {
    fn name(&self) -> String {
        "crowd".into()
    }
    fn about(&self) -> String {
        format!("{} threads do nothing", self.0)
    }
    fn program<P: Platform>(&self) -> Program {
        (0..self.0).fold(Program::new(), |program, index| program.thread(index.to_string(), Notes::new))
    }
}
