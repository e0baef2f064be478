//! The total order of sequentially consistent accesses, for programs that have any: RC11's `psc`, as it is written.
//!
//! Such programs keep a chart of the events that may still be on a cycle, with what happened before each, and after each event the
//! relation is computed from the chart and must have no cycle. Fences are nodes of the chart too (then `memory` keeps none). It is
//! exact and not fast; programs whose only sequentially consistent operations are fences do without (see `memory`).
//!
//! Lahav, Vafeiadis, Kang, Hur, Dreyer, *Repairing Sequential Consistency in C/C++11*, PLDI 2017:
//!
//! | relation | is |
//! |---|---|
//! | `scb` | `sb ∪ sb≠loc;hb;sb≠loc ∪ hb=loc ∪ mo ∪ fr` |
//! | `psc` | `([SC access] ∪ [SC fence];hb?) ; scb ; ([SC access] ∪ hb?;[SC fence])`, and `[SC fence];(hb ∪ hb;eco;hb);[SC fence]` |

use super::faults::{Fault as Seeded, seeded};
use super::state::{Sizes, State, Status};

/// What an event of the chart did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Deed {
    Read,
    /// A store or a read-modify-write.
    Write,
    Fence,
    /// The light half of an asymmetric fence.
    LightFence,
}

/// An event that may still be on a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charted {
    pub(super) thread: u8,
    pub(super) deed: Deed,
    /// Whether it is sequentially consistent.
    pub(super) sequential: bool,
    /// The location, unless it is a fence.
    pub(super) location: u8,
    /// The message read or written.
    pub(super) position: u8,
    /// The thread's clock.
    pub(super) clock: u8,
    /// The events of the chart that happened before it: bits by index.
    pub(super) before: u64,
}

impl Charted {
    fn accesses(&self) -> bool {
        matches!(self.deed, Deed::Read | Deed::Write)
    }

    fn same_place(&self, other: &Charted) -> bool {
        self.accesses() && other.accesses() && self.location == other.location
    }

    /// Whether it comes before another access to the same location: `eco`.
    fn comes_before(&self, other: &Charted) -> bool {
        let read_from = self.position == other.position && self.deed == Deed::Write && other.deed == Deed::Read;
        self.same_place(other) && (self.position < other.position || read_from)
    }
}

/// Rows of bits.
type Relation = [u64; CAPACITY];

/// The most events there may be.
const CAPACITY: usize = 64;

fn bits(mut row: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (row != 0).then(|| {
            let bit = row.trailing_zeros() as usize;
            row &= row - 1;
            bit
        })
    })
}

/// First one step, then the other.
fn then(first: &Relation, second: &Relation) -> Relation {
    first.map(|row| bits(row).fold(0, |sum, via| sum | second[via]))
}

impl<const N: usize> State<N> {
    /// Whether the chart has room for one more event.
    pub(super) fn has_chart_left(&self) -> bool {
        self.chart.len() < CAPACITY
    }

    /// Begins an event of a thread: what it releases includes itself.
    pub(super) fn begin_event(&mut self, sizes: Sizes, thread: usize) {
        self.tick(sizes, thread);
    }

    /// Enters what a thread has just done. `false` if there can be no such execution.
    pub(super) fn enter(
        &mut self,
        sizes: Sizes,
        thread: usize,
        deed: Deed,
        sequential: bool,
        location: usize,
        position: usize,
    ) -> bool {
        let view = &self.threads[thread].view;
        let knows = |event: &Charted| view.0[sizes.locations + event.thread as usize] >= event.clock;
        let before = (0..self.chart.len()).filter(|&index| knows(&self.chart[index])).fold(0, |row, i| row | 1 << i);
        let clock = view.0[sizes.locations + thread];
        self.chart.push(Charted {
            thread: thread as u8,
            deed,
            sequential,
            location: location as u8,
            position: position as u8,
            clock,
            before,
        });
        seeded(Seeded::AccessesAreUnordered) || self.is_consistent()
    }

    /// Whether the sequentially consistent events can be put in one order.
    fn is_consistent(&self) -> bool {
        let psc = self.psc();
        // By depth from each event in turn: there are few.
        (0..self.chart.len()).all(|start| {
            let (mut seen, mut open) = (0u64, psc[start]);
            while open != 0 {
                seen |= open;
                open = bits(open).fold(0, |sum, via| sum | psc[via]) & !seen;
            }
            seen >> start & 1 == 0
        })
    }

