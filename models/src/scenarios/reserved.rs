//! A mediator whose record is too large for the gaps that others fill.

use crate::actors::{Style, message, wait};
use crate::memory::HeapRing;
use core::ops::ControlFlow;
use iobring::protocol::account::Account;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::write::{self, Refusal};
use iobring::protocol::{Memory, read, room};
use std::sync::Arc;
use weakest::{Notes, Outcomes, Program, Scenario};
use weakest_facade::{Atomic, Platform, sites};

sites! {
    /// A look at an index by the harness.
    INDEX_LOOK: Rmw Relaxed, "reads the newest value";
}

/// The large record's tag.
const LARGE: u64 = 1;
/// The small records' tag.
const SMALL: u64 = 2;
/// The tag of the records that fill the ring in the beginning.
const OLD: u64 = 3;
/// The size of the large record in bytes: a message of one word.
const LARGE_RECORD: u64 = 24;
/// The size of a small record in bytes: no message.
const SMALL_RECORD: u64 = 16;

/// A small record is in the ring, and room for one more. A mediator waits with a larger one, which was refused before, while a
/// writer fills the gap. Once room was set aside the mediator is not refused any more when the reader has given back what was
/// missing; and others go on afterwards.
#[derive(Clone, Copy, Debug)]
pub struct Reserved {
    /// Whether the mediator tries twice, not waiting between, and goes away.
    pub gives_up: bool,
}

impl Scenario for Reserved {
    fn name(&self) -> String {
        if self.gives_up { "reserved-given-up".into() } else { "reserved".into() }
    }

    fn about(&self) -> String {
        let then = if self.gives_up {
            "tries twice, the second time not in vain if what was missing was given back, or goes away"
        } else {
            "is refused no more once room was set aside for it and the reader gave back what was missing"
        };
        format!(
            "a writer fills the gap that the reader makes with a small record, and a mediator with a large one {then}"
        )
    }

    fn outcomes(&self) -> Outcomes {
        match self.gives_up {
            false => Outcomes::exactly(["first", "passed"]),
            true => Outcomes::exactly(["gave up", "written"]),
        }
    }

    fn program<P: Platform>(&self) -> Program {
        let gives_up = self.gives_up;
        let ring = Arc::new(HeapRing::<P>::new(2 * SMALL_RECORD, 0));
        assert_eq!(small(&ring, OLD, 1), [OLD]);
        let (mediators, writers, readers) = (ring.clone(), ring.clone(), ring.clone());
        Program::new()
            .thread("mediator", move || {
                if P::scope(|| large(&mediators, gives_up).into()) == 1 { vec![LARGE] } else { Notes::new() }
            })
            .mortal("writer", move || small(&writers, SMALL, 1))
            .thread("reader", move || {
                let read_one = || P::scope(|| drain(&readers, 1)[0]);
                let mut notes = vec![read_one()];
                while !gives_up && !notes.contains(&LARGE) {
                    wait(&readers, read::tail(&*readers), Style::Blocking);
                    notes.push(read_one());
                }
                notes
            })
            .finish(move |ends| {
                let mut all = ends[2].notes().to_vec();
                all.extend(drain(&ring, usize::MAX));
                let of = |tag| all.iter().filter(|&&note| note == tag).count();
                assert_eq!(of(LARGE), ends[0].notes().len());
                assert!(ends[1].died() || of(SMALL) == ends[1].notes().len());
                // Nothing is set aside any more.
                assert_eq!(small(&ring, SMALL, 2), [SMALL, SMALL], "others do not go on");
                match (gives_up, all.iter().position(|&note| note == LARGE)) {
                    (true, None) => "gave up".into(),
                    (true, Some(_)) => "written".into(),
                    (false, at) => {
                        if at == Some(1) {
                            "first".into()
                        } else {
                            "passed".into()
                        }
                    }
                }
            })
    }
}

/// Writes the large record, waiting for room; or tries twice and goes away. Whether it is written.
fn large<P: Platform>(ring: &HeapRing<P>, gives_up: bool) -> bool {
    // The `tail` from which on it must not be refused.
    let mut bound = u64::MAX;
    let mut refusals = 0;
    loop {
        // It remembers of an attempt what came of it, and nothing else.
        match P::scope(|| attempt(ring, bound)) {
            0 => return true,
            least_tail => bound = bound.min(least_tail),
        }
        refusals += 1;
        if gives_up && refusals == 2 {
            P::scope(|| {
                room::give_up(ring);
                0
            });
            return false;
        }
        if !gives_up {
            P::scope(|| {
                if !room::want(ring, LARGE_RECORD) {
                    ring.hear_room();
                }
                0
            });
        }
    }
}

/// Tries to write the large record: 0, or the `tail` from which on there is room for it.
///
/// # Panics
/// If it is refused although `tail` has reached `bound`.
fn attempt<P: Platform>(ring: &HeapRing<P>, bound: u64) -> u64 {
    let indices = &ring.header().indices.0;
    let tail = indices.tail.fetch_add(&INDEX_LOOK, 0);
    let bytes = message(11);
    let messages: [&[u8]; 1] = [&bytes];
    let allow = || Ok::<_, Refusal>(());
    let written = write::write_batch_aged::<P, _, _>(ring, LARGE, Account::None, &messages, true, allow, |_| ());
    match written {
        Ok(_) => 0,
        Err(refusal) => {
            assert_eq!(refusal, Refusal::Full);
            assert!(tail < bound, "room was set aside, what was missing was given back, and others took it");
            indices.head.fetch_add(&INDEX_LOOK, 0) + LARGE_RECORD - ring.capacity()
        }
    }
}

/// Writes small records, each tried once; the tag for each that was accepted.
fn small<P: Platform>(ring: &HeapRing<P>, tag: u64, count: u64) -> Notes {
    (0..count).filter(|_| P::scope(|| write::write(ring, tag, &[]).is_ok().into()) == 1).map(|_| tag).collect()
}

/// Reads up to `most` records that are there, and notes their tags.
fn drain<P: Platform>(ring: &HeapRing<P>, most: usize) -> Notes {
    let mut notes = Notes::new();
    let drained = Cursor::default().drain::<P, _>(ring, |found| {
        let expected = if found.tag == LARGE { message(11).to_vec() } else { Vec::new() };
        assert_eq!(ring.read_message(found), expected, "torn record of tag {}", found.tag);
        notes.push(found.tag);
        if notes.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert_eq!(drained, Ok(notes.len()), "the ring is damaged");
    notes
}
