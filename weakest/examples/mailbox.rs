//! A mailbox of one slot, from its table of orderings to its counterexamples: a tour of the harness.
//!
//! A sender puts a letter into the slot, a receiver takes it out; either sleeps while it has to wait. If the sender dies,
//! somebody notices and hangs up, so that the receiver does not wait for ever.
//!
//! `cargo run -p weakest --example mailbox` weakens each ordering in turn and draws what then goes wrong, and kills the
//! sender before each of its steps. With `-- FILE.html` it writes all that as a page, too.
#![allow(missing_docs, reason = "an example")]

use std::sync::Arc;
use weakest::draw::text::{Colour, draw};
use weakest::facade::{Atomic, Cell, Platform, sites};
use weakest::report::page;
use weakest::verify::Verification;
use weakest::{Outcomes, Program, Scenario, verify};

// 1. Every operation on shared memory has a name, an ordering and a reason. A pair is the other side of the same thing.
sites! {
    /// The sender's look at the slot's state.
    SEND_LOOK: Load Acquire, pairs with [RECEIVE_FREE], "the last letter was taken out before the next one overwrites it";
    /// Asleep until the slot is free.
    SEND_SLEEP: Wait, "orders nothing; the state is looked at again";
    /// Putting the letter in.
    SEND_FILL: Write, "plain data";
    /// Saying that it is there.
    SEND_PUBLISH: Rmw Release, pairs with [RECEIVE_LOOK], "the letter is in the slot before anybody takes it out";
    /// The receiver's look at the slot's state.
    RECEIVE_LOOK: Load Acquire, pairs with [SEND_PUBLISH], "the letter is taken out after it was seen to be there";
    /// Asleep until there is a letter.
    RECEIVE_SLEEP: Wait, "orders nothing; the state is looked at again";
    /// Taking the letter out.
    RECEIVE_TAKE: Read, "plain data";
    /// Saying that the slot is free.
    RECEIVE_FREE: Rmw Release, pairs with [SEND_LOOK], "as SEND_LOOK";
    /// Hanging up for a sender that is gone.
    HANG_UP: Rmw Relaxed, "says nothing about the letter; that is SEND_PUBLISH's";
    /// Waking the other side, whoever it is.
    WAKE: Wake, "after each change of the state";
}

const FULL: u32 = 1;
const GONE: u32 = 2;

// 2. The code, generic over the platform: it runs on real memory (`facade::Native`) as it runs in every engine.
pub struct Mailbox<P: Platform> {
    state: P::AtomicU32,
    slot: P::Cell,
}

impl<P: Platform> Mailbox<P> {
    pub fn new() -> Arc<Self> {
        Arc::new(Mailbox { state: P::AtomicU32::new("state", 0), slot: P::Cell::new("slot", 0, 0) })
    }

    pub fn send(&self, letter: u64) {
        loop {
            let state = self.state.load(&SEND_LOOK);
            if state & FULL == 0 {
                break;
            }
            P::wait(&self.state, &SEND_SLEEP, state, None);
        }
        self.slot.write(&SEND_FILL, letter);
        self.state.fetch_or(&SEND_PUBLISH, FULL);
        P::wake(&self.state, &WAKE, 1);
    }

    /// The next letter, or nothing if the sender is gone and has left none.
    pub fn receive(&self) -> Option<u64> {
        loop {
            let state = self.state.load(&RECEIVE_LOOK);
            if state & FULL != 0 {
                let letter = self.slot.read(&RECEIVE_TAKE);
                self.state.fetch_and(&RECEIVE_FREE, !FULL);
                P::wake(&self.state, &WAKE, 1);
                return Some(letter);
            }
            if state & GONE != 0 {
                return None;
            }
            P::wait(&self.state, &RECEIVE_SLEEP, state, None);
        }
    }

    pub fn hang_up(&self) {
        self.state.fetch_or(&HANG_UP, GONE);
        P::wake(&self.state, &WAKE, 1);
    }
}

// 3. A scenario: some threads, who of them may be killed, and what must have come of it. Fresh memory every time.
pub struct Letters {
    pub count: u64,
}

impl Scenario for Letters {
    fn name(&self) -> String {
        format!("letters-{}", self.count)
    }

    fn about(&self) -> String {
        format!("a sender sends {} letter(s), a receiver takes them in order, and outlives the sender", self.count)
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::Exactly([format!("{} received", self.count)].into())
    }

    fn program<P: Platform>(&self) -> Program {
        let mailbox = Mailbox::<P>::new();
        let (sender, closer, count) = (mailbox.clone(), mailbox.clone(), self.count);
        Program::new()
            .mortal("sender", move || (1..=count).inspect(|&letter| sender.send(letter)).collect())
            .thread("receiver", move || (0..count).map_while(|_| mailbox.receive()).collect())
            .on_death(move |_| closer.hang_up())
            .finish(|ends| {
                let letters = ends[1].notes();
                assert!(letters.iter().copied().eq(1..=letters.len() as u64), "in order: {letters:?}");
                format!("{} received", letters.len())
            })
    }
}

// 4. One call verifies it; as a test it is one line. The explorer goes through all states of each scenario, the sender dies before
// each of its steps, and every ordering is weakened in turn. loom and shuttle are asked too, where this crate has them.
pub fn protocol() -> Verification {
    let verification = verify(ALL).scenario(Letters { count: 1 }).scenario(Letters { count: 2 });
    #[cfg(feature = "loom")]
    let verification = verification.also(weakest::suite::Engine::Loom(Default::default()));
    #[cfg(feature = "shuttle")]
    let verification = verification.also(weakest::suite::Engine::Shuttle(Default::default()));
    verification
}

// 5. What came of it: every scenario passes, every weaker ordering fails.
#[allow(dead_code, reason = "the tests use this file as a module")]
fn main() -> std::io::Result<()> {
    let results = protocol().results();
    for run in &results.models {
        println!("{} under {}: {}, {}", run.scenario, run.engine, run.verdict, run.coverage);
    }
    for row in results.matrix.iter().flat_map(|matrix| &matrix.rows) {
        println!("\n{} {} → {}: {}", row.site, row.site.order, row.order, row.fate.word());
        row.killed_by.iter().take(1).for_each(|kill| println!("{}", draw(&kill.trace, Colour::Off)));
    }
    println!("complaints: {:?}", results.complaints());
    let preface = page::Preface { title: "mailbox".into(), ..Default::default() };
    std::env::args().nth(1).map_or(Ok(()), |file| std::fs::write(file, page::draw(&preface, &results)))
}
