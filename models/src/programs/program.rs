//! A program: a few threads with a few calls each, over a ring that starts somewhere.

use super::actor::{Actor, CLOSING, Needs, OLD, PROBE, World};
use super::call::{Call, Place, Side};
use crate::spec::{self, Answer, Time};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use weakest::explorer::{self, ExplorerOptions, Often};
use weakest::{End, Scenario};
use weakest_facade::Platform;

/// The ring before the threads start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Start {
    /// Its size in bytes.
    pub capacity: u64,
    /// Where the indices stand.
    pub index: u64,
    /// How many records of 8 bytes are in it.
    pub filled: u64,
    /// Whether its lock is biased, towards the first thread to begin with.
    pub biased: bool,
}

/// One thread.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Thread {
    /// What it does, one after the other.
    pub calls: Vec<Call>,
    /// Whether it may die.
    pub mortal: bool,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Program {
    /// The ring before.
    pub start: Start,
    /// The threads. Only one of them makes a reader's calls.
    pub threads: Vec<Thread>,
    /// How many of them may die in one execution.
    pub deaths: u8,
    /// Whether waits may end for nothing.
    pub restless: bool,
    /// When time passes.
    pub time: Time,
}

/// More states of the specification than this, and a program is none of ours.
const MOST: usize = 200_000;

impl Program {
    /// All calls, of all threads.
    pub fn calls(&self) -> impl Iterator<Item = Call> {
        self.threads.iter().flat_map(|thread| thread.calls.iter().copied())
    }

    fn has(&self, what: impl Fn(Call) -> bool) -> bool {
        self.calls().any(what)
    }

    fn counts_in(&self, place: Place) -> bool {
        self.has(|call| {
            call.account() == Some(place)
                || match place {
                    Place::Region => {
                        matches!(call, Call::Tally | Call::TakeOver | Call::Clear)
                    }
                    Place::Process => call == Call::TakeOver,
                    Place::Grant => call.mediates(),
                }
        })
    }

    fn copies(&self) -> Option<u64> {
        let asked = self.has(|call| matches!(call, Call::Copy | Call::HangUp | Call::Closed));
        let writes = |thread: &&Thread| thread.calls.iter().any(|call| call.side() == Side::Writer);
        asked.then(|| (self.threads.iter().filter(writes).count() as u64).max(1))
    }

    /// Whether the final look tells what was refused: who counts that himself may die before he has.
    fn tells_losses(&self) -> bool {
        self.deaths == 0
    }

    /// Whether the final look tells if whoever asked for room was rung for: one asked, and nobody else has a hand in it.
    fn tells_wishes(&self) -> bool {
        let asks = self.threads.iter().filter(|thread| thread.calls.contains(&Call::Ask)).count();
        asks == 1
            && self.deaths == 0
            && !self.has(|call| call.awaits_room() || matches!(call, Call::ScribbleRoom | Call::Abandon))
    }

    /// Whether somebody sees to the reader when a writer has died.
    fn watched(&self) -> bool {
        let waits =
            |call| matches!(call, Call::Wait | Call::WaitBoth | Call::WaitBell | Call::WaitDescriptor | Call::Endless);
        self.deaths > 0 && self.has(waits)
    }

    /// What the program may leave according to the specification; `None` if it may wait for ever.
    pub fn answers(&self) -> Option<HashSet<Answer>> {
        let world = spec::World {
            capacity: self.start.capacity,
            start: self.start.index,
            filled: self.start.filled,
            threads: self.threads.iter().map(|thread| (thread.calls.clone(), thread.mortal)).collect(),
            deaths: self.deaths,
            watched: self.watched(),
            copies: self.copies().unwrap_or(1),
            region: self.counts_in(Place::Region),
            process: self.counts_in(Place::Process),
            grant: self.counts_in(Place::Grant),
            losses: self.tells_losses(),
            wishes: self.tells_wishes(),
            time: self.time,
        };
        world.answers(MOST)
    }

    /// How the explorer is to run it.
    pub fn options(&self, max_states: u64) -> ExplorerOptions {
        ExplorerOptions {
            deaths: self.deaths,
            spurious_wakes: if self.restless { Often::Always } else { Often::Never },
            time: match self.time {
                Time::AtWill => explorer::Time::PassesAtWill,
                Time::WhenIdle => explorer::Time::PassesInIdleness,
            },
            workers: 1,
            max_states: Some(max_states),
            ..ExplorerOptions::default()
        }
    }

