//! Bugs from public issue trackers, each modelled by what its report says, beside the repair.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::facade::{Atomic, Cell, Order, Platform};
use weakest::trace::Fault;
use weakest::{Program, Scenario};

/// tokio's oneshot channel, closed by its receiver while a value is on its way (tokio-rs/tokio#4225, RUSTSEC-2021-0124).
///
/// A sender that finds the channel closed takes its value back, but it has said already that the value is there; a receiver that closes and
/// then tries to receive takes it too. The repair (#4226) says nothing of the value once the channel is closed. Assumed here: the value is one
/// word; the task's waker is left out.
mod oneshot {
    use super::*;

    weakest::facade::sites! {
        /// The value.
        FILL: Write, "plain data";
        /// Whether the channel is closed.
        BEFORE: Load Relaxed, "tried again by compare-and-exchange";
        /// The value is there, unless the channel is closed.
        COMPLETE: CompareExchange Release, pairs with [TRY], "the value is there before it is seen to be";
        /// The receiver closes.
        CLOSE: Rmw Relaxed, "says nothing of the value";
        /// Whether the value is there.
        TRY: Load Acquire, pairs with [COMPLETE], "as COMPLETE";
        /// The value, by whoever has a right to it.
        TAKE: Read, "plain data";
        /// It is gone.
        EMPTY: Write, "plain data";
    }

    mod broken {
        weakest::facade::sites! {
            /// The value is there, even if the channel is closed.
            COMPLETE: Rmw AcqRel, "whatever the ordering";
        }
    }

    const SENT: u32 = 1;
    const CLOSED: u32 = 2;

    /// The receiver closes and tries to receive, the sender sends: one of the two has the value in the end.
    pub struct Closed {
        pub blindly: bool,
    }

    impl Scenario for Closed {
        fn program<P: Platform>(&self) -> Program {
            let blindly = self.blindly;
            let channel = Arc::new((P::AtomicU32::new("state", 0), P::Cell::new("value", 0, 0)));
            let receiver = channel.clone();
            let take = |channel: &(P::AtomicU32, P::Cell)| {
                let value = channel.1.read(&TAKE);
                channel.1.write(&EMPTY, 0);
                vec![value]
            };
            Program::new()
                .thread("sender", move || {
                    channel.1.write(&FILL, 7);
                    let before = if blindly {
                        channel.0.fetch_or(&broken::COMPLETE, SENT)
                    } else {
                        P::retry(|| {
                            let before = channel.0.load(&BEFORE);
                            if before & CLOSED != 0 {
                                return Some(before);
                            }
                            channel.0.compare_exchange(&COMPLETE, before, before | SENT).ok()
                        })
                    };
                    if before & CLOSED != 0 { take(&channel) } else { vec![] }
                })
                .thread("receiver", move || {
                    receiver.0.fetch_or(&CLOSE, CLOSED);
                    if receiver.0.load(&TRY) & SENT != 0 { take(&receiver) } else { vec![] }
                })
                .finish(|ends| {
                    let all = [ends[0].notes(), ends[1].notes()].concat();
                    assert_eq!(all, [7], "one of the two has it: {ends:?}");
                    if ends[0].notes().is_empty() { "received" } else { "taken back" }.into()
                })
        }
    }
}

/// HotSpot's `Parker::park` (JDK-6822370; D. Dice, *A race in LockSupport park() arising from weak memory models*, 2009).
///
/// A thread that finds a permit takes it by a plain store and returns without a fence; the look at the condition that follows may come first.
/// Whoever makes the condition true then finds the old permit, wakes nobody, and its new permit is overwritten. Assumed here: the mutex
/// and the condition variable of the slow path are a futex's compare and sleep, and what `unpark` does in its mutex is a swap.
mod park {
    use super::*;

