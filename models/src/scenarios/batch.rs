//! Several records under one lock and one publish.

use crate::actors::{RECORD, drain, message, settle};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::write;
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// A writer hands over three records at once, of which two fit; the reader, which looks once, sees both or none.
#[derive(Clone, Copy, Debug)]
pub struct Batch;

impl Scenario for Batch {
    fn name(&self) -> String {
        "batch".into()
    }

    fn about(&self) -> String {
        "a writer hands over three records at once, of which two fit; a reader that looks once sees both or none".into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["0 seen", "2 seen"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::new(2 * RECORD, 5 * RECORD - 8));
        let (writers_ring, readers_ring) = (ring.clone(), ring.clone());
        Program::new()
            .mortal("writer 1", move || {
                let messages = [message(11), message(12), message(13)];
                let messages = messages.each_ref().map(|bytes| &bytes[..]);
                let written = write::write_batch::<P, _>(&*writers_ring, 1, &messages);
                assert_eq!(written, Ok(2));
                vec![11, 12]
            })
            .thread("reader", move || drain(&readers_ring, &mut Cursor::default(), usize::MAX))
            .finish(move |ends| {
                settle(&ring, ends, &[0], &[1]);
                format!("{} seen", ends[1].notes().len())
            })
    }
}
