//! A mediator that asks for room on behalf of several.

use crate::actors::{RECORD, drain, write_all};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::room::{self, Wish};
use iobring::protocol::{read, repair};
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// How the reader gives room back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// One record's, by reading it.
    One,
    /// Both records', one after the other.
    Both,
    /// All, by a repair.
    Repair,
}

/// The ring is full. A writer waits for room for one record and another for room for two; the mediator asks for both at once, and
/// sleeps until it can tell one of them.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    /// What is given back.
    pub room: Room,
}

impl Scenario for Wishes {
    fn name(&self) -> String {
        match self.room {
            Room::One => "wishes-one".into(),
            Room::Both => "wishes".into(),
            Room::Repair => "wishes-repair".into(),
        }
    }

    fn about(&self) -> String {
        let how = match self.room {
            Room::One => "the reader reads once, and the first",
            Room::Both => "the reader reads twice, and each",
            Room::Repair => "the ring is repaired, and each",
        };
        format!(
            "the ring is full, and a mediator asks for room for one record and for two at once, for writers that wait; {how} is told \
             when there is as much, with nobody polling"
        )
    }

    fn outcomes(&self) -> Outcomes {
        // The mediator looks at one wish after the other, so that the larger may be due when the smaller was not yet.
        match self.room {
            Room::One => Outcomes::exactly(["smaller only"]),
            Room::Both => Outcomes::exactly(["at once", "larger first", "smaller first"]),
            Room::Repair => Outcomes::exactly(["at once", "larger first"]),
        }
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::new(2 * RECORD, 0));
        assert_eq!(write_all(&ring, 3, 2).len(), 2);
        let (mediators, readers) = (ring.clone(), ring.clone());
        let room = self.room;
        Program::new()
            .thread("mediator", move || {
                let mut waits =
                    [1, 2].map(|records| (records, Wish::of_a_writer(&*mediators, records * RECORD))).to_vec();
                let mut told = Vec::new();
                let last = if room == Room::One { 1 } else { 0 };
                while waits.len() > last {
                    let (due, others): (Vec<_>, Vec<_>) = waits.iter().partition(|(_, wish)| wish.is_due(&*mediators));
                    if !due.is_empty() {
                        told.push(due.iter().map(|(records, _)| records).sum());
                    }
                    for (records, _) in due {
                        let tail = read::tail(&*mediators);
                        assert!(tail >= records * RECORD, "told of room for {records} at tail {tail}");
                    }
                    waits = others;
                    if waits.len() > last && !room::want_any(&*mediators, waits.iter().map(|&(_, wish)| wish)) {
                        mediators.hear_room();
                    }
                }
                told
            })
            .thread("reader", move || {
                let mut cursor = Cursor::default();
                let reads = match room {
                    Room::One => 1,
                    Room::Both => 2,
                    Room::Repair => {
                        repair::resynchronise(&*readers);
                        0
                    }
                };
                (0..reads).flat_map(|_| drain(&readers, &mut cursor, 1)).collect()
            })
            .finish(move |ends| match ends[0].notes() {
                [1] => "smaller only".into(),
                [3] => "at once".into(),
                [1, 2] => "smaller first".into(),
                [2, 1] => "larger first".into(),
                told => panic!("told of room for {told:?} records"),
            })
    }
}