    weakest::facade::sites! {
        /// Whether there is a permit.
        LOOK: Load Relaxed, "only the number matters";
        /// It is taken.
        TAKE: Store Relaxed, "ordered by PARK_FENCE";
        /// Between the permit and the look at the condition.
        PARK_FENCE: Fence SeqCst, pairs with [UNPARK_FENCE], "either the condition is seen or the permit is seen to be taken";
        /// Asleep until there is a permit.
        SLEEP: Wait, "orders nothing";
        /// The condition.
        CONDITION: Load Relaxed, "no more is asked of it";
        /// It comes true.
        MAKE_TRUE: Store Relaxed, "ordered by UNPARK_FENCE";
        /// Between the condition and the permit, as after every volatile store of Java's.
        UNPARK_FENCE: Fence SeqCst, pairs with [PARK_FENCE], "as PARK_FENCE";
        /// Another permit.
        GIVE: Rmw Relaxed, "only the number matters";
        /// Waking the thread, if there was none.
        WAKE: Wake, "orders nothing";
    }

    scenario! {
        /// A thread with a permit left over waits for a condition that the other makes true.
        LeftOver<P> {
            let shared = Arc::new((P::AtomicU32::new("permit", 1), P::AtomicBool::new("condition", false)));
            let other = shared.clone();
            Program::new()
                .thread("parker", move || {
                    P::retry(|| {
                        if shared.1.load(&CONDITION) {
                            return Some(());
                        }
                        if shared.0.load(&LOOK) == 1 {
                            shared.0.store(&TAKE, 0);
                            P::fence(&PARK_FENCE);
                        } else {
                            P::wait(&shared.0, &SLEEP, 0, None);
                        }
                        None
                    });
                    vec![]
                })
                .thread("unparker", move || {
                    other.1.store(&MAKE_TRUE, true);
                    P::fence(&UNPARK_FENCE);
                    if other.0.swap(&GIVE, 1) == 0 {
                        P::wake(&other.0, &WAKE, 1);
                    }
                    vec![]
                })
        }
    }
}

/// A publication that loom 0.7.3 by itself lets pass (tokio-rs/loom#166, #392): it forgets a thread's load once the thread does something else
/// to the same atomic, and then tries no schedule in which the reader comes between. The platform of this harness works around that.
mod publish {
    use super::*;

    weakest::facade::sites! {
        /// The data.
        FILL: Write, "plain data";
        /// How much there is.
        BEFORE: Load Relaxed, "nobody else changes it";
        /// There is more.
        PUBLISH: Rmw Release, pairs with [LOOK], "the data are there before they are counted";
        /// The reader's look.
        LOOK: Load Acquire, pairs with [PUBLISH], "as PUBLISH";
        /// The data.
        TAKE: Read, "plain data";
    }

    scenario! {
        /// One looks, then publishes; the other polls until it sees that.
        Polling<P> {
            let shared = Arc::new((P::AtomicU32::new("count", 0), P::Cell::new("data", 0, 0)));
            let writer = shared.clone();
            Program::new()
                .thread("writer", move || {
                    let before = writer.0.load(&BEFORE);
                    writer.1.write(&FILL, 7);
                    writer.0.fetch_add(&PUBLISH, 1);
                    vec![before.into()]
                })
                .thread("reader", move || {
                    P::retry(|| (shared.0.load(&LOOK) == 1).then_some(()));
                    vec![shared.1.read(&TAKE)]
                })
        }
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let (tokio, jdk, loom) = ("tokio-rs/tokio#4225 and #4226", "JDK-6822370", "tokio-rs/loom#166 and #392");
    vec![
        Exhibit::good("tokio's oneshot, closed and repaired", tokio, oneshot::ALL)
            .with(oneshot::Closed { blindly: false }),
        Exhibit::bad("tokio's oneshot, closed while sending", tokio, oneshot::ALL, Fault::DataRace)
            .with(oneshot::Closed { blindly: true }),
        Exhibit::good("HotSpot's park, with its fence", jdk, park::ALL).with(park::LeftOver),
        Exhibit::weak(
            "HotSpot's park, a permit taken without a fence",
            jdk,
            park::ALL,
            Fault::Deadlock,
            weakened(&park::PARK_FENCE, Order::Relaxed),
        )
        .with(park::LeftOver),
        Exhibit::good("a publication after a look", loom, publish::ALL).with(publish::Polling),
        Exhibit::weak(
            "a relaxed publication that bare loom passes",
            loom,
            publish::ALL,
            Fault::DataRace,
            weakened(&publish::PUBLISH, Order::Relaxed),
        )
        .with(publish::Polling),
    ]
}
