//! A reader that waits.

use crate::actors::{RECORD, Style, read_until, settle, write_all};
use crate::memory::HeapRing;
use crate::scenarios::suffix;
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// Some writers write, the reader sleeps until it has everything: no wake-up is lost, whether it registered before a write
/// or after.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// How many writers.
    pub writers: u64,
    /// How many messages each writes.
    pub messages: u64,
    /// Whether the lock may be biased towards one of them, and is so towards the first to begin with.
    pub biased: bool,
    /// How the reader waits.
    pub style: Style,
}

impl Scenario for Waiting {
    fn name(&self) -> String {
        let style = match self.style {
            Style::Blocking => "waiting",
            Style::Bell => "bell",
        };
        format!("{style}-{}x{}{}", self.writers, self.messages, suffix(self.biased))
    }

    fn about(&self) -> String {
        let Waiting { writers, messages, style, .. } = self;
        let how = match style {
            Style::Blocking => "asleep on the lock word",
            Style::Bell => "until its bell is rung",
        };
        format!("{writers} writer(s) send {messages} message(s) each; the reader waits {how} until it has them all")
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["all delivered"])
    }

    fn program<P: Platform>(&self) -> Program {
        let (style, total) = (self.style, RECORD * self.writers * self.messages);
        // The ring starts in the middle of a lap, so that the records wrap.
        let start = 2 * total - 8;
        let ring = Arc::new(HeapRing::<P>::new(total, start).biased(self.biased, 1));
        let mut program = Program::new();
        for writer in 0..self.writers {
            let (ring, messages) = (ring.clone(), self.messages);
            program = program.thread(format!("writer {}", writer + 1), move || write_all(&ring, writer + 1, messages));
        }
        let reader = self.writers as usize;
        let readers_ring = ring.clone();
        program.thread("reader", move || read_until(&readers_ring, start + total, style)).finish(move |ends| {
            settle(&ring, ends, &Vec::from_iter(0..reader), &[reader]);
            assert_eq!(ends[reader].notes().len() as u64 * RECORD, total, "delivered to the reader itself");
            "all delivered".into()
        })
    }
}