    fn needs(&self) -> Needs {
        let mut lengths = vec![Vec::new(); 1 + OLD as usize];
        for (thread, lengths) in self.threads.iter().zip(&mut lengths[1..]) {
            lengths.extend(thread.calls.iter().flat_map(|call| call.messages()));
        }
        lengths[OLD as usize] = vec![8; self.start.filled as usize];
        lengths[CLOSING as usize] = vec![0];
        lengths[PROBE as usize] = vec![8; self.start.capacity as usize / 24];
        Needs {
            lengths,
            region: self.counts_in(Place::Region),
            process: self.counts_in(Place::Process),
            grant: self.counts_in(Place::Grant),
            copies: self.copies(),
            forbids: self.has(|call| matches!(call, Call::Permitted | Call::Forbid)),
            naps: self.has(|call| matches!(call, Call::Nap | Call::Slow)),
        }
    }
}

/// In one line, such as `write, hang-up † | wait, drain @ 72+0 holding 1, 1 death`.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, thread) in self.threads.iter().enumerate() {
            let names: Vec<String> = thread.calls.iter().map(|call| call.name()).collect();
            let (bar, mortal) = (if at > 0 { " / " } else { "" }, if thread.mortal { " †" } else { "" });
            write!(f, "{bar}{}{mortal}", names.join(", "))?;
        }
        let Start { capacity, index, filled, biased } = self.start;
        match u64::MAX - index {
            left @ ..1000 => write!(f, " @ {capacity}-{}", left + 1)?,
            _ => write!(f, " @ {capacity}+{index}")?,
        }
        if filled > 0 {
            write!(f, " holding {filled}")?;
        }
        if biased {
            write!(f, ", biased")?;
        }
        if self.deaths > 0 {
            write!(f, ", ≤ {} deaths", self.deaths)?;
        }
        if self.restless {
            write!(f, ", restless")?;
        }
        if self.time == Time::WhenIdle {
            write!(f, ", time passes when idle")?;
        }
        Ok(())
    }
}

/// A program with what it may leave: for an engine to run.
#[derive(Clone)]
pub struct Specified {
    program: Program,
    answers: Arc<HashSet<Answer>>,
}

impl Specified {
    /// The program, if the specification says that it ends.
    pub fn new(program: Program) -> Option<Self> {
        let answers = Arc::new(program.answers()?);
        Some(Specified { program, answers })
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// How many different things it may leave.
    pub fn answers(&self) -> usize {
        self.answers.len()
    }
}

impl Scenario for Specified {
    fn name(&self) -> String {
        self.program.to_string()
    }

    fn about(&self) -> String {
        "a generated program: whatever it leaves, the specification allows".into()
    }

    fn program<P: Platform>(&self) -> weakest::Program {
        let world = Arc::new(World::<P>::new(&self.program.start, self.program.needs()));
        let mut program = weakest::Program::new();
        for (tag, thread) in (1..).zip(&self.program.threads) {
            let (world, calls) = (world.clone(), thread.calls.clone());
            let side = |call: &Call| if call.side() == Side::Reader { "reader" } else { "writer" };
            let name = format!("{} {tag}", side(thread.calls.last().expect("a thread that does something")));
            let body = move || {
                let mut actor = Actor::new(tag);
                calls.iter().for_each(|&call| actor.make(&world, call));
                actor.notes()
            };
            program = if thread.mortal { program.mortal(name, body) } else { program.thread(name, body) };
        }
        if self.program.watched() {
            let world = world.clone();
            program = program.on_death(move |_| world.close());
        }
        let answers = self.answers.clone();
        let (losses, wishes) = (self.program.tells_losses(), self.program.tells_wishes());
        program.finish(move |ends| {
            let notes = |end: &End| match end {
                End::Returned(notes) => Some(notes.clone()),
                End::Died { .. } => None,
            };
            let answer = Answer { threads: ends.iter().map(notes).collect(), last: world.last(losses, wishes) };
            assert!(answers.contains(&answer), "{}", complaint(&answer, &answers));
            "as specified".into()
        })
    }
}

/// What is wrong with an answer that the specification does not have: where it differs from the nearest that it has.
fn complaint(answer: &Answer, answers: &HashSet<Answer>) -> String {
    let differences = |other: &Answer| {
        let threads = answer.threads.iter().zip(&other.threads).filter(|(one, other)| one != other).count();
        threads + usize::from(answer.last != other.last)
    };
    let mut all: Vec<&Answer> = answers.iter().collect();
    all.sort();
    let nearest = all.into_iter().min_by_key(|other| differences(other));
    let mut text = String::from("no execution of the specification leaves this");
    let Some(nearest) = nearest else { return text };
    for (at, (one, other)) in answer.threads.iter().zip(&nearest.threads).enumerate().filter(|(_, (a, b))| a != b) {
        let words = |notes: &Option<Vec<u64>>| notes.as_ref().map_or("dies".into(), |notes| super::call::words(notes));
        text += &format!("; thread {}: {}, where it should be: {}", at + 1, words(one), words(other));
    }
    if answer.last != nearest.last {
        let words = super::call::words;
        text += &format!("; in the end: {}, where it should be: {}", words(&answer.last), words(&nearest.last));
    }
    text
}
