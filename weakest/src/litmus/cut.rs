//! From a failing execution to the least program that still tells the two orderings apart.

use super::{Action, Step, Test};
use crate::explorer::Memory;
use crate::facade::{Operation, Order};
use crate::matrix::{Kill, Row};
use crate::trace::{self, Event, Fault, Trace};
use std::collections::{BTreeMap, BTreeSet};

/// What the outcome wants to have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Initial,
    /// What this event wrote.
    Event(usize),
}

/// An event of the execution that can be a step.
#[derive(Clone, Copy, Debug)]
struct Piece<'t> {
    event: &'t Event,
    reads: Option<Source>,
    writes: bool,
}

/// The events left, by their index in the execution, and the locations that are to end with what an event wrote.
#[derive(Clone)]
struct Draft<'t> {
    pieces: BTreeMap<usize, Piece<'t>>,
    last: Vec<usize>,
}

/// The test of a pair of sites that a kill makes, if it makes one.
pub(super) fn test(pair: (&'static str, &'static str), row: &Row, kill: &Kill) -> Option<Test> {
    let draft = draft(&kill.trace)?;
    let is_test = |draft: &Draft, memory: Memory| {
        let test = finished(draft, pair, row, kill, memory);
        let together = [pair.0, pair.1].iter().all(|name| test.threads.iter().flatten().any(|s| s.site.name == *name));
        let apart = test.threads.iter().filter(|steps| steps.iter().any(|s| s.site.name == pair.0)).count() > 0
            && !test.threads.iter().all(|steps| {
                let has = |name| steps.iter().any(|step| step.site.name == name);
                has(pair.0) == has(pair.1)
            });
        together && apart && test.shows(true, memory) == Some(true) && test.shows(false, memory) == Some(false)
    };
    // What RC11 shows is shown there; what only hardware does is not.
    let memory = [Memory::ReleaseAcquire, Memory::Hardware].into_iter().find(|memory| is_test(&draft, *memory))?;
    let mut draft = draft;
    loop {
        let before = draft.pieces.len();
        for left_out in portions(&draft) {
            let less = without(&draft, &left_out);
            if less.pieces.len() < draft.pieces.len() && is_test(&less, memory) {
                draft = less;
            }
        }
        if draft.pieces.len() == before {
            break;
        }
    }
    let test = finished(&draft, pair, row, kill, memory);
    // As it ships, hardware does not show it either.
    (test.shows(false, Memory::HardwareStrict) == Some(false)).then_some(test)
}

/// What may be left out at a time: whole threads, all of a location, single steps.
fn portions(draft: &Draft) -> Vec<Vec<usize>> {
    let by = |key: &dyn Fn(&Event) -> String| -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        draft.pieces.iter().for_each(|(&at, piece)| groups.entry(key(piece.event)).or_default().push(at));
        groups.into_values().collect()
    };
    let mut portions = by(&|event| event.thread.to_string());
    portions.extend(by(&|event| event.object.clone()));
    portions.extend(draft.pieces.keys().rev().map(|&at| vec![at]));
    portions
}

/// The draft without these events, and without all that read from them.
fn without<'t>(draft: &Draft<'t>, left_out: &[usize]) -> Draft<'t> {
    let mut gone: BTreeSet<usize> = left_out.iter().copied().collect();
    loop {
        let reads_gone = |piece: &Piece| matches!(piece.reads, Some(Source::Event(from)) if gone.contains(&from));
        let more: Vec<usize> = draft
            .pieces
            .iter()
            .filter(|(at, piece)| !gone.contains(at) && reads_gone(piece))
            .map(|(&at, _)| at)
            .collect();
        if more.is_empty() {
            break;
        }
        gone.extend(more);
    }
    let kept = draft.pieces.iter().filter(|(at, _)| !gone.contains(at)).map(|(&at, &piece)| (at, piece));
    Draft { pieces: kept.collect(), last: draft.last.iter().copied().filter(|at| !gone.contains(at)).collect() }
}

