//! A mediator that waits for room.

use crate::actors::{RECORD, drain, settle, write_all, write_in_place};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::room;
use iobring::protocol::write::Refusal;
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// The ring is full. A mediator (the broker, which has a record in hand and may not lose it) asks to be told of room and
/// sleeps; the reader reads once. The mediator gets through, with nobody polling.
#[derive(Clone, Copy, Debug)]
pub struct Mediator;

impl Scenario for Mediator {
    fn name(&self) -> String {
        "mediator".into()
    }

    fn about(&self) -> String {
        "the ring is full and a mediator sleeps until there is room; the reader reads once, and the mediator gets through"
            .into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["written"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::new(RECORD, 0));
        assert_eq!(write_all(&ring, 3, 1), [31]);
        let (mediators_ring, readers_ring) = (ring.clone(), ring.clone());
        Program::new()
            .thread("mediator", move || {
                while let Err(refusal) = write_in_place(&mediators_ring, 1, 1) {
                    assert_eq!(refusal, Refusal::Full);
                    if !room::want(&*mediators_ring, RECORD) {
                        mediators_ring.hear_room();
                    }
                }
                vec![11]
            })
            .thread("reader", move || drain(&readers_ring, &mut Cursor::default(), 1))
            .finish(move |ends| {
                settle(&ring, ends, &[0], &[1]);
                assert_eq!(ends[1].notes(), [31]);
                "written".into()
            })
    }
}
