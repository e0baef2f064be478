//! A damaged ring, repaired while a writer writes.

use crate::actors::{RECORD, drain, write_all};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::{Memory, read, repair};
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// A record's length was scribbled over. The reader gives the ring's contents up while a writer tries once; whatever it
/// wrote is there whole, or was given up whole.
#[derive(Clone, Copy, Debug)]
pub struct Repair;

impl Scenario for Repair {
    fn name(&self) -> String {
        "repair".into()
    }

    fn about(&self) -> String {
        "a record's length was scribbled over; the reader resynchronises while a writer tries once, then reads on"
            .into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["given up", "kept", "refused"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::new(2 * RECORD, 0));
        assert_eq!(write_all(&ring, 3, 1), [31]);
        ring.write_word(8, u64::MAX);
        let (writers_ring, readers_ring) = (ring.clone(), ring.clone());
        Program::new()
            .mortal("writer 1", move || write_all(&writers_ring, 1, 2))
            .thread("reader", move || {
                let (tail, head) = (read::tail(&*readers_ring), read::head(&*readers_ring));
                assert_eq!(read::first::<P, _>(&*readers_ring, tail, head), Err(read::Error::BadLength));
                vec![repair::resynchronise::<P, _>(&*readers_ring)]
            })
            .finish(move |ends| {
                let given_up = ends[1].notes()[0];
                let left = drain(&ring, &mut Cursor::default(), usize::MAX);
                let accepted = ends[0].notes();
                assert!(accepted.ends_with(&left) || ends[0].died(), "left: {left:?}, accepted: {accepted:?}");
                if !ends[0].died() {
                    // The damaged record, and every accepted one that is not left.
                    assert_eq!(given_up, RECORD * (1 + accepted.len() - left.len()) as u64, "given up and lost differ");
                }
                match (accepted.len(), left.len()) {
                    (1, _) => "refused".into(),
                    (_, 2) => "kept".into(),
                    _ => "given up".into(),
                }
            })
    }
}
