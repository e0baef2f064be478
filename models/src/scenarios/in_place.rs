//! A record that is filled in its place.

use crate::actors::{RECORD, drain, settle, write_in_place};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// A mediator fills a record in its place, as the broker does, while the reader looks once.
#[derive(Clone, Copy, Debug)]
pub struct InPlace;

impl Scenario for InPlace {
    fn name(&self) -> String {
        "in-place".into()
    }

    fn about(&self) -> String {
        "a record is filled in its place while the reader looks once; it is read whole or not at all".into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["0 seen", "1 seen"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::new(RECORD, 0));
        let (mediators_ring, readers_ring) = (ring.clone(), ring.clone());
        Program::new()
            .mortal("mediator", move || {
                write_in_place(&mediators_ring, 1, 1).expect("an empty ring has room");
                vec![11]
            })
            .thread("reader", move || drain(&readers_ring, &mut Cursor::default(), usize::MAX))
            .finish(move |ends| {
                settle(&ring, ends, &[0], &[1]);
                format!("{} seen", ends[1].notes().len())
            })
    }
}
