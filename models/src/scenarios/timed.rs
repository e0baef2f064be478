//! A wait with a limit, and another after it without.

use crate::actors::{RECORD, Style, drain, read_until, settle, write_all};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::{read, wait};
use std::sync::Arc;
use std::time::Duration;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// The reader waits for a limited time, which may be up at any moment, and reads what is there. Then it waits in either
/// style for the rest: a wait that was given up loses nothing, and leaves nothing behind that keeps a writer from going on.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    /// How it waits the second time.
    pub style: Style,
    /// How many messages the writer sends.
    pub messages: u64,
}

impl Scenario for Timed {
    fn name(&self) -> String {
        match self.style {
            Style::Blocking => format!("timed-then-waiting-{}", self.messages),
            Style::Bell => format!("timed-then-bell-{}", self.messages),
        }
    }

    fn about(&self) -> String {
        "the reader waits for a limited time and then without limit for the rest: nothing is lost by having given up"
            .into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["in time", "given up"])
    }

    fn program<P: Platform>(&self) -> Program {
        let Timed { style, messages } = *self;
        let ring = Arc::new(HeapRing::<P>::new(RECORD * messages, 0));
        let (writers_ring, readers_ring) = (ring.clone(), ring.clone());
        Program::new()
            .thread("writer 1", move || write_all(&writers_ring, 1, messages))
            .thread("reader", move || {
                let ring = &*readers_ring;
                let waited = || wait::wait::<P, _>(ring, read::tail(ring), Some(Duration::from_secs(1))).is_some();
                let in_time = P::scope(|| waited().into()) == 1;
                let mut notes = drain(ring, &mut Cursor::default(), usize::MAX);
                assert!(!in_time || !notes.is_empty(), "the wait was over, and nothing there");
                notes.extend(read_until(ring, RECORD * messages, style));
                // How it went comes last, beyond what any record's note can be.
                notes.push(GIVEN_UP + u64::from(!in_time));
                notes
            })
            .finish(move |ends| {
                let mut ends = ends.to_vec();
                let weakest::End::Returned(notes) = &mut ends[1] else { unreachable!("the reader is immortal") };
                let given_up = notes.pop() != Some(GIVEN_UP);
                settle(&ring, &ends, &[0], &[1]);
                if given_up { "given up".into() } else { "in time".into() }
            })
    }
}

/// The note of a reader that got something in time; the next number is that of one that gave up.
const GIVEN_UP: u64 = 1000;
