//! The queue lock of Mellor-Crummey and Scott, TOCS 1991: each waiter spins on a word of its own.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// The own node, before anybody sees it.
    CLEAR_NEXT: Store Relaxed, "ordered by ENQUEUE";
    /// The own node, likewise.
    SET_WAIT: Store Relaxed, "ordered by LINK";
    /// Becoming the last of the queue.
    ENQUEUE: Rmw AcqRel, pairs with [ENQUEUE, DEQUEUE], "the node is clear before its follower links itself to it; a free lock's last holder comes before";
    /// Telling the one before.
    LINK: Store Release, pairs with [FOLLOWER, FOLLOWER_LATE], "the node waits before it is told that it need not";
    /// Waiting for the turn.
    SPIN: Load Acquire, pairs with [HAND_OVER], "what the last holder did comes before";
    /// Whether somebody follows.
    FOLLOWER: Load Acquire, pairs with [LINK], "as LINK";
    /// Nobody follows: the lock is free.
    DEQUEUE: CompareExchange Release, pairs with [ENQUEUE], "as ENQUEUE";
    /// Somebody is about to follow.
    FOLLOWER_LATE: Load Acquire, pairs with [LINK], "as LINK";
    /// The follower's turn.
    HAND_OVER: Store Release, pairs with [SPIN], "as SPIN";
    /// What the lock protects.
    READ: Read, "plain data";
    /// The same.
    WRITE: Write, "plain data";
}

struct Node<P: Platform> {
    next: P::AtomicU32,
    wait: P::AtomicBool,
}

struct Mcs<P: Platform> {
    /// The last node's number plus one; 0 if the lock is free.
    tail: P::AtomicU32,
    nodes: Vec<Node<P>>,
    count: P::Cell,
}

impl<P: Platform> Mcs<P> {
    fn new(nodes: usize) -> Arc<Self> {
        let node = |_| Node { next: P::AtomicU32::new("next", 0), wait: P::AtomicBool::new("wait", false) };
        Arc::new(Mcs {
            tail: P::AtomicU32::new("tail", 0),
            nodes: (0..nodes).map(node).collect(),
            count: P::Cell::new("count", 0, 0),
        })
    }

    fn add(&self, me: u32) {
        let node = &self.nodes[me as usize];
        node.next.store(&CLEAR_NEXT, 0);
        let before = self.tail.swap(&ENQUEUE, me + 1);
        if before != 0 {
            node.wait.store(&SET_WAIT, true);
            self.nodes[before as usize - 1].next.store(&LINK, me + 1);
            P::retry(|| (!node.wait.load(&SPIN)).then_some(()));
        }
        let count = self.count.read(&READ);
        self.count.write(&WRITE, count + 1);
        let mut follower = node.next.load(&FOLLOWER);
        if follower == 0 {
            if self.tail.compare_exchange(&DEQUEUE, me + 1, 0).is_ok() {
                return;
            }
            follower = P::retry(|| Some(node.next.load(&FOLLOWER_LATE)).filter(|&next| next != 0));
        }
        self.nodes[follower as usize - 1].wait.store(&HAND_OVER, false);
    }
}

scenario! {
    /// Two threads add to a counter in the lock, one of them twice.
    Adders<P> {
        let lock = Mcs::<P>::new(2);
        let other = lock.clone();
        let third = lock.clone();
        Program::new()
            .thread("one", move || {
                lock.add(0);
                lock.add(0);
                vec![]
            })
            .thread("two", move || {
                other.add(1);
                vec![]
            })
            .finish(move |_| {
                assert_eq!(third.count.read(&READ), 3, "an addition is lost");
                "all added".into()
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Mellor-Crummey and Scott, TOCS 1991";
    vec![
        Exhibit::good("MCS lock", source, ALL).with(Adders),
        Exhibit::weak(
            "MCS lock, relaxed hand-over",
            source,
            ALL,
            Fault::DataRace,
            weakened(&HAND_OVER, Order::Relaxed),
        )
        .with(Adders),
    ]
}
