//! What writers, readers and the final look do, in every scenario alike.
//!
//! A record is named by a note: `10 * tag + sequence`, so `12` is writer 1's second message (sequences start at 1). Its
//! message is 8 bytes that follow from the note, so that a torn or foreign record is told from a true one.

use crate::memory::HeapRing;
use core::ops::ControlFlow;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::mediator::{self, Answer, Asked, Writer};
use iobring::protocol::memory::bell;
use iobring::protocol::read::Found;
use iobring::protocol::{Memory, read, wait, write};
use std::io::IoSlice;
use weakest::End;
use weakest_facade::{Atomic, Platform, sites};

/// The size of every model record in bytes: header and one word.
pub const RECORD: u64 = 24;

sites! {
    /// A look at an index by the harness.
    NEWEST: Rmw Relaxed, "reads the newest value";
}

/// The tag of the record that the harness writes when a writer has died and the ring is empty, so that a waiting reader can
/// end.
pub const CLOSING: u64 = 9;

/// The message of the record with this note.
pub fn message(note: u64) -> [u8; 8] {
    (note * 0x0101_0101_0101).to_ne_bytes()
}

/// Writes one record; whether it was accepted.
pub fn write<P: Platform>(ring: &HeapRing<P>, tag: u64, sequence: u64) -> Result<(), write::Refusal> {
    let bytes = message(10 * tag + sequence);
    // In two pieces that split a word, as a `writev` may.
    write::write::<P, _>(ring, tag, &[IoSlice::new(&bytes[..3]), IoSlice::new(&bytes[3..])])
}

/// Writes one record as the broker does: its message goes straight to its place, under the lock.
pub fn write_in_place<P: Platform>(ring: &HeapRing<P>, tag: u64, sequence: u64) -> Result<(), write::Refusal> {
    let bytes = message(10 * tag + sequence);
    write::write_with::<P, _, write::Refusal>(ring, tag, bytes.len(), |offset| {
        ring.write_bytes(offset, &bytes);
        Ok(())
    })
}

/// Has a mediator write one record for this writer, whose grant has the number of its tag less 1; asks again as long as the lock
/// is held.
pub fn mediate<P: Platform>(ring: &HeapRing<P>, tag: u64, sequence: u64) -> Answer {
    mediate_one(ring, tag, sequence, false)
}

/// As [`mediate`], for a writer that waits for room where there is none.
pub fn mediate_waiting<P: Platform>(ring: &HeapRing<P>, tag: u64, sequence: u64) -> Answer {
    mediate_one(ring, tag, sequence, true)
}

fn mediate_one<P: Platform>(ring: &HeapRing<P>, tag: u64, sequence: u64, waits: bool) -> Answer {
    let bytes = message(10 * tag + sequence);
    let fill = |_, offset| {
        ring.write_bytes(offset, &bytes);
        true
    };
    ask(ring, tag, &Asked { messages: 1, pieces: 1, waits }, fill).1
}

/// Has a mediator write records 1 to `count` at once, of which number `unreadable` cannot be read; asks again as long as the lock is
/// held. Returns how many were written, and what kept the next from it.
pub fn mediate_batch<P: Platform>(ring: &HeapRing<P>, tag: u64, count: u64, unreadable: u64) -> (u64, Answer) {
    let fill = |number, offset| {
        let sequence = number + 1;
        ring.write_bytes(offset, &message(10 * tag + sequence));
        sequence != unreadable
    };
    ask(ring, tag, &Asked { messages: count, pieces: 1, waits: false }, fill)
}

/// Has a mediator write messages of 8 bytes that `fill` puts in their places; asks again as long as the lock is held.
fn ask<P: Platform>(ring: &HeapRing<P>, tag: u64, asked: &Asked, fill: impl Fn(u64, u64) -> bool) -> (u64, Answer) {
    let writer = Writer { grant: ring.grant(tag as usize - 1), holder: tag, tag };
    P::retry(|| match mediator::write::<P, _>(ring, &writer, asked, |_| 8, &fill) {
        (_, Answer::Busy) => {
            P::give_way();
            None
        }
        written => Some(written),
    })
}

/// As [`write_all`], by way of a mediator.
pub fn mediate_all<P: Platform>(ring: &HeapRing<P>, tag: u64, count: u64) -> Vec<u64> {
    let accepted = |sequence: u64| P::scope(|| (mediate(ring, tag, sequence) == Answer::Written).into()) == 1;
    (1..=count).filter(|&sequence| accepted(sequence)).map(|sequence| 10 * tag + sequence).collect()
}

/// Writes records 1 to `count` in turn, and notes those that were accepted.
pub fn write_all<P: Platform>(ring: &HeapRing<P>, tag: u64, count: u64) -> Vec<u64> {
    write_all_after(ring, tag, 0, count)
}

