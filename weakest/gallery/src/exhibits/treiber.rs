//! A stack of linked nodes: its ABA, and hazard pointers.
//!
//! R. K. Treiber, *Systems programming: coping with parallelism*, IBM RJ 5118, 1986; M. M. Michael, *Hazard pointers: safe memory
//! reclamation for lock-free objects*, TPDS 2004. A pop announces the node it is about to read, then looks whether it is still on top;
//! whoever frees a node unlinks it, then looks at the announcements: store, then load, on both sides.

use crate::{Exhibit, scenario, weakened};
use std::ptr::null_mut;
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Cell, Heap, Make, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// The top of the stack.
    TOP: Load Relaxed, "announced and looked at again before it is used";
    /// The node to be read is announced.
    ANNOUNCE: Store Relaxed, "ordered by POP_FENCE";
    /// Between the announcement and the second look.
    POP_FENCE: Fence SeqCst, pairs with [FREE_FENCE], "either the announcement is seen or the node is no longer on top";
    /// The top again.
    TOP_AGAIN: Load Acquire, pairs with [PUSH], "the node is read after it was filled";
    /// The node's content.
    NODE: Read, "kept by the announcement";
    /// What is under it.
    NEXT: Read, "plain data";
    /// The node comes off.
    POP: CompareExchange Relaxed, "what is under it was pushed before";
    /// The announcement is taken back.
    RETRACT: Store Release, pairs with [HAZARDS], "the node is read before it is freed";
    /// Between the unlinking and the look at the announcements.
    FREE_FENCE: Fence SeqCst, pairs with [POP_FENCE], "as POP_FENCE";
    /// What others have announced.
    HAZARDS: Load Acquire, pairs with [RETRACT], "as RETRACT";
    /// The node is freed.
    FREE: Write, "after nobody has it announced";
    /// A fresh node.
    ALLOCATE: Write, "plain data";
    /// Its link.
    LINK: Write, "plain data";
    /// The top, to be put under it.
    UNDER: Load Relaxed, "only the address matters";
    /// The node goes on top.
    PUSH: CompareExchange Release, pairs with [TOP_AGAIN], "as TOP_AGAIN";
}

struct Node<P: Platform> {
    /// The address of the node below.
    next: P::Cell,
}

impl<P: Platform> Make for Node<P> {
    fn make() -> Self {
        Node { next: P::Cell::new("next", 0, 0) }
    }
}

struct Stack<P: Platform> {
    top: P::AtomicPtr<Node<P>>,
    hazards: [P::AtomicPtr<Node<P>>; 2],
    heap: P::Heap<Node<P>>,
}

impl<P: Platform> Stack<P> {
    /// A stack of one node.
    fn new() -> Arc<Self> {
        let hazards = ["first hazard", "second hazard"].map(|label| P::AtomicPtr::new(label, null_mut()));
        let stack = Stack { top: P::AtomicPtr::new("top", null_mut()), hazards, heap: P::Heap::new("node", 2) };
        stack.push();
        Arc::new(stack)
    }

    fn push(&self) {
        let node = self.heap.allocate(&ALLOCATE);
        P::retry(|| {
            let under = self.top.load(&UNDER);
            // SAFETY: nobody else has the node yet.
            unsafe { self.heap.get(&NODE, node) }.next.write(&LINK, under.addr() as u64);
            self.top.compare_exchange(&PUSH, under, node).ok()
        });
    }

    /// Takes a node off and frees it; whether there was one.
    fn pop(&self, me: usize) -> bool {
        let popped = P::retry(|| {
            let top = self.top.load(&TOP);
            if top.is_null() {
                return Some(null_mut());
            }
            self.hazards[me].store(&ANNOUNCE, top);
            P::fence(&POP_FENCE);
            if self.top.load(&TOP_AGAIN) != top {
                return None;
            }
            // SAFETY: the announcement keeps it.
            let next = unsafe { self.heap.get(&NODE, top) }.next.read(&NEXT);
            let under = if next == 0 { null_mut() } else { std::ptr::without_provenance_mut(next as usize) };
            self.top.compare_exchange(&POP, top, under).ok()
        });
        self.hazards[me].store(&RETRACT, null_mut());
        if popped.is_null() {
            return false;
        }
        P::fence(&FREE_FENCE);
        P::retry(|| (self.hazards[1 - me].load(&HAZARDS) != popped).then_some(()));
        // SAFETY: it is unlinked, and nobody has it announced.
        unsafe { self.heap.free(&FREE, popped) };
        true
    }
}

