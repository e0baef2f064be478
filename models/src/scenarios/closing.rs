//! A ring that is closed while a writer writes and the reader waits.

use crate::actors::{Style, drain, message, settle, wait, write, write_all};
use crate::memory::HeapRing;
use iobring::protocol::account::Account;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::memory::bell;
use iobring::protocol::write::{self, Refusal};
use iobring::protocol::{Memory, close, read};
use std::sync::Arc;
use weakest::{End, Notes, Outcomes, Program, Scenario};
use weakest_facade::{Atomic, Platform, sites};

sites! {
    /// A look by the harness.
    LATEST: Rmw Relaxed, "reads the newest value";
}

/// A writer writes; the owner refuses more, writes what it has accepted for others already, and closes the ring. The reader waits
/// until the end, and has everything then that was accepted.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// How the reader waits; `None`: it does not, but looks once.
    pub style: Option<Style>,
    /// Whether the owner has something to write that it has accepted before.
    pub late: bool,
}

/// The owner's tag.
const OWNER: u64 = 2;

impl Scenario for Closing {
    fn name(&self) -> String {
        let style = match self.style {
            Some(Style::Blocking) => "blocking",
            Some(Style::Bell) => "bell",
            None => "looking",
        };
        format!("closing-{style}{}", if self.late { "-late" } else { "" })
    }

    fn about(&self) -> String {
        let how = match self.style {
            Some(Style::Blocking) => "asleep on the lock word until the end",
            Some(Style::Bell) => "by a bell until the end",
            None => "not at all",
        };
        let late = if self.late { ", after a record that it has accepted for another," } else { "" };
        format!(
            "a writer writes, which may die; the owner{late} closes the ring, and may die; the reader waits {how}, and when it \
             finds the ring closed nothing comes any more"
        )
    }

    fn outcomes(&self) -> Outcomes {
        match (self.style, self.late) {
            (Some(_), _) => Outcomes::exactly(["accepted", "refused"]),
            (None, _) => Outcomes::exactly(["accepted, ended", "accepted, open", "refused, ended", "refused, open"]),
        }
    }

    fn program<P: Platform>(&self) -> Program {
        let Closing { style, late } = *self;
        let ring = Arc::new(HeapRing::<P>::new(48, 40));
        let (writers, owners, readers, worlds) = (ring.clone(), ring.clone(), ring.clone(), ring.clone());
        Program::new()
            .mortal("writer", move || write_all(&writers, 1, 1))
            .mortal("owner", move || owner(&owners, late))
            .thread("reader", move || match style {
                Some(style) => read_to_end(&readers, style),
                None => look(&readers),
            })
            .on_death(move |_| {
                P::scope(|| {
                    worlds.ring_bell(bell::WAKER);
                    // Somebody else closes it, if nobody has. If it is closed, the reader finds out without help.
                    if worlds.header().writers.0.reserved.fetch_add(&LATEST, 0) != iobring::layout::CLOSED {
                        close::finish(&*worlds);
                    }
                    0
                });
            })
            .finish(move |ends| {
                let ended = close::is_closed(&*ring);
                assert!(ended || ends[1].died());
                if ended {
                    assert_eq!(write(&ring, 1, 2), Err(Refusal::Closed), "a closed ring accepts");
                    assert_eq!(late_record(&ring), Err(Refusal::Closed), "a closed ring accepts the broker's");
                }
                let mut notes = ends[2].notes().to_vec();
                let saw_end = notes.last() == Some(&END);
                notes.retain(|&note| note != END);
                let ends: Vec<End> = vec![ends[0].clone(), ends[1].clone(), End::Returned(notes.clone())];
                let all = settle(&ring, &ends, &[0, 1], &[2]);
                assert!(!saw_end || all.len() == notes.len(), "accepted, and not read before the end");
                let wrote = if all.contains(&11) { "accepted" } else { "refused" };
                match (style, saw_end) {
                    (Some(_), _) => wrote.into(),
                    (None, true) => format!("{wrote}, ended"),
                    (None, false) => format!("{wrote}, open"),
                }
            })
    }
}

/// The reader's note that it found the end.
const END: u64 = 99;

/// Refuses others, writes what was accepted before, and closes.
fn owner<P: Platform>(ring: &HeapRing<P>, late: bool) -> Notes {
    let mut notes = Notes::new();
    if late {
        P::scope(|| {
            close::refuse(ring);
            0
        });
        if P::scope(|| late_record(ring).is_ok().into()) == 1 {
            notes.push(10 * OWNER + 1);
        }
    }
    P::scope(|| {
        close::finish(ring);
        0
    });
    notes
}

/// Writes what was accepted before, as the broker does.
fn late_record<P: Platform>(ring: &HeapRing<P>) -> Result<(), Refusal> {
    let bytes = message(10 * OWNER + 1);
    let messages: [&[u8]; 1] = [&bytes];
    let allow = || Ok::<_, Refusal>(());
    write::write_batch_aged::<P, _, _>(ring, OWNER, Account::None, &messages, false, allow, |_| ()).map(|_| ())
}

/// Reads until nothing more comes.
fn read_to_end<P: Platform>(ring: &HeapRing<P>, style: Style) -> Notes {
    let mut cursor = Cursor::default();
    let mut notes = Notes::new();
    loop {
        let tail = read::tail(ring);
        if wait(ring, tail, style) <= tail {
            notes.push(END);
            return notes;
        }
        notes.extend(drain(ring, &mut cursor, usize::MAX));
    }
}

/// Looks whether it is closed, and reads what is there then.
fn look<P: Platform>(ring: &HeapRing<P>) -> Notes {
    let closed = P::scope(|| close::is_closed(ring).into()) == 1;
    let mut notes = drain(ring, &mut Cursor::default(), usize::MAX);
    notes.extend(closed.then_some(END));
    notes
}