/// Writes `count` records in turn, of which the first comes after number `last`, and notes those that were accepted.
pub fn write_all_after<P: Platform>(ring: &HeapRing<P>, tag: u64, last: u64, count: u64) -> Vec<u64> {
    // A writer remembers of a write whether it was accepted, and nothing else.
    let accepted = |sequence: u64| P::scope(|| write(ring, tag, sequence).is_ok().into()) == 1;
    (last + 1..=last + count).filter(|&sequence| accepted(sequence)).map(|sequence| 10 * tag + sequence).collect()
}

/// Visits up to `most` records that are there now, checks and notes them.
///
/// # Panics
/// If a record is torn, or the ring damaged.
pub fn drain<P: Platform>(ring: &HeapRing<P>, cursor: &mut Cursor, most: usize) -> Vec<u64> {
    let mut notes = Vec::new();
    let drained = cursor.drain::<P, _>(ring, |found| {
        notes.push(note(ring, found));
        if notes.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert_eq!(drained, Ok(notes.len()), "the ring is damaged");
    notes
}

/// Reads and notes the record at `tail`, `head` having been seen, the way callers of `first_message_in` and `increment_tail`
/// do.
///
/// # Panics
/// As [`drain`].
pub fn read_by_hand<P: Platform>(ring: &HeapRing<P>, head: u64) -> u64 {
    let found = read::first_in::<P, _>(ring, read::tail(ring)..head).expect("a sound ring");
    let note = note(ring, &found);
    read::release_more(ring, found.record_len());
    note
}

/// Copies a record out and names it.
fn note<P: Platform>(ring: &HeapRing<P>, found: &Found) -> u64 {
    let bytes = ring.read_message(found);
    (1..10)
        .map(|sequence| 10 * found.tag + sequence)
        .find(|&note| message(note) == *bytes)
        .unwrap_or_else(|| panic!("torn record: tag {}, {bytes:x?}", found.tag))
}

/// How a reader waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Asleep on the writers' lock word.
    Blocking,
    /// By a bell: the way of async tasks and of pollers of the descriptor.
    Bell,
}

/// Waits until `head` exceeds `index`.
pub fn wait<P: Platform>(ring: &HeapRing<P>, index: u64, style: Style) -> u64 {
    // The reader remembers of a wait what it returned, and nothing else.
    P::scope(|| match style {
        Style::Blocking => wait::wait::<P, _>(ring, index, None).expect("no timeout was given"),
        Style::Bell => P::retry(|| {
            let head = read::head(ring);
            if head > index {
                return Some(head);
            }
            let head = wait::subscribe(ring, index, bell::WAKER);
            if head.is_none() {
                ring.hear_bell(bell::WAKER);
            }
            head
        }),
    })
}

/// Reads, waiting as often as it must, until `tail` has reached `target`.
pub fn read_until<P: Platform>(ring: &HeapRing<P>, target: u64, style: Style) -> Vec<u64> {
    let mut cursor = Cursor::default();
    let mut notes = Vec::new();
    loop {
        let tail = read::tail(ring);
        if tail >= target {
            return notes;
        }
        wait(ring, tail, style);
        notes.extend(drain(ring, &mut cursor, usize::MAX));
    }
}

/// What the world does when every writer has died: if nothing is left to read, a closing record ends the reader's wait. If
/// something *is* left, the reader must find it without help, so nothing here wakes it then.
pub fn close<P: Platform>(ring: &HeapRing<P>) {
    let indices = &ring.header().indices.0;
    // Additions of 0, to see the newest values without touching the lock.
    if indices.head.fetch_add(&NEWEST, 0) == indices.tail.fetch_add(&NEWEST, 0) {
        write(ring, CLOSING, 1).expect("an empty ring has room");
    }
}

/// Checks, after all threads have ended, that what was read and what is left is what was accepted: each writer's records in
/// order, none lost, none twice. `writers` and `readers` are indices of threads; tags are those indices plus 1. Returns all
/// records in the order of the ring.
///
/// Of a writer that died, the records form a prefix of what it was to write.
pub fn settle<P: Platform>(ring: &HeapRing<P>, ends: &[End], writers: &[usize], readers: &[usize]) -> Vec<u64> {
    let mut all: Vec<u64> = readers.iter().flat_map(|&reader| ends[reader].notes().to_vec()).collect();
    all.extend(drain(ring, &mut Cursor::default(), usize::MAX));
    for &writer in writers {
        let tag = writer as u64 + 1;
        let seen: Vec<u64> = all.iter().copied().filter(|note| note / 10 == tag).collect();
        match &ends[writer] {
            End::Returned(accepted) => assert_eq!(seen, *accepted, "writer {tag}: delivered and accepted differ"),
            End::Died { .. } => {
                let prefix: Vec<u64> = (1..=seen.len() as u64).map(|sequence| 10 * tag + sequence).collect();
                assert_eq!(seen, prefix, "writer {tag}, which died: its records are not a prefix");
            }
        }
    }
    all
}