scenario! {
    /// One pops, the other pops and pushes: nothing freed is used.
    PopAgainstPopAndPush<P> {
        let stack = Stack::<P>::new();
        let other = stack.clone();
        Program::new().thread("popper", move || vec![stack.pop(0).into()]).thread("both", move || {
            let popped = other.pop(1);
            other.push();
            vec![popped.into()]
        })
    }
}

/// Nodes that are never freed, only used again: an index for each, as in the textbook's ABA.
mod aba {
    use super::*;

    sites! {
        /// The top.
        TOP: Load Acquire, "whatever the ordering";
        /// What is under it.
        NEXT: Load Relaxed, "whatever the ordering";
        /// The top is replaced.
        POP: CompareExchange AcqRel, "whatever the ordering: the same node on top is not the same stack";
        /// The link of a node that goes back.
        LINK: Store Relaxed, "ordered by PUSH";
        /// It goes back.
        PUSH: CompareExchange AcqRel, "whatever the ordering";
    }

    struct Nodes<P: Platform> {
        top: P::AtomicU32,
        next: Vec<P::AtomicU32>,
    }

    impl<P: Platform> Nodes<P> {
        fn pop(&self) -> Option<u32> {
            P::retry(|| {
                let top = self.top.load(&TOP);
                if top == 0 {
                    return Some(None);
                }
                let next = self.next[top as usize].load(&NEXT);
                self.top.compare_exchange(&POP, top, next).ok().map(Some)
            })
        }

        fn push(&self, node: u32) {
            P::retry(|| {
                let top = self.top.load(&TOP);
                self.next[node as usize].store(&LINK, top);
                self.top.compare_exchange(&PUSH, top, node).ok()
            });
        }
    }

    scenario! {
        /// Of two nodes, one thread takes one; the other takes both and puts the first back. No node has two owners.
        TwoOwners<P> {
            let next = [0, 2, 0].map(|under| P::AtomicU32::new("next", under));
            let nodes = Arc::new(Nodes::<P> { top: P::AtomicU32::new("top", 1), next: next.into() });
            let other = nodes.clone();
            Program::new()
                .thread("one", move || {
                    let mine = [nodes.pop(), nodes.pop()];
                    mine.into_iter().flatten().map(u64::from).collect()
                })
                .thread("other", move || {
                    let (first, second) = (other.pop(), other.pop());
                    if let Some(first) = first {
                        other.push(first);
                    }
                    second.into_iter().map(u64::from).collect()
                })
                .finish(|ends| {
                    let twice = ends[0].notes().iter().any(|node| ends[1].notes().contains(node));
                    assert!(!twice, "a node has two owners: {ends:?}");
                    "one owner each".into()
                })
        }
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let (treiber, michael) = ("Treiber, IBM RJ 5118, 1986", "Michael, TPDS 2004");
    let bad = |name, site, order| {
        Exhibit::weak(name, michael, ALL, Fault::DataRace, weakened(site, order)).with(PopAgainstPopAndPush)
    };
    vec![
        Exhibit::bad("Treiber stack with nodes used again (ABA)", treiber, aba::ALL, Fault::Assertion)
            .with(aba::TwoOwners),
        Exhibit::good("Treiber stack with hazard pointers", michael, ALL).with(PopAgainstPopAndPush),
        bad("hazard pointers without the popper's store-load fence", &POP_FENCE, Order::AcqRel),
        bad("hazard pointers without the freer's store-load fence", &FREE_FENCE, Order::AcqRel),
    ]
}
