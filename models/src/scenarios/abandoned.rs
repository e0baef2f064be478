//! A ring whose reader goes while a writer writes, whoever holds the lock.

use crate::actors::{settle, write, write_all};
use crate::memory::HeapRing;
use iobring::protocol::close;
use iobring::protocol::write::Refusal;
use std::sync::Arc;
use weakest::{Notes, Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// A writer writes twice; the reader goes, without the lock.
#[derive(Clone, Copy, Debug)]
pub struct Abandoned;

impl Scenario for Abandoned {
    fn name(&self) -> String {
        "abandoned".into()
    }

    fn about(&self) -> String {
        "a writer writes twice, which may die, also with the lock; the reader goes without waiting for that; whoever writes then is \
         refused"
            .into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["accepted 0", "accepted 1", "accepted 2"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::new(48, 24));
        let (writers, readers) = (ring.clone(), ring.clone());
        Program::new()
            .mortal("writer", move || write_all(&writers, 1, 2))
            .thread("reader", move || {
                P::scope(|| {
                    close::abandon(&*readers);
                    0
                });
                Notes::new()
            })
            .finish(move |ends| {
                assert_eq!(write(&ring, 1, 3), Err(Refusal::Closed), "nobody reads, and a write is accepted");
                format!("accepted {}", settle(&ring, ends, &[0], &[1]).len())
            })
    }
}
