//! A writer that is stopped for good, and another that publishes later.

use crate::actors::{RECORD, Style, drain, settle, wait, write, write_all};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::read;
use std::sync::Arc;
use weakest::{End, Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// A writer may be stopped at any step, for ever, and nobody rings in its stead. If it holds no lock then, the next to publish rings for
/// a reader that waits for a bell: also where the first had met the reader's mark, and not rung yet. (What is never resumed is as
/// good as dead; where it holds the lock, the system frees that.)
#[derive(Clone, Copy, Debug)]
pub struct Stopped;

/// The tag of the writer that comes afterwards.
const NEXT: u64 = 8;

impl Scenario for Stopped {
    fn name(&self) -> String {
        "stopped-bell".into()
    }

    fn about(&self) -> String {
        "a writer is stopped at any step, also between giving the lock up and ringing the bell that the reader waits for; the next \
         writer rings"
            .into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["delivered"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::new(2 * RECORD, 0));
        let (writers, readers, nexts) = (ring.clone(), ring.clone(), ring.clone());
        Program::new()
            .mortal("writer", move || write_all(&writers, 1, 1))
            .thread("reader", move || {
                wait(&readers, read::tail(&*readers), Style::Bell);
                drain(&readers, &mut Cursor::default(), 1)
            })
            .on_death(move |_| {
                P::scope(|| {
                    write(&nexts, NEXT, 1).expect("room for both");
                    0
                });
            })
            .finish(move |ends| {
                settle(&ring, ends, &[0], &[1]);
                assert_eq!(ends[1].notes().len(), 1);
                if ends.iter().any(End::died) { "stopped, and delivered".into() } else { "delivered".into() }
            })
    }
}
