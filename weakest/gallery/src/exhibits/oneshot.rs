//! A oneshot channel: one value, one sender, one receiver that sleeps, and a sender that may be gone without having sent.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Cell, Order, sites};
use weakest::trace::Fault;

sites! {
    /// The value.
    FILL: Write, "plain data";
    /// It is there, or never will be.
    SEND: Rmw Release, pairs with [LOOK], "the value is there before it is seen to be";
    /// Waking the receiver.
    WAKE: Wake, "orders nothing";
    /// Whether it is there.
    LOOK: Load Acquire, pairs with [SEND], "as SEND";
    /// Asleep until it is.
    SLEEP: Wait, "orders nothing";
    /// The value.
    TAKE: Read, "plain data";
    /// The sender is gone.
    CLOSE: Rmw Relaxed, "there is no value";
}

const SENT: u32 = 1;
const CLOSED: u32 = 2;

scenario! {
    /// The sender may die anywhere; the receiver gets the value or hears that there will be none.
    SendOrDie<P> {
        let shared = Arc::new((P::AtomicU32::new("state", 0), P::Cell::new("value", 0, 0)));
        let (receiver, gone) = (shared.clone(), shared.clone());
        Program::new()
            .mortal("sender", move || {
                shared.1.write(&FILL, 7);
                shared.0.swap(&SEND, SENT);
                P::wake(&shared.0, &WAKE, 1);
                vec![]
            })
            .thread("receiver", move || {
                loop {
                    match receiver.0.load(&LOOK) {
                        0 => P::wait(&receiver.0, &SLEEP, 0, None),
                        CLOSED => return vec![],
                        _ => return vec![receiver.1.read(&TAKE)],
                    };
                }
            })
            .on_death(move |_| {
                gone.0.fetch_or(&CLOSE, CLOSED);
                P::wake(&gone.0, &WAKE, 1);
            })
            .finish(|ends| {
                assert!(ends[1].notes().is_empty() || ends[1].notes() == [7]);
                format!("received {:?}", ends[1].notes())
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "textbook; tokio::sync::oneshot";
    vec![
        Exhibit::good("oneshot channel", source, ALL).with(SendOrDie).deaths(1),
        Exhibit::weak("oneshot channel, relaxed send", source, ALL, Fault::DataRace, weakened(&SEND, Order::Relaxed))
            .with(SendOrDie),
    ]
}
