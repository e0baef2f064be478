//! The queue of M. M. Michael and M. L. Scott, *Simple, fast, and practical non-blocking and blocking concurrent queue algorithms*, PODC
//! 1996, without reclamation: no node is freed.

use crate::{Exhibit, scenario, weakened};
use std::ptr::null_mut;
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Cell, Heap, Make, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// A fresh node.
    ALLOCATE: Write, "plain data";
    /// A node.
    NODE: Read, "never freed";
    /// Its value.
    FILL: Write, "plain data";
    /// The last node, or one before it.
    TAIL: Load Acquire, pairs with [SWING, HELP], "the node is there before it is looked at";
    /// Whether something follows it.
    TAIL_NEXT: Load Acquire, pairs with [LINK], "the node is whole before it is made the tail";
    /// The new node follows the last.
    LINK: CompareExchange Release, pairs with [NEXT, TAIL_NEXT], "the value is there before the node is";
    /// The new node is the tail.
    SWING: CompareExchange Release, pairs with [TAIL], "as TAIL";
    /// Somebody else's node is.
    HELP: CompareExchange Release, pairs with [TAIL], "as TAIL";
    /// The node before the first.
    HEAD: Load Acquire, pairs with [UNLINK], "the node is whole before its next one is looked for";
    /// The first.
    NEXT: Load Acquire, pairs with [LINK], "as LINK";
    /// It is taken off.
    UNLINK: CompareExchange Release, pairs with [HEAD], "as HEAD";
    /// Its value.
    TAKE: Read, "plain data";
}

struct Node<P: Platform> {
    value: P::Cell,
    next: P::AtomicPtr<Node<P>>,
}

impl<P: Platform> Make for Node<P> {
    fn make() -> Self {
        Node { value: P::Cell::new("value", 0, 0), next: P::AtomicPtr::new("next", null_mut()) }
    }
}

struct Queue<P: Platform> {
    head: P::AtomicPtr<Node<P>>,
    tail: P::AtomicPtr<Node<P>>,
    heap: P::Heap<Node<P>>,
}

impl<P: Platform> Queue<P> {
    fn new(nodes: usize) -> Arc<Self> {
        let heap = P::Heap::new("node", nodes);
        let dummy = heap.allocate(&ALLOCATE);
        let (head, tail) = (P::AtomicPtr::new("head", dummy), P::AtomicPtr::new("tail", dummy));
        Arc::new(Queue { head, tail, heap })
    }

    fn node(&self, node: *mut Node<P>) -> &Node<P> {
        // SAFETY: no node is ever freed.
        unsafe { self.heap.get(&NODE, node) }
    }

    fn push(&self, value: u64) {
        let node = self.heap.allocate(&ALLOCATE);
        self.node(node).value.write(&FILL, value);
        P::retry(|| {
            let tail = self.tail.load(&TAIL);
            let next = self.node(tail).next.load(&TAIL_NEXT);
            if !next.is_null() {
                let _ = self.tail.compare_exchange(&HELP, tail, next);
                return None;
            }
            self.node(tail).next.compare_exchange(&LINK, null_mut(), node).ok()?;
            let _ = self.tail.compare_exchange(&SWING, tail, node);
            Some(())
        });
    }

    fn pop(&self) -> Option<u64> {
        P::retry(|| {
            let head = self.head.load(&HEAD);
            let next = self.node(head).next.load(&NEXT);
            if next.is_null() {
                return Some(None);
            }
            let value = self.node(next).value.read(&TAKE);
            self.head.compare_exchange(&UNLINK, head, next).ok().map(|_| Some(value))
        })
    }
}

scenario! {
    /// Two push one value each, of which the second pops one: nothing is lost, nothing comes twice.
    PushPush<P> {
        let queue = Queue::<P>::new(3);
        let (other, last) = (queue.clone(), queue.clone());
        Program::new()
            .thread("one", move || {
                queue.push(1);
                vec![]
            })
            .thread("other", move || {
                other.push(2);
                other.pop().into_iter().collect()
            })
            .finish(move |ends| {
                let mut all = ends[1].notes().to_vec();
                all.extend(std::iter::from_fn(|| last.pop()));
                all.sort_unstable();
                assert_eq!(all, [1, 2], "all that was pushed comes out once");
                "all out".into()
            })
    }
}

scenario! {
    /// One pushes twice, two pop once each.
    PopPop<P> {
        let queue = Queue::<P>::new(3);
        let (one, two) = (queue.clone(), queue.clone());
        Program::new()
            .thread("pusher", move || {
                queue.push(1);
                queue.push(2);
                vec![]
            })
            .thread("one", move || one.pop().into_iter().collect())
            .thread("two", move || two.pop().into_iter().collect())
            .finish(|ends| {
                let mut all = [ends[1].notes(), ends[2].notes()].concat();
                all.sort_unstable();
                assert!(all == [] as [u64; 0] || all == [1] || all == [1, 2], "in order, and once: {all:?}");
                format!("{} out", all.len())
            })
    }
}

scenario! {
    /// Three push, one each: whoever finds the tail behind helps.
    Help<P> {
        let queue = Queue::<P>::new(4);
        let push = |value| {
            let queue = queue.clone();
            move || {
                queue.push(value);
                vec![]
            }
        };
        Program::new().thread("one", push(1)).thread("two", push(2)).thread("three", push(3))
    }
}

scenario! {
    /// A pusher may die anywhere, also between the link and the tail: the other one's push comes to its end.
    ADeadPusher<P> {
        let queue = Queue::<P>::new(3);
        let other = queue.clone();
        let push = |queue: Arc<Queue<P>>, value| {
            move || {
                queue.push(value);
                vec![]
            }
        };
        Program::new().mortal("one", push(queue, 1)).thread("other", push(other, 2))
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Michael and Scott, PODC 1996";
    vec![
        Exhibit::good("Michael-Scott queue", source, ALL)
            .with(PushPush)
            .with(PopPop)
            .with(Help)
            .with(ADeadPusher)
            .deaths(1),
        Exhibit::weak(
            "Michael-Scott queue, relaxed link",
            source,
            ALL,
            Fault::DataRace,
            weakened(&LINK, Order::Relaxed),
        )
        .with(PushPush)
        .with(PopPop),
        Exhibit::weak(
            "Michael-Scott queue, the next node seen relaxed",
            "crossbeam-rs/crossbeam#12",
            ALL,
            Fault::DataRace,
            weakened(&NEXT, Order::Relaxed),
        )
        .with(PushPush)
        .with(PopPop),
    ]
}
