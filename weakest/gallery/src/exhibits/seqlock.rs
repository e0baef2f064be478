//! A sequence lock: one writer, readers that never write.
//!
//! H.-J. Boehm, *Can seqlocks get along with programming language memory models?*, MSPC 2012: the data are relaxed atomics; the
//! reader's second look at the sequence number must be kept behind its reads by an acquire fence, and the writer's data behind its
//! first store by a release fence.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// The writer's own number, which only it changes.
    BEGIN_LOOK: Load Relaxed, "nobody else writes it";
    /// The number becomes odd: a write is under way.
    BEGIN: Store Relaxed, "ordered by BEGIN_FENCE";
    /// Between the odd number and the data.
    BEGIN_FENCE: Fence Release, pairs with [END_FENCE], "who reads new data sees at least the odd number";
    /// The data.
    FILL: Store Relaxed, "ordered by the fences";
    /// The number becomes even again.
    END: Store Release, pairs with [LOOK], "who sees the even number sees the data";
    /// The reader's first look.
    LOOK: Load Acquire, pairs with [END], "the data are read after the number";
    /// The data.
    TAKE: Load Relaxed, "ordered by LOOK and END_FENCE";
    /// Between the data and the second look.
    END_FENCE: Fence Acquire, pairs with [BEGIN_FENCE], "the second look sees what wrote the data that were read";
    /// The reader's second look.
    LOOK_AGAIN: Load Relaxed, "ordered by END_FENCE";
}

struct SeqLock<P: Platform> {
    sequence: P::AtomicU32,
    data: [P::AtomicU32; 2],
}

impl<P: Platform> SeqLock<P> {
    fn new() -> Arc<Self> {
        let data = ["left", "right"].map(|label| P::AtomicU32::new(label, 0));
        Arc::new(SeqLock { sequence: P::AtomicU32::new("sequence", 0), data })
    }

    fn write(&self, value: u32) {
        let before = self.sequence.load(&BEGIN_LOOK);
        self.sequence.store(&BEGIN, before + 1);
        P::fence(&BEGIN_FENCE);
        self.data.iter().for_each(|word| word.store(&FILL, value));
        self.sequence.store(&END, before + 2);
    }

    fn read(&self) -> (u32, u32) {
        P::retry(|| {
            let before = self.sequence.load(&LOOK);
            if before % 2 == 1 {
                return None;
            }
            let data = (self.data[0].load(&TAKE), self.data[1].load(&TAKE));
            P::fence(&END_FENCE);
            (self.sequence.load(&LOOK_AGAIN) == before).then_some(data)
        })
    }
}

scenario! {
    /// One writer writes twice, one reader reads once, and both words are of the same write.
    Torn<P> {
        let lock = SeqLock::<P>::new();
        let writer = lock.clone();
        Program::new()
            .thread("writer", move || {
                (1..=2).for_each(|value| writer.write(value));
                vec![]
            })
            .thread("reader", move || {
                let (left, right) = lock.read();
                assert_eq!(left, right, "a torn read");
                vec![left.into()]
            })
            .finish(|ends| format!("read {}", ends[1].notes()[0]))
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let bad = |name, site, order| {
        Exhibit::weak(name, "Boehm, MSPC 2012", ALL, Fault::Assertion, weakened(site, order)).with(Torn)
    };
    vec![
        Exhibit::good("seqlock", "Boehm, MSPC 2012", ALL).with(Torn),
        bad("seqlock, no fence before the second look", &END_FENCE, Order::Relaxed),
        bad("seqlock, no fence after the odd number", &BEGIN_FENCE, Order::Relaxed),
    ]
}
