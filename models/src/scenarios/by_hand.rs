//! A reader that waits, and reads with the `head` that the wait returned.

use crate::actors::{RECORD, Style, read_by_hand, settle, wait, write_all};
use crate::memory::HeapRing;
use iobring::protocol::read;
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// The way of Fuchsia's own callers: `wait`, `first_message_in(tail..head)`, `increment_tail`. Whatever `head` the wait
/// returned, the bytes below it may be read.
#[derive(Clone, Copy, Debug)]
pub struct ByHand {
    /// How the reader waits.
    pub style: Style,
}

impl Scenario for ByHand {
    fn name(&self) -> String {
        match self.style {
            Style::Blocking => "by-hand-waiting".into(),
            Style::Bell => "by-hand-bell".into(),
        }
    }

    fn about(&self) -> String {
        "the reader waits, and reads the record below the head that the wait returned, without looking again".into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["delivered"])
    }

    fn program<P: Platform>(&self) -> Program {
        let style = self.style;
        let ring = Arc::new(HeapRing::<P>::new(RECORD, 0));
        let (writers_ring, readers_ring) = (ring.clone(), ring.clone());
        Program::new()
            .thread("writer 1", move || write_all(&writers_ring, 1, 1))
            .thread("reader", move || {
                let head = wait(&readers_ring, read::tail(&*readers_ring), style);
                vec![read_by_hand(&readers_ring, head)]
            })
            .finish(move |ends| {
                settle(&ring, ends, &[0], &[1]);
                "delivered".into()
            })
    }
}
