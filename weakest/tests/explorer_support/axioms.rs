//! RC11 without load buffering by its axioms: all candidate executions of a straight-line program are enumerated and
//! judged. Shares no code and no idea with the explorer's machine.
//!
//! Lahav, Vafeiadis, Kang, Hur, Dreyer: Repairing Sequential Consistency in C/C++11 (PLDI 2017), with release sequences
//! as in C++20 (a release write and the read-modify-writes after it).

use super::litmus::{Instruction, Litmus, outcome};
use std::collections::BTreeSet;
use weakest::facade::Order;

/// What a program may do.
#[derive(Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Some execution has a data race.
    Races,
    /// These outcomes, and no others.
    Outcomes(BTreeSet<String>),
}

/// An event of a candidate execution. The first `places` events are the initial writes.
#[derive(Clone, Copy, Debug)]
struct Event {
    thread: Option<usize>,
    instruction: Instruction,
    /// Locations first, then words.
    place: Option<usize>,
    reads: bool,
    writes: bool,
    order: Order,
    atomic: bool,
}

/// Binary relations over events, as rows of bits.
#[derive(Clone, PartialEq, Eq)]
struct Relation(Vec<u64>);

impl Relation {
    fn empty(n: usize) -> Self {
        Relation(vec![0; n])
    }
    fn add(&mut self, a: usize, b: usize) {
        self.0[a] |= 1 << b;
    }
    fn has(&self, a: usize, b: usize) -> bool {
        self.0[a] >> b & 1 == 1
    }
    fn union(&self, other: &Relation) -> Relation {
        Relation(self.0.iter().zip(&other.0).map(|(a, b)| a | b).collect())
    }
    fn then(&self, other: &Relation) -> Relation {
        let n = self.0.len();
        Relation((0..n).map(|a| (0..n).filter(|&b| self.has(a, b)).fold(0, |row, b| row | other.0[b])).collect())
    }
    fn closure(&self) -> Relation {
        let mut closed = self.clone();
        for via in 0..closed.0.len() {
            for a in 0..closed.0.len() {
                if closed.has(a, via) {
                    closed.0[a] |= closed.0[via];
                }
            }
        }
        closed
    }
    fn irreflexive(&self) -> bool {
        (0..self.0.len()).all(|a| !self.has(a, a))
    }
}

/// All behaviours of a program.
pub fn behaviour(litmus: &Litmus) -> Behaviour {
    judged(litmus, false)
}

/// The same without the axiom that forbids load buffering: more than any hardware does.
pub fn behaviour_with_load_buffering(litmus: &Litmus) -> Behaviour {
    judged(litmus, true)
}

fn judged(litmus: &Litmus, load_buffering: bool) -> Behaviour {
    let (locations, words) = (litmus.locations(), litmus.words());
    let places = locations + words;
    let mut events: Vec<Event> = (0..places)
        .map(|place| Event {
            thread: None,
            instruction: Instruction::Store(place, 0, Order::Relaxed),
            place: Some(place),
            reads: false,
            writes: true,
            order: Order::Relaxed,
            atomic: place < locations,
        })
        .collect();
    for (thread, instructions) in litmus.threads.iter().enumerate() {
        for &instruction in instructions {
            use Instruction::*;
            let (place, reads, writes, order, atomic) = match instruction {
                Load(x, order) => (Some(x), true, false, order, true),
                Store(x, _, order) => (Some(x), false, true, order, true),
                Swap(x, _, order) | Add(x, _, order) | Exchange(x, _, _, order) => (Some(x), true, true, order, true),
                ExchangeElse(x, _, _, order, _) => (Some(x), true, true, order, true),
                Fence(order) => (None, false, false, order, true),
                Read(x) => (Some(locations + x), true, false, Order::Relaxed, false),
                Write(x, _) => (Some(locations + x), false, true, Order::Relaxed, false),
                Light | Heavy => (None, false, false, Order::SeqCst, true),
                Wait(..) | Wake(..) | StoreAndWakeAll(..) | Announce(_) | Retire => {
                    unreachable!("the axioms know no operating system")
                }
            };
            events.push(Event { thread: Some(thread), instruction, place, reads, writes, order, atomic });
        }
    }
    let readers: Vec<usize> = (0..events.len()).filter(|&e| events[e].reads).collect();
    let mut search =
        Search { litmus, events, locations, places, outcomes: BTreeSet::new(), races: false, load_buffering };
    search.choose_sources(&readers, &mut Vec::new());
    if search.races { Behaviour::Races } else { Behaviour::Outcomes(search.outcomes) }
}

struct Search<'l> {
    litmus: &'l Litmus,
    events: Vec<Event>,
    locations: usize,
    places: usize,
    outcomes: BTreeSet<String>,
    races: bool,
    load_buffering: bool,
}