    fn psc(&self) -> Relation {
        let chart = &self.chart;
        let relation = |holds: &dyn Fn(usize, usize) -> bool| -> Relation {
            let mut rows = [0; CAPACITY];
            for (a, row) in rows.iter_mut().enumerate().take(chart.len()) {
                *row = (0..chart.len()).filter(|&b| a != b && holds(a, b)).fold(0, |row, b| row | 1 << b);
            }
            rows
        };
        let happens = |a: usize, b: usize| chart[b].before >> a & 1 == 1;
        let follows = |a: usize, b: usize| chart[a].thread == chart[b].thread && happens(a, b);
        let hb = relation(&happens);
        let elsewhere = relation(&|a, b| follows(a, b) && !chart[a].same_place(&chart[b]));
        let around = then(&then(&elsewhere, &hb), &elsewhere);
        let scb = relation(&|a, b| {
            let (first, second) = (&chart[a], &chart[b]);
            follows(a, b)
                || around[a] >> b & 1 == 1
                || first.same_place(second)
                    && (happens(a, b) || second.deed == Deed::Write && first.position < second.position)
        });
        let eco = relation(&|a, b| chart[a].comes_before(&chart[b]));
        let identity: Relation = std::array::from_fn(|a| 1u64 << a);
        let or_same = |rows: &Relation| -> Relation { std::array::from_fn(|a| rows[a] | identity[a]) };
        let fence = |a: usize| !chart[a].accesses() && chart[a].sequential;
        let access = |a: usize| chart[a].accesses() && chart[a].sequential;
        let mut psc = [0; CAPACITY];
        // Between two fences.
        let through = then(&then(&hb, &eco), &hb);
        // An access itself, and what follows a fence; and the other way round.
        let hb_or_same = or_same(&hb);
        let from_fence = then(&hb_or_same, &scb);
        let to_fence = then(&scb, &hb_or_same);
        let both = then(&from_fence, &hb_or_same);
        for a in 0..chart.len() {
            for b in 0..chart.len() {
                let light = chart[a].deed == Deed::LightFence && chart[b].deed == Deed::LightFence;
                let rows = match (access(a), fence(a), access(b), fence(b)) {
                    (true, _, true, _) => scb[a],
                    (true, _, _, true) => to_fence[a],
                    (_, true, true, _) => from_fence[a],
                    (_, true, _, true) if !light => both[a] | hb[a] | through[a],
                    _ => 0,
                };
                psc[a] |= rows & 1 << b;
            }
        }
        psc
    }

    /// Drops what can be on no cycle any more, and puts the rest in the order of threads.
    pub(super) fn tidy_chart(&mut self, sizes: Sizes) {
        self.forget_vain_reads();
        self.forget_settled(sizes);
        let mut order: Vec<usize> = (0..self.chart.len()).collect();
        order.sort_by_key(|&index| (self.chart[index].thread, self.chart[index].clock));
        self.keep(&order);
    }

    /// Keeps these events, in this order.
    fn keep(&mut self, order: &[usize]) {
        if order.len() == self.chart.len() && order.iter().enumerate().all(|(to, &from)| to == from) {
            return;
        }
        let old = std::mem::take(&mut self.chart);
        self.chart.extend(order.iter().map(|&from| {
            let before = order.iter().enumerate().fold(0, |row, (to, &of)| row | (old[from].before >> of & 1) << to);
            Charted { before, ..old[from] }
        }));
    }

    /// Of two reads of one message by one thread, with nothing but reads of its own between, the later tells all that the earlier
    /// does: what happens after the one happens after the other.
    fn forget_vain_reads(&mut self) {
        let mut kept: Vec<usize> = Vec::new();
        'events: for index in 0..self.chart.len() {
            let event = &self.chart[index];
            if event.deed == Deed::Read {
                let mut later: Vec<&Charted> =
                    self.chart.iter().filter(|e| e.thread == event.thread && e.clock > event.clock).collect();
                later.sort_by_key(|event| event.clock);
                for next in later {
                    if next.deed != Deed::Read {
                        break;
                    }
                    let same = next.location == event.location && next.position == event.position;
                    if same && next.sequential == event.sequential {
                        continue 'events;
                    }
                }
            }
            kept.push(index);
        }
        self.keep(&kept);
    }

    /// Drops what every living thread knows, unless something that is kept happened before it or comes before it at its location:
    /// nothing new will ever come before what everybody knows, so no cycle will lead there.
    fn forget_settled(&mut self, sizes: Sizes) {
        let live: Vec<usize> =
            (0..self.threads.len()).filter(|&thread| self.threads[thread].status != Status::Ended).collect();
        let known = |event: &Charted| {
            live.iter()
                .all(|&thread| self.threads[thread].view.0[sizes.locations + event.thread as usize] >= event.clock)
        };
        let mut dropped: u64 = (0..self.chart.len()).filter(|&i| known(&self.chart[i])).fold(0, |row, i| row | 1 << i);
        loop {
            let kept = |i: usize| dropped >> i & 1 == 0;
            let stays = |i: usize| {
                let event = &self.chart[i];
                bits(event.before).any(kept)
                    || (0..self.chart.len()).any(|a| kept(a) && a != i && self.chart[a].comes_before(event))
            };
            let less = bits(dropped).filter(|&i| !stays(i)).fold(0, |row, i| row | 1 << i);
            if less == dropped {
                break;
            }
            dropped = less;
        }
        let order: Vec<usize> = (0..self.chart.len()).filter(|&i| dropped >> i & 1 == 0).collect();
        self.keep(&order);
    }
}
