//! D. Vyukov's bounded queue for many producers and consumers, 1024cores.net 2010: each slot has a sequence number that says whose turn
//! it is.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// The position to push at.
    PUSH_AT: Load Relaxed, "claimed by PUSH_CLAIM";
    /// Whether the slot is empty.
    PUSH_TURN: Load Acquire, pairs with [EMPTY], "a slot is filled after it was emptied";
    /// The position is claimed.
    PUSH_CLAIM: CompareExchange Relaxed, "only the number matters";
    /// The slot.
    FILL: Write, "plain data";
    /// It is full.
    FULL: Store Release, pairs with [POP_TURN], "a slot is emptied after it was filled";
    /// The position to pop from.
    POP_AT: Load Relaxed, "claimed by POP_CLAIM";
    /// Whether the slot is full.
    POP_TURN: Load Acquire, pairs with [FULL], "as FULL";
    /// The position is claimed.
    POP_CLAIM: CompareExchange Relaxed, "only the number matters";
    /// The slot.
    TAKE: Read, "plain data";
    /// It is empty.
    EMPTY: Store Release, pairs with [PUSH_TURN], "as PUSH_TURN";
}

struct Queue<P: Platform> {
    push: P::AtomicUsize,
    pop: P::AtomicUsize,
    turns: Vec<P::AtomicUsize>,
    slots: Vec<P::Cell>,
}

impl<P: Platform> Queue<P> {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Queue {
            push: P::AtomicUsize::new("push", 0),
            pop: P::AtomicUsize::new("pop", 0),
            turns: (0..capacity).map(|slot| P::AtomicUsize::new("turn", slot)).collect(),
            slots: (0..capacity).map(|slot| P::Cell::new("slot", slot, 0)).collect(),
        })
    }

    fn push(&self, value: u64) -> bool {
        P::retry(|| {
            let at = self.push.load(&PUSH_AT);
            let slot = at % self.slots.len();
            let turn = self.turns[slot].load(&PUSH_TURN);
            if turn < at {
                return Some(false);
            }
            if turn > at || self.push.compare_exchange(&PUSH_CLAIM, at, at + 1).is_err() {
                return None;
            }
            self.slots[slot].write(&FILL, value);
            self.turns[slot].store(&FULL, at + 1);
            Some(true)
        })
    }

    fn pop(&self) -> Option<u64> {
        P::retry(|| {
            let at = self.pop.load(&POP_AT);
            let slot = at % self.slots.len();
            let turn = self.turns[slot].load(&POP_TURN);
            if turn < at + 1 {
                return Some(None);
            }
            if turn > at + 1 || self.pop.compare_exchange(&POP_CLAIM, at, at + 1).is_err() {
                return None;
            }
            let value = self.slots[slot].read(&TAKE);
            self.turns[slot].store(&EMPTY, at + self.slots.len());
            Some(Some(value))
        })
    }
}

scenario! {
    /// Two producers push once each into two slots, the second pops, and a consumer pops twice: each value once.
    TwoAndTwo<P> {
        let queue = Queue::<P>::new(2);
        let (two, three, last) = (queue.clone(), queue.clone(), queue.clone());
        Program::new()
            .thread("one", move || {
                let first = queue.push(1);
                vec![first.into(), queue.push(3).into()]
            })
            .thread("two", move || vec![two.push(2).into(), 0])
            .thread("consumer", move || [three.pop(), three.pop()].into_iter().flatten().collect())
            .finish(move |ends| {
                let mut all = ends[2].notes().to_vec();
                all.extend(std::iter::from_fn(|| last.pop()));
                all.sort_unstable();
                let pushed: u64 = ends[..2].iter().flat_map(|end| end.notes()).sum();
                assert_eq!(all.len() as u64, pushed, "all that was pushed comes out once: {all:?}");
                all.dedup();
                assert_eq!(all.len() as u64, pushed, "nothing comes twice: {all:?}");
                assert!(last.push(9), "there is room in an empty queue");
                format!("{pushed} pushed, {} taken in time", ends[2].notes().len())
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Vyukov, 1024cores.net, 2010";
    let bad =
        |name, site| Exhibit::weak(name, source, ALL, Fault::DataRace, weakened(site, Order::Relaxed)).with(TwoAndTwo);
    vec![
        Exhibit::good("bounded MPMC queue", source, ALL).with(TwoAndTwo),
        bad("bounded MPMC queue, relaxed full", &FULL),
        bad("bounded MPMC queue, relaxed empty", &EMPTY),
    ]
}
