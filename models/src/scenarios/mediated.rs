//! A mediator that can neither sleep nor wake: the kernel.

use crate::actors::{RECORD, Style, drain, mediate, mediate_all, mediate_batch, read_until, settle, wait, write_all};
use crate::memory::HeapRing;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::grant;
use iobring::protocol::mediator::Answer;
use iobring::protocol::memory::bell;
use iobring::protocol::wait::subscribe;
use iobring::protocol::{Memory, read};
use std::sync::Arc;
use weakest::{Notes, Outcomes, Program, Scenario};
use weakest_facade::{Atomic, Platform};

/// Mediators write, each for one writer and at the same time, all under the same id; beside them a thread of the owner's process
/// may write itself. The reader sleeps until its bell is rung, and gets everything.
#[derive(Clone, Copy, Debug)]
pub struct Mediated {
    /// How many writers have a mediator write for them.
    pub writers: u64,
    /// How many messages each writes.
    pub messages: u64,
    /// Whether a thread writes too.
    pub direct: bool,
}

/// A ring for so many grants, each given to the writer of that tag.
fn ring<P: Platform>(capacity: u64, index: u64, grants: u64) -> Arc<HeapRing<P>> {
    let ring = HeapRing::with_grants(capacity, index, grants as usize);
    for tag in 1..=grants {
        grant::give::<P, _>(&ring, ring.grant(tag as usize - 1), tag);
    }
    Arc::new(ring)
}

/// How many records the mediators counted for the writer of this tag.
fn counted<P: Platform>(ring: &HeapRing<P>, tag: u64) -> usize {
    let (records, bytes) = ring.grant(tag as usize - 1).slot.accepted.get();
    assert_eq!(bytes, 8 * records, "records and bytes differ");
    records as usize
}

impl Scenario for Mediated {
    fn name(&self) -> String {
        let with = if self.direct { "-and-direct" } else { "" };
        format!("mediated-{}x{}{with}", self.writers, self.messages)
    }

    fn about(&self) -> String {
        let Mediated { writers, messages, direct } = self;
        let beside = if *direct { ", a thread beside them," } else { "" };
        format!(
            "{writers} mediator(s) that cannot wait{beside} write {messages} message(s) each; the reader waits for its bell until \
             it has them all"
        )
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["all delivered"])
    }

    fn program<P: Platform>(&self) -> Program {
        let Mediated { writers, messages, direct } = *self;
        let threads = writers + u64::from(direct);
        let total = RECORD * threads * messages;
        // In the middle of a lap, so that the records wrap.
        let start = 2 * total - 8;
        let ring = ring::<P>(total, start, writers);
        let mut program = Program::new();
        for tag in 1..=writers {
            let ring = ring.clone();
            program = program.thread(format!("mediator {tag}"), move || mediate_all(&ring, tag, messages));
        }
        if direct {
            let ring = ring.clone();
            program = program.thread(format!("writer {threads}"), move || write_all(&ring, threads, messages));
        }
        let reader = threads as usize;
        let readers_ring = ring.clone();
        program.thread("reader", move || read_until(&readers_ring, start + total, Style::Bell)).finish(move |ends| {
            let all = settle(&ring, ends, &Vec::from_iter(0..reader), &[reader]);
            for tag in 1..=writers {
                let there = all.iter().filter(|&note| note / 10 == tag).count();
                assert_eq!(counted(&ring, tag), there, "counted and published differ");
            }
            assert_eq!(ends[reader].notes().len() as u64 * RECORD, total, "delivered to the reader itself");
            "all delivered".into()
        })
    }
}

/// A mediator and a thread write, and a reader asks for its bell and goes away: the lock passes between the two, marked or not. What
/// [`Mediated`] does until the reader sleeps.
#[derive(Clone, Copy, Debug)]
pub struct Marked;

impl Scenario for Marked {
    fn name(&self) -> String {
        "mediated-marked".into()
    }

    fn about(&self) -> String {
        "a mediator that cannot wait and a thread write, while a reader asks for its bell and goes away: both records are there".into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["both"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = ring::<P>(2 * RECORD, 0, 1);
        let (first, second, readers) = (ring.clone(), ring.clone(), ring.clone());
        Program::new()
            .thread("mediator 1", move || mediate_all(&first, 1, 1))
            .thread("writer 2", move || write_all(&second, 2, 1))
            .thread("reader", move || {
                let _ = subscribe(&*readers, read::tail(&*readers), bell::WAKER);
                Notes::new()
            })
            .finish(move |ends| {
                assert_eq!(settle(&ring, ends, &[0, 1], &[2]).len(), 2);
                assert_eq!(counted(&ring, 1), 1);
                "both".into()
            })
    }
}

/// A mediator is asked to write three records at once, and can write two: they are published together, and of the third there is
/// nothing, though some of it may stand in the ring.
#[derive(Clone, Copy, Debug)]
pub struct Together {
    /// Whether the third cannot be read. Otherwise there is no room for it.
    pub unreadable: bool,
}

impl Scenario for Together {
    fn name(&self) -> String {
        format!("mediated-batch-{}", if self.unreadable { "unreadable" } else { "full" })
    }

