//! A process for which a mediator that cannot wait writes, and that waits for room itself: the kernel's writers.

use crate::actors::{RECORD, drain, mediate_waiting, write_all};
use crate::memory::HeapRing;
use iobring::protocol::Memory;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::grant;
use iobring::protocol::mediator::Answer;
use iobring::protocol::memory::bell;
use iobring::protocol::room::{self, Wish};
use std::sync::Arc;
use weakest::{Notes, Outcomes, Program, Scenario};
use weakest_facade::{Atomic, Platform, sites};

sites! {
    /// Something is said over a socket between a writer and the owner.
    SAY: Rmw AcqRel, "a socket's queue has a lock";
    /// It is heard.
    HEAR: Rmw AcqRel, "as SAY";
    /// Who waits for an answer is woken.
    ANSWER: Wake, "the answer was said before";
    /// A writer waits for the answer.
    ANSWER_SLEEP: Wait, "orders nothing";
}

/// A writer waits for room.
const WAITS: u32 = 1;
/// It has ended.
const ENDED: u32 = 2;

/// Who writes beside the one that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Nobody.
    Nobody,
    /// Another that waits, until it is killed, which may be when it has just asked to be told.
    Killed,
    /// A thread of the owner's process, which may die with the lock.
    Mortal,
}

/// The ring is full. A writer asks a mediator, which says so and counts no refusal; then the owner to be told of room, and sleeps; and
/// then the mediator again. The owner's broker tells each that waits, and the reader reads as often as is needed.
#[derive(Clone, Copy, Debug)]
pub struct Patient {
    /// Who else writes.
    pub beside: Beside,
}

/// The socket between a waiting writer and the owner.
struct Link<P: Platform> {
    said: P::AtomicU32,
    answer: P::AtomicU32,
}

impl<P: Platform> Link<P> {
    fn new() -> Self {
        Link { said: Atomic::new("said", 0), answer: Atomic::new("answer", 0) }
    }

    /// Tells the owner, whose broker sleeps until anything happens.
    fn say(&self, ring: &HeapRing<P>, what: u32) {
        self.said.swap(&SAY, what);
        ring.ring_bell(bell::ROOM);
    }

    fn tell(&self) {
        self.answer.swap(&SAY, 1);
        P::wake(&self.answer, &ANSWER, u32::MAX);
    }

    fn hear_answer(&self) {
        while self.answer.swap(&HEAR, 0) == 0 {
            P::wait(&self.answer, &ANSWER_SLEEP, 0, None);
        }
    }
}

/// Writes one record, waiting for room as long as it takes, unless it is killed when it has asked to be told.
fn write_waiting<P: Platform>(ring: &HeapRing<P>, link: &Link<P>, tag: u64, is_killed: bool) -> Notes {
    let mut notes = Notes::new();
    loop {
        let is_written = P::scope(|| match mediate_waiting(ring, tag, 1) {
            Answer::Written => 1,
            answer => {
                assert_eq!(answer, Answer::Full);
                0
            }
        });
        if is_written == 1 {
            notes.push(10 * tag + 1);
            break;
        }
        link.say(ring, WAITS);
        if is_killed {
            break;
        }
        link.hear_answer();
    }
    link.say(ring, ENDED);
    notes
}

/// The owner's broker, until every writer has ended.
fn broker<P: Platform>(ring: &HeapRing<P>, links: &[Link<P>]) -> Notes {
    let mut waits: Vec<(usize, Wish)> = Vec::new();
    let mut ended = 0;
    loop {
        for (number, link) in links.iter().enumerate() {
            match link.said.swap(&HEAR, 0) {
                WAITS => waits.push((number, Wish::of_a_writer(ring, RECORD))),
                ENDED => {
                    waits.retain(|&(waiting, _)| waiting != number);
                    ended += 1;
                }
                _ => {}
            }
        }
        // It remembers of a look what it has found, and nothing else.
        let is_due = |wish: Wish| P::scope(|| wish.is_due(ring).into()) == 1;
        let (due, others): (Vec<_>, Vec<_>) = waits.iter().partition(|&&(_, wish)| is_due(wish));
        due.iter().for_each(|&(number, _)| links[number].tell());
        waits = others;
        if ended == links.len() {
            return Notes::new();
        }
        P::scope(|| {
            if !room::want_any(ring, waits.iter().map(|&(_, wish)| wish)) {
                ring.hear_room();
            }
            0
        });
    }
}

impl Scenario for Patient {
    fn name(&self) -> String {
        match self.beside {
            Beside::Nobody => "mediated-patient".into(),
            Beside::Killed => "mediated-patient-beside-killed".into(),
            Beside::Mortal => "mediated-patient-beside-mortal".into(),
        }
    }

    fn about(&self) -> String {
        let beside = match self.beside {
            Beside::Nobody => "",
            Beside::Killed => ", beside another that is killed once it has asked",
            Beside::Mortal => ", beside a thread of the owner's that may die at any step",
        };
        format!(
            "the ring is full, and a process for which a mediator writes{beside} asks the owner to be told of room; it gets through, \
             with nobody polling, and is refused nothing"
        )
    }

    fn outcomes(&self) -> Outcomes {
        match self.beside {
            Beside::Nobody => Outcomes::exactly(["alone"]),
            Beside::Killed | Beside::Mortal => Outcomes::exactly(["alone", "both"]),
        }
    }

    fn program<P: Platform>(&self) -> Program {
        let beside = self.beside;
        // As many records as will be written.
        let records = if beside == Beside::Nobody { 1 } else { 2 };
        let ring = Arc::new(HeapRing::<P>::with_grants(records * RECORD, 0, 2));
        for tag in [1, 2] {
            grant::give::<P, _>(&*ring, ring.grant(tag - 1), tag as u64);
        }
        assert_eq!(write_all(&ring, 3, records).len() as u64, records);
        let writers = if beside == Beside::Killed { 2 } else { 1 };
        let links: Arc<Vec<Link<P>>> = Arc::new((0..writers).map(|_| Link::new()).collect());
        let (waiting, others, brokers, readers) = (ring.clone(), ring.clone(), ring.clone(), ring.clone());
        let (waiters_links, others_links, brokers_links) = (links.clone(), links.clone(), links.clone());
        let mut program = Program::new()
            .thread("writer 1", move || write_waiting(&waiting, &waiters_links[0], 1, false))
            .thread("broker", move || broker(&brokers, &brokers_links))
            .thread("reader", move || {
                (0..records).map(|_| P::scope(|| drain(&readers, &mut Cursor::default(), 1)[0])).collect()
            });
        program = match beside {
            Beside::Nobody => program,
            Beside::Killed => program.thread("writer 2", move || write_waiting(&others, &others_links[1], 2, true)),
            Beside::Mortal => program.mortal("writer 2", move || write_all(&others, 2, 1)),
        };
        program.finish(move |ends| {
            assert_eq!(ends[0].notes(), [11]);
            let mut all = ends[2].notes().to_vec();
            all.extend(drain(&ring, &mut Cursor::default(), usize::MAX));
            for tag in [1, 2] {
                let (slot, there) =
                    (&ring.grant(tag - 1).slot, all.iter().filter(|&&note| note == 10 * tag as u64 + 1).count());
                let by_mediator = tag == 1 || beside == Beside::Killed;
                assert_eq!(
                    slot.accepted.get().0,
                    if by_mediator { there as u64 } else { 0 },
                    "counted and published differ"
                );
                assert_eq!(slot.no_space.get(), (0, 0), "a try in vain is no refusal");
            }
            if all.contains(&21) { "both".into() } else { "alone".into() }
        })
    }
}
