//! A bell that was rung and not heard yet, and more to come.

use crate::actors::{RECORD, Style, read_until, settle, write, write_all_after};
use crate::memory::HeapRing;
use iobring::protocol::memory::bell;
use iobring::protocol::{read, wait};
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// What [`Waiting`](crate::scenarios::waiting::Waiting) with three messages and a bell comes to when the first was sent: the reader
/// has yet to hear the bell that was rung for it, and wishes for the next, while a writer sends two more.
#[derive(Clone, Copy, Debug)]
pub struct Rung;

impl Scenario for Rung {
    fn name(&self) -> String {
        "bell-rung".into()
    }

    fn about(&self) -> String {
        "the bell was rung for a message; before the reader hears it, or after, a writer sends two more, and the reader waits for the \
         bell until it has them all"
            .into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["all delivered"])
    }

    fn program<P: Platform>(&self) -> Program {
        let total = 3 * RECORD;
        // In the middle of a lap, so that the records wrap.
        let start = 2 * total - 8;
        let ring = Arc::new(HeapRing::<P>::new(total, start));
        assert_eq!(wait::subscribe(&*ring, read::tail(&*ring), bell::WAKER), None, "nothing is there yet");
        write(&ring, 1, 1).expect("an empty ring has room");
        let (writers_ring, readers_ring) = (ring.clone(), ring.clone());
        Program::new()
            .thread("writer 1", move || {
                let mut notes = vec![11];
                notes.extend(write_all_after(&writers_ring, 1, 1, 2));
                notes
            })
            .thread("reader", move || {
                readers_ring.hear_bell(bell::WAKER);
                read_until(&readers_ring, start + total, Style::Bell)
            })
            .finish(move |ends| {
                settle(&ring, ends, &[0], &[1]);
                assert_eq!(ends[1].notes().len(), 3, "delivered to the reader itself");
                "all delivered".into()
            })
    }
}
