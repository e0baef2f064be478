//! Room that two threads give back by amount.

use crate::actors::{RECORD, write};
use crate::memory::HeapRing;
use iobring::protocol::read;
use std::sync::Arc;
use weakest::{Notes, Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// Whoever gives room back by amount holds no exclusive right to `tail`: of two that do so at once, both have given back.
#[derive(Clone, Copy, Debug)]
pub struct ByTwo;

impl Scenario for ByTwo {
    fn name(&self) -> String {
        "given-back-by-two".into()
    }

    fn about(&self) -> String {
        "two threads give back a record each by amount, at the same time: the ring is empty".into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["all given back"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::new(2 * RECORD, 0));
        for sequence in 1..=2 {
            write(&ring, 1, sequence).expect("there is room for two");
        }
        let by = |ring: &Arc<HeapRing<P>>| {
            let ring = ring.clone();
            move || {
                read::release_more::<P, _>(&*ring, RECORD);
                Notes::new()
            }
        };
        Program::new().thread("reader 1", by(&ring)).thread("reader 2", by(&ring)).finish(move |_| {
            assert_eq!(read::tail::<P, _>(&*ring), 2 * RECORD, "what one gave back is not given back");
            "all given back".into()
        })
    }
}
