//! A reader that dies, and another that takes its place.

use crate::actors::{RECORD, Style, read_until, settle, write_all};
use crate::memory::HeapRing;
use iobring::protocol::read;
use std::sync::Arc;
use weakest::{End, Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// The reader may die at any step, also asleep; a new one over the same region reads on from `tail`, and writers never
/// notice.
#[derive(Clone, Copy, Debug)]
pub struct Restart {
    /// How both readers wait.
    pub style: Style,
    /// How many messages the writer sends.
    pub messages: u64,
}

impl Scenario for Restart {
    fn name(&self) -> String {
        match self.style {
            Style::Blocking => format!("restart-waiting-{}", self.messages),
            Style::Bell => format!("restart-bell-{}", self.messages),
        }
    }

    fn about(&self) -> String {
        "the reader may die at any step; a new one over the same region reads on from tail, and the writer gets through"
            .into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["read by the first"])
    }

    fn program<P: Platform>(&self) -> Program {
        let (style, messages, total) = (self.style, self.messages, RECORD * self.messages);
        let ring = Arc::new(HeapRing::<P>::new(total, 0));
        let (writers_ring, readers_ring, successors_ring) = (ring.clone(), ring.clone(), ring.clone());
        Program::new()
            .thread("writer 1", move || write_all(&writers_ring, 1, messages))
            .mortal("reader", move || read_until(&readers_ring, total, style))
            .on_death(move |_| {
                read_until(&successors_ring, total, style);
            })
            .finish(move |ends| {
                assert_eq!(ends[0].notes().len() as u64, messages, "the writer was refused");
                assert_eq!((read::head(&*ring), read::tail(&*ring)), (total, total), "something is left, or was lost");
                match &ends[1] {
                    End::Returned(_) => {
                        settle(&ring, ends, &[0], &[1]);
                        "read by the first".into()
                    }
                    End::Died { .. } => "read on by the second".into(),
                }
            })
    }
}
