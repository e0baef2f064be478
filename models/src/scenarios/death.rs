//! Writers that die while the reader waits.

use crate::actors::{RECORD, Style, close, drain, settle, wait, write_all};
use crate::memory::HeapRing;
use crate::scenarios::suffix;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::memory::bell;
use iobring::protocol::{Memory, read};
use std::sync::Arc;
use weakest::{End, Outcomes, Program, Scenario};
use weakest_facade::{Atomic, Platform, sites};

sites! {
    /// How many writers have died.
    DEATHS: Rmw Relaxed, "the scenario's own count";
}

/// Writers that may die at any step; the reader waits for one record. If a dead writer's record was published, the reader
/// is woken for it with nobody else's help.
#[derive(Clone, Copy, Debug)]
pub struct Death {
    /// How many writers may die.
    pub mortals: u64,
    /// How many messages each writes.
    pub messages: u64,
    /// Whether the lock may be biased towards one of them, and is so towards the first to begin with.
    pub biased: bool,
    /// How the reader waits.
    pub style: Style,
}

impl Scenario for Death {
    fn name(&self) -> String {
        let style = match self.style {
            Style::Blocking => "waiting",
            Style::Bell => "bell",
        };
        let messages = if self.messages == 1 { String::new() } else { format!("x{}", self.messages) };
        format!("death-{style}-{}{messages}{}", self.mortals, suffix(self.biased))
    }

    fn about(&self) -> String {
        format!(
            "{} writer(s) of {} message(s), any of which may die at any step, and a reader that waits for one record: it gets \
             it, and the other writers get through",
            self.mortals, self.messages
        )
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["delivered"])
    }

    fn program<P: Platform>(&self) -> Program {
        let style = self.style;
        let ring = Arc::new(HeapRing::<P>::new(RECORD * (self.mortals * self.messages + 1), 0).biased(self.biased, 1));
        let mut program = Program::new();
        for writer in 0..self.mortals {
            let (ring, messages) = (ring.clone(), self.messages);
            program = program.mortal(format!("writer {}", writer + 1), move || write_all(&ring, writer + 1, messages));
        }
        let reader = self.mortals as usize;
        let (readers_ring, closed_ring, mortals) = (ring.clone(), ring.clone(), self.mortals);
        let deaths = P::AtomicU64::new("deaths", 0);
        program
            .thread("reader", move || {
                wait(&readers_ring, read::tail(&*readers_ring), style);
                drain(&readers_ring, &mut Cursor::default(), 1)
            })
            .on_death(move |_| {
                // Nothing of what it saw is remembered.
                P::scope(|| {
                    // Whoever watches the writers' processes sees the descriptor close, and rings.
                    closed_ring.ring_bell(bell::WAKER);
                    if deaths.fetch_add(&DEATHS, 1) + 1 == mortals {
                        close(&closed_ring);
                    }
                    0
                });
            })
            .finish(move |ends| {
                let all = settle(&ring, ends, &Vec::from_iter(0..reader), &[reader]);
                assert_eq!(ends[reader].notes().len(), 1);
                let dead = |note: &&u64| ends.get((**note / 10) as usize - 1).is_some_and(End::died);
                match (ends.iter().any(End::died), all.iter().filter(dead).count()) {
                    (false, _) => "delivered".into(),
                    (true, 0) => "the dead left nothing".into(),
                    (true, _) => "the dead left a record".into(),
                }
            })
    }
}
