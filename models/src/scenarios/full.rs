//! A full ring whose slot is used again.

use crate::actors::{RECORD, drain, read_by_hand, settle, write, write_all};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::read;
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// How the reader gives room back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivingBack {
    /// By the cursor: a store.
    Cursor,
    /// By amount, as callers of `increment_tail` do.
    Amount,
}

/// The ring is full; the reader reads one record and gives its room back while a writer tries once: either it is refused,
/// or it overwrites what the reader has finished with.
#[derive(Clone, Copy, Debug)]
pub struct Full {
    /// How room is given back.
    pub by: GivingBack,
}

impl Scenario for Full {
    fn name(&self) -> String {
        match self.by {
            GivingBack::Cursor => "full".into(),
            GivingBack::Amount => "full-by-amount".into(),
        }
    }

    fn about(&self) -> String {
        "the ring is full; one record is read and its room given back while a writer tries once: refused, or the slot is \
         used again after the reader's copy"
            .into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["refused", "slot used again"])
    }

    fn program<P: Platform>(&self) -> Program {
        let by = self.by;
        // Room for two records and most of a third, so that a writer that counts a word too much shows.
        let ring = Arc::new(HeapRing::<P>::new(3 * RECORD - 8, 0));
        // Before the threads start: two old records of a writer with tag 3, so full means full.
        assert_eq!(write_all(&ring, 3, 2), [31, 32]);
        assert!(write(&ring, 3, 3).is_err(), "a full ring took a record");
        let (writers_ring, readers_ring) = (ring.clone(), ring.clone());
        Program::new()
            .mortal("writer 1", move || write_all(&writers_ring, 1, 1))
            .thread("reader", move || match by {
                GivingBack::Cursor => drain(&readers_ring, &mut Cursor::default(), 1),
                GivingBack::Amount => vec![read_by_hand(&readers_ring, read::head(&*readers_ring))],
            })
            .finish(move |ends| {
                let all = settle(&ring, ends, &[0], &[1]);
                assert_eq!(all[..2], [31, 32], "the old records");
                if ends[0].notes().is_empty() { "refused".into() } else { "slot used again".into() }
            })
    }
}
