//! A wait that is given up, and another after it.

use crate::actors::{RECORD, Style, read_until, settle, write_all};
use crate::memory::HeapRing;
use iobring::protocol::memory::bell;
use iobring::protocol::{read, wait};
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// The reader subscribes, gives up (its future is dropped), and waits again, in either style: nothing is lost by it.
#[derive(Clone, Copy, Debug)]
pub struct Cancelled {
    /// How it waits the second time.
    pub then: Style,
}

impl Scenario for Cancelled {
    fn name(&self) -> String {
        match self.then {
            Style::Blocking => "cancelled-then-waiting".into(),
            Style::Bell => "cancelled-then-bell".into(),
        }
    }

    fn about(&self) -> String {
        "the reader subscribes, gives up, and waits again while a writer sends one message: it is delivered".into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["delivered"])
    }

    fn program<P: Platform>(&self) -> Program {
        let then = self.then;
        let ring = Arc::new(HeapRing::<P>::new(RECORD, 0));
        let (writers_ring, readers_ring) = (ring.clone(), ring.clone());
        Program::new()
            .thread("writer 1", move || write_all(&writers_ring, 1, 1))
            .thread("reader", move || {
                let tail = read::tail(&*readers_ring);
                let _ = wait::subscribe(&*readers_ring, tail, bell::WAKER);
                read_until(&readers_ring, RECORD, then)
            })
            .finish(move |ends| {
                settle(&ring, ends, &[0], &[1]);
                assert_eq!(ends[1].notes(), [11]);
                "delivered".into()
            })
    }
}
