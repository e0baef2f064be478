//! Deaths one after the other, while the reader waits.

use crate::actors::{RECORD, Style, close, drain, settle, wait, write_all};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::read;
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::{Atomic, Platform, sites};

sites! {
    /// Whose turn it is.
    TURN_LOOK: Load Acquire, "the scenario's own: one after the other";
    /// Until it is its turn.
    TURN_SLEEP: Wait, "orders nothing";
    /// The next one's turn.
    TURN_PASS: Wake, "orders nothing";
    /// What was done in one's turn is done.
    TURN_DONE: Fence Release, "as TURN_LOOK";
}

/// Writers that may die at any step, each of which begins when the one before is over, dead or not; a reader sleeps meanwhile,
/// until there is a record. So many deaths fit beside each other only here: the writers do nothing at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Series {
    /// How many writers there are.
    pub writers: u64,
}

impl Scenario for Series {
    fn name(&self) -> String {
        format!("series-{}", self.writers)
    }

    fn about(&self) -> String {
        format!(
            "{} writers, one after the other, each of which may die at any step, and a reader that waits for one record: it gets it",
            self.writers
        )
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["delivered"])
    }

    fn program<P: Platform>(&self) -> Program {
        let last = self.writers - 1;
        let ring = Arc::new(HeapRing::<P>::new(RECORD * self.writers, 0));
        let turn = Arc::new(P::AtomicU32::new("turn", 0));
        let mut program = Program::new();
        for writer in 0..self.writers {
            let (ring, turn) = (ring.clone(), turn.clone());
            program = program.mortal(format!("writer {}", writer + 1), move || {
                begin::<P>(&turn, writer as u32);
                let notes = write_all(&ring, writer + 1, 1);
                end::<P>(&turn, writer as u32);
                notes
            });
        }
        let reader = self.writers as usize;
        let (readers_ring, closed_ring) = (ring.clone(), ring.clone());
        program
            .thread("reader", move || {
                wait(&readers_ring, read::tail(&*readers_ring), Style::Blocking);
                drain(&readers_ring, &mut Cursor::default(), 1)
            })
            .on_death(move |dead| {
                begin::<P>(&turn, dead as u32);
                // The reader may be left with nothing; where it is left with something, nobody wakes it.
                if dead as u64 == last {
                    P::scope(|| {
                        close(&closed_ring);
                        0
                    });
                }
                end::<P>(&turn, dead as u32);
            })
            .finish(move |ends| {
                let all = settle(&ring, ends, &Vec::from_iter(0..reader), &[reader]);
                assert_eq!(ends[reader].notes().len(), 1);
                match (ends.iter().filter(|end| end.died()).count(), all.len()) {
                    (0, _) => "delivered".into(),
                    (deaths, there) => format!("{deaths} deaths, {there} records"),
                }
            })
    }
}

/// Sleeps until it is this one's turn.
fn begin<P: Platform>(turn: &P::AtomicU32, which: u32) {
    loop {
        let seen = turn.load(&TURN_LOOK);
        if seen >= which {
            return;
        }
        P::wait(turn, &TURN_SLEEP, seen, None);
    }
}

/// This one's turn is over; it may have said so already, before it died.
fn end<P: Platform>(turn: &P::AtomicU32, which: u32) {
    if turn.load(&TURN_LOOK) == which {
        P::fence(&TURN_DONE);
        P::store_and_wake_all(turn, &TURN_PASS, which + 1);
    }
}
