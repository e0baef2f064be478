//! A work-stealing deque that grows.
//!
//! D. Chase and Y. Lev, SPAA 2005; N. M. Lê and others, *Correct and efficient work-stealing for weak memory models*, PPoPP 2013, for
//! C11. B. Norris and B. Demsky found with CDSChecker (OOPSLA 2013) that the published C11 code stores the pointer to the grown array relaxed:
//! a thief may read the new array before its contents.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// The owner's own end.
    BOTTOM: Load Relaxed, "only the owner changes it";
    /// The thieves' end, when pushing.
    PUSH_TOP: Load Acquire, "a slot is used again after it was stolen from";
    /// The owner's array.
    ARRAY: Load Relaxed, "only the owner changes it";
    /// An element.
    PUT: Store Relaxed, "ordered by PUSH";
    /// The new array has the old one's elements.
    COPY: Store Relaxed, "ordered by GROW";
    /// The old one's elements.
    COPY_FROM: Load Relaxed, "the owner put them there";
    /// The new array is the array.
    GROW: Store Release, pairs with [STEAL_ARRAY], "its elements are there before it is";
    /// Between the element and the count, of which RESERVE may be the one that is seen.
    PUSH_FENCE: Fence Release, pairs with [STEAL_BOTTOM], "the element is there before it is counted";
    /// One more element.
    PUSH: Store Relaxed, "ordered by PUSH_FENCE";
    /// The owner is about to take the last element.
    RESERVE: Store Relaxed, "ordered by TAKE_FENCE";
    /// Between the reservation and the look at the thieves' end.
    TAKE_FENCE: Fence SeqCst, pairs with [STEAL_FENCE], "owner or thief sees that the other wants the last one";
    /// The thieves' end.
    TAKE_TOP: Load Relaxed, "ordered by TAKE_FENCE";
    /// The element.
    GET: Load Relaxed, "the owner put it there";
    /// The last one, against the thieves.
    TAKE: CompareExchange Relaxed, "only who is first matters";
    /// The end as it was.
    RESTORE: Store Relaxed, "nothing was put there";
    /// The thieves' end, when stealing.
    STEAL_TOP: Load Acquire, pairs with [STEAL], "as STEAL";
    /// Between the two ends.
    STEAL_FENCE: Fence SeqCst, pairs with [TAKE_FENCE], "as TAKE_FENCE";
    /// The owner's end.
    STEAL_BOTTOM: Load Acquire, pairs with [PUSH_FENCE], "as PUSH_FENCE";
    /// The array.
    STEAL_ARRAY: Load Acquire, pairs with [GROW], "as GROW";
    /// The element.
    STEAL_GET: Load Relaxed, "ordered by STEAL_BOTTOM and STEAL_ARRAY";
    /// It is stolen.
    STEAL: CompareExchange Release, pairs with [STEAL_TOP], "a thief that sees it sees all that was stolen before";
}

struct Deque<P: Platform> {
    top: P::AtomicUsize,
    bottom: P::AtomicUsize,
    /// Which of the arrays: of one element, then of two.
    array: P::AtomicUsize,
    arrays: [Vec<P::AtomicU32>; 2],
}

impl<P: Platform> Deque<P> {
    fn new() -> Arc<Self> {
        let slots = |label, count| (0..count).map(|_| P::AtomicU32::new(label, 0)).collect();
        Arc::new(Deque {
            top: P::AtomicUsize::new("top", 0),
            bottom: P::AtomicUsize::new("bottom", 0),
            array: P::AtomicUsize::new("array", 0),
            arrays: [slots("small", 1), slots("large", 2)],
        })
    }

    fn slot(&self, array: usize, index: usize) -> &P::AtomicU32 {
        &self.arrays[array][index % self.arrays[array].len()]
    }

    fn push(&self, value: u32) {
        let bottom = self.bottom.load(&BOTTOM);
        let top = self.top.load(&PUSH_TOP);
        let mut array = self.array.load(&ARRAY);
        if bottom - top >= self.arrays[array].len() {
            for index in top..bottom {
                let value = self.slot(array, index).load(&COPY_FROM);
                self.slot(array + 1, index).store(&COPY, value);
            }
            array += 1;
            self.array.store(&GROW, array);
        }
        self.slot(array, bottom).store(&PUT, value);
        P::fence(&PUSH_FENCE);
        self.bottom.store(&PUSH, bottom + 1);
    }

