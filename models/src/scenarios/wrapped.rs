//! Records across the end of the ring.

use crate::actors::{RECORD, drain, settle, write_all};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// Which part of the record straddles the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Across {
    /// The tag is the ring's last word, the length its first.
    Header,
    /// The header ends the ring, the message starts it.
    Message,
}

/// A record lies across the end of the ring while the reader looks once.
#[derive(Clone, Copy, Debug)]
pub struct Wrapped {
    /// What straddles the end.
    pub across: Across,
}

impl Scenario for Wrapped {
    fn name(&self) -> String {
        match self.across {
            Across::Header => "wrapped-header".into(),
            Across::Message => "wrapped-message".into(),
        }
    }

    fn about(&self) -> String {
        "a record lies across the end of the ring while the reader looks once; it is read whole or not at all".into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["0 seen", "1 seen"])
    }

    fn program<P: Platform>(&self) -> Program {
        let before_end = match self.across {
            Across::Header => 8,
            Across::Message => 16,
        };
        let ring = Arc::new(HeapRing::<P>::new(2 * RECORD, 10 * RECORD - before_end));
        let (writers_ring, readers_ring) = (ring.clone(), ring.clone());
        Program::new()
            .mortal("writer 1", move || write_all(&writers_ring, 1, 1))
            .thread("reader", move || drain(&readers_ring, &mut Cursor::default(), usize::MAX))
            .finish(move |ends| {
                settle(&ring, ends, &[0], &[1]);
                format!("{} seen", ends[1].notes().len())
            })
    }
}