impl Search<'_> {
    /// Chooses for each reader the write that it reads from.
    fn choose_sources(&mut self, readers: &[usize], sources: &mut Vec<(usize, usize)>) {
        let Some((&reader, rest)) = readers.split_first() else {
            return self.with_sources(sources);
        };
        for writer in 0..self.events.len() {
            let (w, r) = (self.events[writer], self.events[reader]);
            if w.writes && w.place == r.place && writer != reader {
                sources.push((reader, writer));
                self.choose_sources(rest, sources);
                sources.pop();
            }
        }
    }

    fn program_order(&self) -> Relation {
        let n = self.events.len();
        let mut order = Relation::empty(n);
        for a in 0..n {
            for b in 0..n {
                let (first, second) = (self.events[a].thread, self.events[b].thread);
                if second.is_some() && (first.is_none() || (first == second && a < b)) {
                    order.add(a, b);
                }
            }
        }
        order
    }

    fn with_sources(&mut self, sources: &[(usize, usize)]) {
        let n = self.events.len();
        let po = self.program_order();
        let mut rf = Relation::empty(n);
        for &(reader, writer) in sources {
            rf.add(writer, reader);
        }
        // Values never depend on what comes later in modification order, so reads-from alone has no cycle.
        let before = if self.load_buffering { rf.closure() } else { po.union(&rf).closure() };
        if !before.irreflexive() {
            return;
        }
        // Values, in an order that respects reads-from.
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&e| (0..n).filter(|&a| before.has(a, e)).count());
        let (mut read, mut written) = (vec![None; n], vec![None; n]);
        for &e in &order {
            let source = sources.iter().find(|(reader, _)| *reader == e).map(|&(_, writer)| writer);
            if let Some(writer) = source {
                // A failed exchange writes nothing, so nobody can read from it.
                let Some(value) = written[writer] else { return };
                read[e] = Some(value);
            }
            use Instruction::*;
            written[e] = match self.events[e].instruction {
                Store(_, value, _) | Swap(_, value, _) | Write(_, value) => Some(value),
                Add(_, value, _) => read[e].map(|old: u64| old.wrapping_add(value)),
                Exchange(_, current, new, _) | ExchangeElse(_, current, new, ..) => {
                    (read[e] == Some(current)).then_some(new)
                }
                _ => None,
            };
        }
        let writers: Vec<Vec<usize>> = (0..self.places)
            .map(|place| {
                (self.places..n).filter(|&e| self.events[e].place == Some(place) && written[e].is_some()).collect()
            })
            .collect();
        let mut mo: Vec<Vec<usize>> = Vec::new();
        self.choose_order(&writers, &mut mo, &po, &rf, sources, &read, &written);
    }

    #[expect(clippy::too_many_arguments, reason = "a candidate execution has many parts")]
    fn choose_order(
        &mut self,
        writers: &[Vec<usize>],
        mo: &mut Vec<Vec<usize>>,
        po: &Relation,
        rf: &Relation,
        sources: &[(usize, usize)],
        read: &[Option<u64>],
        written: &[Option<u64>],
    ) {
        if mo.len() == writers.len() {
            return self.judge(mo, po, rf, sources, read, written);
        }
        let place = mo.len();
        for permutation in permutations(&writers[place]) {
            mo.push(std::iter::once(place).chain(permutation).collect());
            self.choose_order(writers, mo, po, rf, sources, read, written);
            mo.pop();
        }
    }

    fn judge(
        &mut self,
        mo_lists: &[Vec<usize>],
        po: &Relation,
        rf: &Relation,
        sources: &[(usize, usize)],
        read: &[Option<u64>],
        written: &[Option<u64>],
    ) {
        let n = self.events.len();
        let mut mo = Relation::empty(n);
        for list in mo_lists {
            for (index, &a) in list.iter().enumerate() {
                list[index + 1..].iter().for_each(|&b| mo.add(a, b));
            }
        }
        // Reads-before; an update does not come before itself.
        let mut rb = Relation::empty(n);
        for &(reader, writer) in sources {
            for b in 0..n {
                if mo.has(writer, b) && b != reader {
                    rb.add(reader, b);
                }
            }
        }
        // Atomicity: an update directly follows what it read.
        for &(reader, writer) in sources {
            if written[reader].is_some() {
                let list = &mo_lists[self.events[reader].place.expect("a place")];
                let at = list.iter().position(|&e| e == reader).expect("it wrote");
                if list[at - 1] != writer {
                    return;
                }
            }
        }
        let hb = po.union(&self.synchronises(po, sources, written)).closure();
        let eco = rf.union(&mo).union(&rb).closure();
        // Coherence.
        if !hb.irreflexive() || !hb.then(&eco).irreflexive() {
            return;
        }
        // The order of sequentially consistent events.
        let same_place =
            |a: usize, b: usize| self.events[a].place.is_some() && self.events[a].place == self.events[b].place;
        let restricted = |relation: &Relation, same: bool| {
            let mut some = Relation::empty(n);
            for a in 0..n {
                (0..n).filter(|&b| relation.has(a, b) && same_place(a, b) == same).for_each(|b| some.add(a, b));
            }
            some
        };
        let elsewhere = restricted(po, false);
        let scb = po.union(&elsewhere.then(&hb).then(&elsewhere)).union(&restricted(&hb, true)).union(&mo).union(&rb);
        let mut same = Relation::empty(n);
        (0..n).for_each(|e| same.add(e, e));
        let hb_or_same = hb.union(&same);
        let (from_fence, to_fence) = (hb_or_same.then(&scb), scb.then(&hb_or_same));
        let sc_access =
            |e: usize| e >= self.places && self.events[e].place.is_some() && self.order(e, written) == Order::SeqCst;
        let psc_full = hb.union(&hb.then(&eco).then(&hb)).union(&hb_or_same.then(&to_fence));
        let light = |e: usize| self.events[e].instruction == Instruction::Light;
        let fence = |e: usize| {
            let full = matches!(self.events[e].instruction, Instruction::Fence(Order::SeqCst) | Instruction::Heavy);
            full || light(e)
        };
        let mut psc = Relation::empty(n);
        for a in (0..n).filter(|&a| fence(a)) {
            // Two light halves are ordered by nothing.
            for b in (0..n).filter(|&b| fence(b) && !(light(a) && light(b)) && psc_full.has(a, b)) {
                psc.add(a, b);
            }
        }
        for a in 0..n {
            for b in 0..n {
                let related = match (sc_access(a), sc_access(b)) {
                    (true, true) => scb.has(a, b),
                    (true, false) if fence(b) => to_fence.has(a, b),
                    (false, true) if fence(a) => from_fence.has(a, b),
                    _ => false,
                };
                if related {
                    psc.add(a, b);
                }
            }
        }
        if !psc.closure().irreflexive() {
            return;
        }
        for a in self.places..n {
            for b in self.places..n {
                let (first, second) = (&self.events[a], &self.events[b]);
                let conflict = !first.atomic
                    && !second.atomic
                    && first.place == second.place
                    && first.thread != second.thread
                    && (first.writes || second.writes);
                if conflict && !hb.has(a, b) && !hb.has(b, a) {
                    self.races = true;
                }
            }
        }
        let reads: Vec<Vec<u64>> = (0..self.litmus.threads.len())
            .map(|t| (0..n).filter(|&e| self.events[e].thread == Some(t)).filter_map(|e| read[e]).collect())
            .collect();
        let finals: Vec<u64> = mo_lists[..self.locations]
            .iter()
            .map(|list| written[*list.last().expect("the initial write")].expect("a write"))
            .collect();
        self.outcomes.insert(outcome(&reads, &finals));
    }

    /// The ordering of an event: of a failed exchange, that of its failure.
    fn order(&self, e: usize, written: &[Option<u64>]) -> Order {
        match self.events[e].instruction {
            Instruction::Exchange(..) if written[e].is_none() => Order::Relaxed,
            Instruction::ExchangeElse(.., failure) if written[e].is_none() => failure,
            _ => self.events[e].order,
        }
    }

    fn synchronises(&self, po: &Relation, sources: &[(usize, usize)], written: &[Option<u64>]) -> Relation {
        let n = self.events.len();
        let releases = |e: usize| self.events[e].order.releases();
        // A failed exchange is a relaxed load.
        let acquires = |e: usize| self.order(e, written).acquires();
        let fence = |e: usize| matches!(self.events[e].instruction, Instruction::Fence(_) | Instruction::Heavy);
        let mut sw = Relation::empty(n);
        for &(reader, writer) in sources {
            if !self.events[reader].atomic {
                continue;
            }
            let mut targets: Vec<usize> = (0..n).filter(|&f| fence(f) && acquires(f) && po.has(reader, f)).collect();
            if acquires(reader) {
                targets.push(reader);
            }
            // The head of each release sequence that the writer is part of.
            let mut head = Some(writer);
            while let Some(write) = head {
                let mut origins: Vec<usize> = (0..n).filter(|&f| fence(f) && releases(f) && po.has(f, write)).collect();
                if write >= self.places && releases(write) {
                    origins.push(write);
                }
                for &a in &origins {
                    targets.iter().for_each(|&b| sw.add(a, b));
                }
                head = sources.iter().find(|(update, _)| *update == write).map(|&(_, before)| before);
            }
        }
        sw
    }
}

fn permutations(of: &[usize]) -> Vec<Vec<usize>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, &first) in of.iter().enumerate() {
        let mut rest = of.to_vec();
        rest.remove(index);
        for mut tail in permutations(&rest) {
            tail.insert(0, first);
            all.push(tail);
        }
    }
    all
}
