//! A ring at the end of the index range.

use crate::actors::{RECORD, drain, settle, write};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::write::Refusal;
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// One record fits before the indices end, the next is refused as corrupt; the reader looks once.
#[derive(Clone, Copy, Debug)]
pub struct Edge;

impl Scenario for Edge {
    fn name(&self) -> String {
        "edge".into()
    }

    fn about(&self) -> String {
        "one record fits before the index range ends, the next is refused as corrupt while the reader looks once".into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["0 seen", "1 seen"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::new(4 * RECORD, (u64::MAX - 7) - RECORD));
        let (writers_ring, readers_ring) = (ring.clone(), ring.clone());
        Program::new()
            .thread("writer 1", move || {
                assert_eq!(write(&writers_ring, 1, 1), Ok(()));
                assert_eq!(write(&writers_ring, 1, 2), Err(Refusal::Corrupt));
                vec![11]
            })
            .thread("reader", move || drain(&readers_ring, &mut Cursor::default(), usize::MAX))
            .finish(move |ends| {
                settle(&ring, ends, &[0], &[1]);
                format!("{} seen", ends[1].notes().len())
            })
    }
}