    fn about(&self) -> String {
        let why = if self.unreadable { "the third cannot be read" } else { "there is room for two" };
        format!(
            "a mediator is asked to write three records at once, and {why}; a reader that waits for its bell gets two together, and two \
             are counted"
        )
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["two"])
    }

    fn program<P: Platform>(&self) -> Program {
        let Together { unreadable } = *self;
        let capacity = if unreadable { 3 } else { 2 } * RECORD;
        // The second wraps.
        let ring = ring::<P>(capacity, 5 * capacity - RECORD - 8, 1);
        let (mediators, readers) = (ring.clone(), ring.clone());
        Program::new()
            .thread("mediator 1", move || {
                let end = if unreadable { Answer::Fault } else { Answer::Full };
                assert_eq!(mediate_batch(&mediators, 1, 3, if unreadable { 3 } else { 0 }), (2, end));
                vec![11, 12]
            })
            .thread("reader", move || {
                wait(&readers, read::tail(&*readers), Style::Bell);
                drain(&readers, &mut Cursor::default(), usize::MAX)
            })
            .finish(move |ends| {
                settle(&ring, ends, &[0], &[1]);
                assert_eq!(ends[1].notes(), [11, 12], "not published together");
                assert_eq!(counted(&ring, 1), 2);
                assert_eq!(ring.grant(0).slot.no_space.get(), if unreadable { (0, 0) } else { (1, 8) });
                "two".into()
            })
    }
}

/// A thread of the owner's process may die with the lock while a mediator is asked to write; the mediator gets through, and the
/// reader gets what was published.
#[derive(Clone, Copy, Debug)]
pub struct Bereaved;

impl Scenario for Bereaved {
    fn name(&self) -> String {
        "mediated-death".into()
    }

    fn about(&self) -> String {
        "a writing thread may die at any step; a mediator that cannot wait gets through nevertheless, and the reader gets a record".into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["delivered"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = ring::<P>(2 * RECORD, 0, 1);
        let (first, second, readers, watched) = (ring.clone(), ring.clone(), ring.clone(), ring.clone());
        Program::new()
            .thread("mediator 1", move || mediate_all(&first, 1, 1))
            .mortal("writer 2", move || write_all(&second, 2, 1))
            .thread("reader", move || {
                wait(&readers, read::tail(&*readers), Style::Bell);
                drain(&readers, &mut Cursor::default(), 1)
            })
            // It may have taken the reader's wish with it, as everywhere where the reader waits for a bell.
            .on_death(move |_| watched.ring_bell(bell::WAKER))
            .finish(move |ends| {
                let all = settle(&ring, ends, &[0, 1], &[2]);
                assert_eq!(ends[0].notes(), [11]);
                assert_eq!(ends[2].notes().len(), 1);
                match (ends[1].died(), all.len()) {
                    (false, _) => "delivered".into(),
                    (true, 1) => "the dead left nothing".into(),
                    (true, _) => "the dead left a record".into(),
                }
            })
    }
}

/// The owner takes a writer's right to write away while a mediator writes for it: what was published before stays, and afterwards
/// nothing is.
#[derive(Clone, Copy, Debug)]
pub struct Revoked;

impl Scenario for Revoked {
    fn name(&self) -> String {
        "mediated-revoked".into()
    }

    fn about(&self) -> String {
        "the owner revokes a writer's right while a mediator writes for it: from then on nothing is published, and the grant's \
         next holder has an account of its own"
            .into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["written before", "refused"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = ring::<P>(2 * RECORD, 0, 1);
        let (mediators, owners) = (ring.clone(), ring.clone());
        Program::new()
            .thread("mediator 1", move || match mediate(&mediators, 1, 1) {
                Answer::Written => vec![11],
                answer => {
                    assert_eq!(answer, Answer::Revoked);
                    Notes::new()
                }
            })
            .thread("owner", move || {
                grant::revoke::<P, _>(&*owners, owners.grant(0), 1);
                // What is published now is all that there will be.
                let head = read::head(&*owners);
                grant::give::<P, _>(&*owners, owners.grant(0), 2);
                vec![head]
            })
            .finish(move |ends| {
                let head = ring.header().indices.0.head.load(&iobring::protocol::sites::HEAD_ACQUIRE);
                assert_eq!(ends[1].notes(), [head], "published after the revocation");
                assert_eq!(counted(&ring, 1), ends[0].notes().len());
                settle(&ring, ends, &[0], &[]);
                if ends[0].notes().is_empty() { "refused".into() } else { "written before".into() }
            })
    }
}