/// All of the execution that can be said in a litmus test; nothing if somebody died in it.
fn draft(trace: &Trace) -> Option<Draft<'_>> {
    let harness = |event: &Event| ["system", "final look"].contains(&trace.threads[event.thread].as_str());
    let kept_of: BTreeMap<usize, usize> = (trace.events.iter().enumerate())
        .filter_map(|(at, event)| match event.action {
            trace::Action::Kept { promise: Some(promise), .. } => Some((promise, at)),
            _ => None,
        })
        .collect();
    let mut pieces = BTreeMap::new();
    for (at, event) in trace.events.iter().enumerate() {
        let Some(site) = event.site.filter(|_| !harness(event)) else {
            if matches!(event.action, trace::Action::Died | trace::Action::CleanedUp { .. }) {
                return None;
            }
            continue;
        };
        let data = matches!(site.operation, Operation::Read | Operation::Write);
        let source = |from: Option<usize>| match from {
            // Whoever read from a promise reads from the write that kept it.
            Some(from) => Source::Event(kept_of.get(&from).copied().unwrap_or(from)),
            None => Source::Initial,
        };
        let previous = || {
            let wrote = |event: &Event| matches!(event.action, trace::Action::Wrote { .. });
            trace.events[..at].iter().rposition(|other| other.object == event.object && wrote(other))
        };
        let (reads, writes) = match event.action {
            trace::Action::Read { .. } if data => (Some(source(previous())), false),
            trace::Action::Read { from, .. } | trace::Action::Refused { from, .. } => (Some(source(from)), false),
            trace::Action::Wrote { .. } => (None, true),
            // A store that wakes is a store.
            trace::Action::Updated { .. } if site.operation == Operation::Wake => (None, true),
            trace::Action::Updated { from, .. } => (Some(source(from)), true),
            trace::Action::Kept { read: None, .. } => (None, true),
            trace::Action::Fenced => (None, false),
            _ => continue,
        };
        pieces.insert(at, Piece { event, reads, writes });
    }
    let mut last = Vec::new();
    if let (Fault::DataRace, &[first, second]) = (trace.fault, &trace.culprits[..]) {
        race(trace, &mut pieces, &mut last, first, second)?;
    }
    Some(Draft { pieces, last })
}

/// Of a data race, the outcome that cannot be if the first access happens before the second.
fn race(
    trace: &Trace,
    pieces: &mut BTreeMap<usize, Piece>,
    last: &mut Vec<usize>,
    first: usize,
    second: usize,
) -> Option<()> {
    let (one, other) = (*pieces.get(&first)?, *pieces.get(&second)?);
    match (one.writes, other.writes) {
        (true, true) => last.push(first),
        // Reads what was there before.
        (true, false) => {
            let wrote = |at: &usize| {
                trace.events[*at].object == one.event.object && pieces.get(at).is_some_and(|piece| piece.writes)
            };
            let before = (0..first).rfind(wrote).map_or(Source::Initial, Source::Event);
            pieces.get_mut(&second)?.reads = Some(before);
        }
        // Reads what is only written afterwards.
        (false, true) => pieces.get_mut(&first)?.reads = Some(Source::Event(second)),
        (false, false) => return None,
    }
    Some(())
}

/// The draft as a test: locations, threads and values numbered anew.
fn finished(draft: &Draft, pair: (&'static str, &'static str), row: &Row, kill: &Kill, shown_by: Memory) -> Test {
    let mut locations: Vec<String> = Vec::new();
    let mut values: BTreeMap<usize, u32> = BTreeMap::new();
    let mut written: BTreeMap<&str, u32> = BTreeMap::new();
    for (&at, piece) in draft.pieces.iter().filter(|(_, piece)| piece.writes) {
        let count = written.entry(&piece.event.object).or_default();
        *count += 1;
        values.insert(at, *count);
    }
    let mut threads: BTreeMap<usize, Vec<Step>> = BTreeMap::new();
    let mut location = |label: &str| {
        locations.iter().position(|known| known == label).unwrap_or_else(|| {
            locations.push(label.into());
            locations.len() - 1
        })
    };
    for (at, piece) in &draft.pieces {
        let site = piece.event.site.expect("only sites are pieces");
        let saw = piece.reads.map(|source| match source {
            Source::Initial => 0,
            Source::Event(from) => values.get(&from).copied().unwrap_or(0),
        });
        let refused = matches!(piece.event.action, trace::Action::Refused { .. });
        let action = match (saw, piece.writes) {
            (Some(saw), false) => Action::Load { location: location(&piece.event.object), saw },
            (None, true) => Action::Store { location: location(&piece.event.object), value: values[at] },
            (Some(saw), true) => Action::Swap { location: location(&piece.event.object), saw, value: values[at] },
            (None, false) => Action::Fence,
        };
        let plain = refused || matches!(site.operation, Operation::Read | Operation::Write | Operation::Wake);
        let order = |order| if plain { Order::Relaxed } else { order };
        let (shipped, weakened) = (order(site.order), order(piece.event.order));
        threads.entry(piece.event.thread).or_default().push(Step { site, action, shipped, weakened });
    }
    let finals =
        draft.last.iter().filter_map(|at| Some((location(&draft.pieces.get(at)?.event.object), values[at]))).collect();
    Test {
        pair,
        mutant: (row.site.name, row.order),
        case: format!("{}/{}", kill.engine, kill.case),
        shown_by,
        locations,
        threads: threads.into_values().collect(),
        finals,
    }
}