    fn take(&self) -> Option<u32> {
        let bottom = self.bottom.load(&BOTTOM);
        // An empty deque starts at 0: there is nothing before it.
        let last = bottom.checked_sub(1)?;
        let array = self.array.load(&ARRAY);
        self.bottom.store(&RESERVE, last);
        P::fence(&TAKE_FENCE);
        let top = self.top.load(&TAKE_TOP);
        if top > last {
            self.bottom.store(&RESTORE, bottom);
            return None;
        }
        let value = self.slot(array, last).load(&GET);
        if top < last {
            return Some(value);
        }
        let first = self.top.compare_exchange(&TAKE, top, top + 1).is_ok();
        self.bottom.store(&RESTORE, bottom);
        first.then_some(value)
    }

    fn steal(&self) -> Option<u32> {
        let top = self.top.load(&STEAL_TOP);
        P::fence(&STEAL_FENCE);
        let bottom = self.bottom.load(&STEAL_BOTTOM);
        if top >= bottom {
            return None;
        }
        let array = self.array.load(&STEAL_ARRAY);
        let value = self.slot(array, top).load(&STEAL_GET);
        self.top.compare_exchange(&STEAL, top, top + 1).ok().map(|_| value)
    }
}

scenario! {
    /// The owner pushes twice, growing the array, and takes; two thieves steal, one of them twice: each element once, none made up.
    Thieves<P> {
        let deque = Deque::<P>::new();
        let (one, two) = (deque.clone(), deque.clone());
        let list = |taken: Vec<Option<u32>>| taken.into_iter().flatten().map(u64::from).collect();
        Program::new()
            .thread("owner", move || {
                deque.push(1);
                deque.push(2);
                list(vec![deque.take(), deque.take()])
            })
            .thread("thief", move || list(vec![one.steal(), one.steal()]))
            .thread("other thief", move || list(vec![two.steal()]))
            .finish(|ends| {
                let mut all: Vec<u64> = ends.iter().flat_map(|end| end.notes().to_vec()).collect();
                all.sort_unstable();
                assert!(!all.contains(&0), "an element that was never put there: {ends:?}");
                let count = all.len();
                all.dedup();
                assert_eq!(all.len(), count, "an element twice: {ends:?}");
                format!("{count} taken")
            })
    }
}

scenario! {
    /// The owner finds the deque empty, pushes once more, and takes; a thief steals once: nothing is lost.
    EmptyInBetween<P> {
        let deque = Deque::<P>::new();
        let (thief, last) = (deque.clone(), deque.clone());
        Program::new()
            .thread("owner", move || {
                deque.push(1);
                let taken = [deque.take(), deque.take()];
                deque.push(2);
                taken.into_iter().flatten().map(u64::from).collect()
            })
            .thread("thief", move || thief.steal().into_iter().map(u64::from).collect())
            .finish(move |ends| {
                let mut all = [ends[0].notes(), ends[1].notes()].concat();
                all.extend([last.take(), last.take()].into_iter().flatten().map(u64::from));
                all.sort_unstable();
                assert_eq!(all, [1, 2], "each once: {ends:?}");
                "all taken".into()
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let (le, norris) = ("Lê and others, PPoPP 2013", "Norris and Demsky, OOPSLA 2013");
    let published = "as published; elements that are atomics themselves race with nobody";
    let bad = |name, source, site, order| {
        Exhibit::weak(name, source, ALL, Fault::Assertion, weakened(site, order)).with(Thieves)
    };
    vec![
        Exhibit::good("Chase-Lev deque, repaired", norris, ALL)
            .with(Thieves)
            .with(EmptyInBetween)
            .stronger(&PUSH_TOP, Order::Relaxed, published)
            .stronger(&STEAL_TOP, Order::Relaxed, published)
            .stronger(&STEAL, Order::Relaxed, published),
        bad("Chase-Lev deque of 2013", norris, &GROW, Order::Relaxed),
        bad("Chase-Lev deque, the owner's fence is none", le, &TAKE_FENCE, Order::AcqRel),
    ]
}
