//! Rounds that repeat are drawn once: whoever waits in vain forty times does so in one line and "40 more rounds like this".

use crate::trace::{Action, Event, Trace};

/// The most events in one round.
const LONGEST: usize = 16;
/// Fewer repetitions than this are drawn as they are.
const FEWEST: usize = 3;

/// The trace without the repetitions of its rounds.
pub(super) fn folded(trace: &Trace) -> Trace {
    let mut trace = trace.clone();
    let mut at = 0;
    while at < trace.events.len() {
        match (1..=LONGEST).map(|length| (length, repetitions(&trace, at, length))).find(|(_, more)| *more >= FEWEST) {
            Some((length, more)) => {
                // The last round stays: what comes after refers to it.
                let last = &mut trace.events[at + length * (more + 1) - 1];
                let words = format!("⋮ {more} more rounds like this before");
                last.caption = Some(last.caption.take().map_or(words.clone(), |own| format!("{own}; {words}")));
                drop_events(&mut trace, at, length * more);
                at += length;
            }
            None => at += 1,
        }
    }
    trace
}

/// How many more rounds like the one of this length that begins here follow it.
fn repetitions(trace: &Trace, at: usize, length: usize) -> usize {
    let heart = |from: usize| trace.culprits.iter().any(|culprit| (from..from + length).contains(culprit));
    let rounds = trace.events[at..].chunks_exact(length);
    let like_first = |(round, events): (usize, &[Event])| {
        events.iter().zip(&trace.events[at..]).all(|(one, other)| alike(one, other)) && !heart(at + round * length)
    };
    rounds.enumerate().take_while(|&(round, events)| like_first((round, events))).count().saturating_sub(1)
}

/// Whether two events look the same but for the numbers of others.
fn alike(one: &Event, other: &Event) -> bool {
    let site = |event: &Event| event.site.map(|site| site.name);
    let same = |a: &Action, b: &Action| match (a, b) {
        (Action::Read { value: a, stale: old, .. }, Action::Read { value: b, stale: older, .. }) => {
            a == b && old == older
        }
        (Action::Updated { read: a, wrote: b, .. }, Action::Updated { read: c, wrote: d, .. }) => a == c && b == d,
        (Action::Refused { found: a, expected: b, .. }, Action::Refused { found: c, expected: d, .. }) => {
            a == c && b == d
        }
        (Action::Awoke { by: a }, Action::Awoke { by: b }) => a.is_some() == b.is_some(),
        (Action::Kept { read: a, value: b, .. }, Action::Kept { read: c, value: d, .. }) => a == c && b == d,
        (a, b) => a == b,
    };
    one.thread == other.thread
        && site(one) == site(other)
        && one.object == other.object
        && one.caption == other.caption
        && one.call == other.call
        && same(&one.action, &other.action)
}

/// Drops so many events, and numbers anew who refers to whom. What refers to a dropped one refers to the one that stays for it.
fn drop_events(trace: &mut Trace, from: usize, count: usize) {
    let moved = |index: usize| match index {
        index if index < from => index,
        index if index < from + count => from,
        index => index - count,
    };
    trace.events.drain(from..from + count);
    for event in &mut trace.events {
        match &mut event.action {
            Action::Read { from, .. } | Action::Updated { from, .. } | Action::Refused { from, .. } => {
                *from = from.map(moved);
            }
            Action::Awoke { by } => *by = by.map(moved),
            Action::Kept { promise, .. } => *promise = promise.map(moved),
            _ => {}
        }
    }
    trace.culprits.iter_mut().for_each(|culprit| *culprit = moved(*culprit));
}
