//! A limited wait that is woken for nothing on the way.

use crate::actors::{RECORD, write_all};
use crate::memory::HeapRing;
use iobring::protocol::{read, wait};
use std::sync::Arc;
use std::time::Duration;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::{Atomic, Platform, Wait, sites};

sites! {
    /// A writer that has nothing to write yet.
    NAP: Wait, "the scenario's own; nobody wakes it";
}

const SECOND: Duration = Duration::from_secs(1);

/// The ring is full and the reader waits two seconds for more than is there. After one, a writer is refused: its release of the
/// lock wakes the reader, for nothing. The wait ends when its two seconds are over, neither then nor a second later.
#[derive(Clone, Copy, Debug)]
pub struct Limited;

impl Scenario for Limited {
    fn name(&self) -> String {
        "limited".into()
    }

    fn about(&self) -> String {
        "the reader waits for two seconds and is woken for nothing after one: it gives up after two".into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["given up in time"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::new(RECORD, 0));
        assert_eq!(write_all(&ring, 3, 1), [31]);
        let (writers_ring, readers_ring) = (ring.clone(), ring);
        let nap = P::AtomicU32::new("nap", 0);
        Program::new()
            .thread("writer 1", move || {
                assert_eq!(P::wait(&nap, &NAP, 0, Some(P::now() + SECOND)), Wait::TimedOut);
                write_all(&writers_ring, 1, 1)
            })
            .thread("reader", move || {
                let ring = &*readers_ring;
                let begun = P::now();
                assert_eq!(wait::wait::<P, _>(ring, read::tail(ring) + RECORD, Some(2 * SECOND)), None);
                vec![(P::now() - begun).as_millis() as u64]
            })
            .finish(|ends| {
                assert!(ends[0].notes().is_empty(), "there was no room");
                match ends[1].notes()[0] {
                    2000 => "given up in time".into(),
                    early @ ..2000 => format!("given up early, after {early} ms"),
                    late => format!("given up late, after {late} ms"),
                }
            })
    }
}
