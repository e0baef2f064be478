//! A single-producer single-consumer queue that caches the other side's index, as the crates `rtrb` and `ringbuf` have it, and
//! folly's `ProducerConsumerQueue` before them.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// The producer's look at how far the consumer is, when the cached index says that there is no room.
    ROOM: Load Acquire, pairs with [FREE], "a slot is filled after it was emptied";
    /// A slot.
    FILL: Write, "plain data";
    /// Another slot is full.
    PUBLISH: Store Release, pairs with [LOOK], "the slot is full before it is seen to be";
    /// The consumer's look at how far the producer is, likewise.
    LOOK: Load Acquire, pairs with [PUBLISH], "a slot is emptied after it was filled";
    /// A slot.
    TAKE: Read, "plain data";
    /// Another slot is empty.
    FREE: Store Release, pairs with [ROOM], "the slot is empty before it is seen to be";
}

struct Queue<P: Platform> {
    head: P::AtomicUsize,
    tail: P::AtomicUsize,
    slots: Vec<P::Cell>,
}

/// One side: its own index, and the other's as it was last seen.
#[derive(Default)]
struct Side {
    own: usize,
    other: usize,
}

impl<P: Platform> Queue<P> {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Queue {
            head: P::AtomicUsize::new("head", 0),
            tail: P::AtomicUsize::new("tail", 0),
            slots: (0..capacity).map(|slot| P::Cell::new("slot", slot, 0)).collect(),
        })
    }

    fn push(&self, side: &mut Side, value: u64) -> bool {
        if side.own - side.other == self.slots.len() {
            side.other = self.tail.load(&ROOM);
            if side.own - side.other == self.slots.len() {
                return false;
            }
        }
        self.slots[side.own % self.slots.len()].write(&FILL, value);
        side.own += 1;
        self.head.store(&PUBLISH, side.own);
        true
    }

    fn pop(&self, side: &mut Side) -> Option<u64> {
        if side.own == side.other {
            side.other = self.head.load(&LOOK);
            if side.own == side.other {
                return None;
            }
        }
        let value = self.slots[side.own % self.slots.len()].read(&TAKE);
        side.own += 1;
        self.tail.store(&FREE, side.own);
        Some(value)
    }
}

scenario! {
    /// Three pushes and three pops, tried once each, on two slots: what comes out is in order.
    Threes<P> {
        let queue = Queue::<P>::new(2);
        let producer = queue.clone();
        Program::new()
            .thread("producer", move || {
                let mut side = Side::default();
                (1..=3).filter(|&value| producer.push(&mut side, value)).collect()
            })
            .thread("consumer", move || {
                let mut side = Side::default();
                (0..3).filter_map(|_| queue.pop(&mut side)).collect()
            })
            .finish(|ends| {
                let (pushed, popped) = (ends[0].notes(), ends[1].notes());
                assert!(pushed.starts_with(popped), "{popped:?} of {pushed:?}");
                format!("{} of {}", popped.len(), pushed.len())
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "rtrb; folly::ProducerConsumerQueue";
    vec![
        Exhibit::good("SPSC queue with cached indices", source, ALL).with(Threes),
        Exhibit::weak("SPSC queue, relaxed publish", source, ALL, Fault::DataRace, weakened(&PUBLISH, Order::Relaxed))
            .with(Threes),
        Exhibit::weak("SPSC queue, room seen relaxed", source, ALL, Fault::DataRace, weakened(&ROOM, Order::Relaxed))
            .with(Threes),
    ]
}
