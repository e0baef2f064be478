//! Writers, and a reader that looks once.

use crate::actors::{RECORD, drain, settle, write_all};
use crate::memory::HeapRing;
use crate::scenarios::suffix;
use iobring::protocol::cursor::Cursor;
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario};
use weakest_facade::Platform;

/// Some writers write while the reader looks once: it reads whole records or nothing, and nothing is lost.
#[derive(Clone, Copy, Debug)]
pub struct Polling {
    /// How many writers.
    pub writers: u64,
    /// How many messages each writes.
    pub messages: u64,
    /// Whether the lock may be biased towards one of them, and is so towards the first to begin with.
    pub biased: bool,
}

impl Scenario for Polling {
    fn name(&self) -> String {
        format!("polling-{}x{}{}", self.writers, self.messages, suffix(self.biased))
    }

    fn about(&self) -> String {
        let Polling { writers, messages, .. } = self;
        format!(
            "{writers} writer(s) send {messages} message(s) each while the reader looks once; whatever it sees is whole"
        )
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::Exactly((0..=self.writers * self.messages).map(|n| format!("{n} seen")).collect())
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::new(RECORD * self.writers * self.messages, 0).biased(self.biased, 1));
        let mut program = Program::new();
        for writer in 0..self.writers {
            let (ring, messages) = (ring.clone(), self.messages);
            program = program.mortal(format!("writer {}", writer + 1), move || write_all(&ring, writer + 1, messages));
        }
        let reader = self.writers as usize;
        let polled = ring.clone();
        program.thread("reader", move || drain(&polled, &mut Cursor::default(), usize::MAX)).finish(move |ends| {
            settle(&ring, ends, &Vec::from_iter(0..reader), &[reader]);
            format!("{} seen", ends[reader].notes().len())
        })
    }
}
