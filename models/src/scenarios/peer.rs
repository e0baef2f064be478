//! An endpoint whose copies go, one after the other.

use crate::actors::{RECORD, drain, settle, write_all};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::peer::Copies;
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// Two threads hold copies of one endpoint, write, and drop them; whoever sees the endpoint closed finds both records.
#[derive(Clone, Copy, Debug)]
pub struct PeerClosed;

impl Scenario for PeerClosed {
    fn name(&self) -> String {
        "peer-closed".into()
    }

    fn about(&self) -> String {
        "two copies of an endpoint are dropped after a write each; a peer that sees it closed finds both records".into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["open", "closed"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::new(2 * RECORD, 0));
        let copies = Arc::new(Copies::<P>::one());
        copies.retain();
        let mut program = Program::new();
        for writer in 0..2 {
            let (ring, copies) = (ring.clone(), copies.clone());
            program = program.thread(format!("writer {}", writer + 1), move || {
                let accepted = write_all(&ring, writer + 1, 1);
                copies.release();
                accepted
            });
        }
        let (peers_ring, finish_ring) = (ring.clone(), ring);
        program
            .thread("peer", move || match copies.is_closed() {
                true => drain(&peers_ring, &mut Cursor::default(), usize::MAX),
                false => Vec::new(),
            })
            .finish(move |ends| {
                settle(&finish_ring, ends, &[0, 1], &[2]);
                match ends[2].notes().len() {
                    0 => "open".into(),
                    2 => "closed".into(),
                    n => panic!("the endpoint was seen closed with {n} of its 2 records in the ring"),
                }
            })
    }
}
