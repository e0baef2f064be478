//! Writers that count in shared memory what they publish, and die between the two.

use crate::actors::{RECORD, message};
use crate::memory::HeapRing;
use core::ops::ControlFlow;
use iobring::protocol::account::Account;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::{section, write};
use std::sync::Arc;
use weakest::{Notes, Outcomes, Program, Scenario};
use weakest_facade::{Atomic, Platform, sites};

sites! {
    /// The slot has been given to the next tag.
    GIVEN: Store Relaxed, "the scenario's own; what it says, the writers' lock orders";
    /// Whether the slot is the next tag's already.
    WHOSE: Load Relaxed, "as GIVEN";
}

/// Two writers that may die count what they publish, each in a slot of its own or both in one. Whoever has the lock next
/// finds in the accounts exactly what is in the ring.
#[derive(Clone, Copy, Debug)]
pub struct Accounts {
    /// Whether both count in one slot.
    pub together: bool,
}

impl Scenario for Accounts {
    fn name(&self) -> String {
        if self.together { "accounts-together".into() } else { "accounts".into() }
    }

    fn about(&self) -> String {
        "two writers that may die at any step count in shared memory what they publish: the accounts are what is in the \
         ring"
        .into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["2 records"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::with_slots(2 * RECORD, 2));
        let slots = if self.together { [0, 0] } else { [0, 1] };
        let mut program = Program::new();
        for (tag, slot) in (1..).zip(slots) {
            let ring = ring.clone();
            program = program.mortal(format!("writer {tag}"), move || count(&ring, tag, 1, slot));
        }
        program.finish(move |_| {
            let written = tags(&ring);
            for slot in 0..2 {
                let counted = (1..).zip(slots).filter(|&(_, at)| at == slot);
                let there: usize = counted.map(|(tag, _)| written.iter().filter(|&&other| other == tag).count()).sum();
                assert_eq!(accepted(&ring, slot), there, "slot {slot}: counted and published differ");
            }
            format!("{} records", written.len())
        })
    }
}

/// A writer may die; its slot is then cleared and given to another, which may die too. Nothing of the first one's journal
/// comes back into the second one's account. The first writes two records, so that the journal of the second has something
/// to bring back.
#[derive(Clone, Copy, Debug)]
pub struct Inherited;

impl Scenario for Inherited {
    fn name(&self) -> String {
        "accounts-inherited".into()
    }

    fn about(&self) -> String {
        "a dead writer's slot is cleared and given to another, which may die too: the account is the second one's alone"
            .into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["kept"])
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(HeapRing::<P>::with_slots(3 * RECORD, 1));
        let given = Arc::new(P::AtomicU32::new("given", 0));
        let (first, second, owner, hook_given) = (ring.clone(), ring.clone(), ring.clone(), given.clone());
        Program::new()
            .mortal("writer 1", move || count(&first, 1, 2, 0))
            .mortal("writer 2", move || match given.load(&WHOSE) {
                0 => Notes::new(),
                _ => count(&second, 2, 1, 0),
            })
            .on_death(move |dead| {
                if dead == 0 {
                    section::exclusively(&*owner, |_| owner.slot(0).clear());
                    hook_given.store(&GIVEN, 1);
                }
            })
            .finish(move |ends| {
                let (tag, outcome) = if ends[0].died() { (2, "given on") } else { (1, "kept") };
                let there = tags(&ring).into_iter().filter(|&other| other == tag).count();
                assert_eq!(accepted(&ring, 0), there, "counted and published differ");
                outcome.into()
            })
    }
}

/// Writes records 1 to `count` in turn, counted in `slot`, and notes which were accepted.
fn count<P: Platform>(ring: &HeapRing<P>, tag: u64, count: u64, slot: usize) -> Notes {
    let write = |sequence| {
        let bytes = message(10 * tag + sequence);
        write::write_batch_counted::<P, _>(ring, tag, Account::Shared(slot), &[&bytes[..]]).is_ok()
    };
    (1..=count).map(|sequence| 10 * tag + sequence).filter(|note| write(note % 10)).collect()
}

/// How many records `slot` says were accepted, asked as the ring's owner does: under the lock.
fn accepted<P: Platform>(ring: &HeapRing<P>, slot: usize) -> usize {
    let (records, bytes) = section::exclusively(ring, |_| ring.slot(slot).accepted.get());
    assert_eq!(bytes, 8 * records, "slot {slot}: records and bytes differ");
    records as usize
}

/// The tags of the records in the ring, which is emptied.
fn tags<P: Platform>(ring: &HeapRing<P>) -> Vec<u64> {
    let mut tags = Vec::new();
    let drained = Cursor::default().drain::<P, _>(ring, |found| {
        tags.push(found.tag);
        ControlFlow::Continue(())
    });
    assert_eq!(drained, Ok(tags.len()), "the ring is damaged");
    tags
}
