//! Threads over the ring: every way in which a program may go.

use super::call::{Actor, After};
use super::ring::{Ring, Wish, refusal};
use crate::programs::actor::{CLOSING, HOLDER, OLD, OTHER, PROBE};
use crate::programs::call::{Call, note};
use iobring::protocol::write::Refusal;
use std::collections::HashSet;

/// When time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Time {
    /// A deadline may be over at any moment, since threads may be slow.
    AtWill,
    /// Only when no thread can do anything.
    WhenIdle,
}

/// What the program may have left: the notes of each thread, `None` for one that died; and those of the final look.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Answer {
    /// The threads' notes.
    pub threads: Vec<Option<Vec<u64>>>,
    /// The final look's.
    pub last: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Status {
    /// In front of this call, or in it.
    At(usize),
    Ended,
    Died,
}

/// What the world does about a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Watcher {
    Looks,
    Writes,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    ring: Ring,
    actors: Vec<(Actor, Status)>,
    watchers: Vec<Watcher>,
    deaths: u8,
}

/// A program, as the specification takes it.
#[derive(Clone, Debug)]
pub struct World {
    /// The ring's size in bytes.
    pub capacity: u64,
    /// Where its indices start.
    pub start: u64,
    /// How many records of 8 bytes are in it before.
    pub filled: u64,
    /// The calls of each thread, and whether it may die.
    pub threads: Vec<(Vec<Call>, bool)>,
    /// How many may die.
    pub deaths: u8,
    /// Whether somebody sees to a waiting reader when a writer has died.
    pub watched: bool,
    /// How many copies there are of the writers' endpoint.
    pub copies: u64,
    /// Whether the final look tells of the account in the region.
    pub region: bool,
    /// Likewise in the owner's process.
    pub process: bool,
    /// Whether there is a right to write by way of a mediator, of whose account the final look tells.
    pub grant: bool,
    /// Whether the final look tells what was refused.
    pub losses: bool,
    /// Whether it tells if whoever asked for room was rung for.
    pub wishes: bool,
    /// When time passes.
    pub time: Time,
}

impl World {
    /// Everything that the program may leave; `None` if it may wait for ever, or if there is too much to say (more than
    /// `limit` states).
    pub fn answers(&self, limit: usize) -> Option<HashSet<Answer>> {
        let mut answers = HashSet::new();
        let start = self.state();
        let mut seen = HashSet::from([start.clone()]);
        let mut todo = vec![start];
        while let Some(state) = todo.pop() {
            if seen.len() > limit {
                return None;
            }
            let over = state.watchers.is_empty()
                && state.actors.iter().all(|(_, status)| matches!(status, Status::Ended | Status::Died));
            if over {
                answers.extend(self.answers_of(&state));
                continue;
            }
            let mut next = self.steps(&state);
            if next.is_empty() || self.time == Time::AtWill {
                let passed = self.time_passes(&state);
                if next.is_empty() && passed.is_none() {
                    return None;
                }
                next.extend(passed);
            }
            next.extend(self.deaths(&state));
            for state in next {
                if !seen.contains(&state) {
                    seen.insert(state.clone());
                    todo.push(state);
                }
            }
        }
        Some(answers)
    }

    fn state(&self) -> State {
        let mut ring = Ring { counts: self.region, ..Ring::new(self.capacity, self.start, self.copies) };
        let mut writer = Actor::new(OLD);
        for _ in 0..self.filled {
            let after = writer.may(&ring, Call::Write).swap_remove(0);
            (ring, writer) = (after.ring, after.actor);
        }
        // All that happens before the threads start.
        let actor = |tag: u64| Actor { knows: writer.knows, ..Actor::new(tag) };
        State {
            ring,
            actors: (1..).zip(&self.threads).map(|(tag, _)| (actor(tag), Status::At(0))).collect(),
            watchers: Vec::new(),
            deaths: self.deaths,
        }
    }

    /// What anybody may do next, apart from dying.
    fn steps(&self, state: &State) -> Vec<State> {
        let mut next = Vec::new();
        for (thread, (actor, status)) in state.actors.iter().enumerate() {
            let Status::At(at) = *status else { continue };
            let calls = &self.threads[thread].0;
            let Some(&call) = calls.get(at) else {
                let mut state = state.clone();
                state.actors[thread].1 = Status::Ended;
                next.push(state);
                continue;
            };
            for After { ring, actor, returned } in actor.may(&state.ring, call) {
                let mut state = State { ring, ..state.clone() };
                state.actors[thread] = (actor, Status::At(at + usize::from(returned)));
                next.push(state);
            }
        }
        for (at, watcher) in state.watchers.iter().enumerate() {
            let mut state = state.clone();
            state.watchers.remove(at);
            match watcher {
                Watcher::Looks if state.ring.head() == state.ring.tail() => state.watchers.push(Watcher::Writes),
                Watcher::Looks => {}
                Watcher::Writes => {
                    for After { ring, .. } in Actor::new(CLOSING).may(&state.ring, Call::Empty) {
                        next.push(State { ring, ..state.clone() });
                    }
                    continue;
                }
            }
            next.push(state);
        }
        next
    }

    /// Time passes until the next deadline of somebody who waits for it.
    fn time_passes(&self, state: &State) -> Option<State> {
        let waiting = state.actors.iter().filter(|(_, status)| matches!(status, Status::At(_)));
        let deadlines = waiting.filter_map(|(actor, _)| actor.begun).map(|(_, deadline)| deadline);
        let now = deadlines.filter(|&deadline| deadline > state.ring.now).min()?;
        let mut state = state.clone();
        state.ring.now = now;
        Some(state)
    }

    fn deaths(&self, state: &State) -> Vec<State> {
        let mut next = Vec::new();
        for (thread, (_, mortal)) in self.threads.iter().enumerate() {
            let (actor, Status::At(at)) = &state.actors[thread] else { continue };
            if *mortal && state.deaths > 0 {
                // A repair is the one call that a death may leave half done; then it is to be done again.
                let half_done = match self.threads[thread].0.get(*at) {
                    Some(Call::Resync) => actor.may(&state.ring, Call::Resync),
                    _ => Vec::new(),
                };
                let half_done: Vec<Ring> = half_done.into_iter().map(|after| after.ring.without_tail()).collect();
                let mut state = state.clone();
                state.deaths -= 1;
                // What it knew, it takes with it.
                state.actors[thread] = (Actor::new(0), Status::Died);
                if self.watched {
                    state.watchers.push(Watcher::Looks);
                }
                next.extend(half_done.into_iter().map(|ring| State { ring, ..state.clone() }));
                next.push(state);
            }
        }
        next
    }

    /// What an end may leave. The bell for room is rung where it must be; elsewhere it may be, for nothing.
    fn answers_of(&self, state: &State) -> Vec<Answer> {
        let answer = self.answer(state);
        let rung = |rung: bool| {
            let mut answer = answer.clone();
            answer.last.push(note::ANSWER + u64::from(rung));
            answer
        };
        match (self.wishes, state.ring.wish == Wish::Granted) {
            (false, _) => vec![answer],
            (true, true) => vec![rung(true)],
            (true, false) => vec![rung(true), rung(false)],
        }
    }

    /// What an end leaves: looked at by somebody who knows everything.
    fn answer(&self, state: &State) -> Answer {
        let mut ring = state.ring.clone();
        let mut last = Actor::new(PROBE);
        last.knows = ring.everything();
        let make = |last: &mut Actor, ring: &mut Ring, call| {
            let after = last.may(ring, call).swap_remove(0);
            (*ring, *last) = (after.ring, after.actor);
        };
        make(&mut last, &mut ring, Call::Drain);
        if last.notes[0] >= note::ERROR {
            make(&mut last, &mut ring, Call::Resync);
        }
        if self.region {
            last.notes.extend(ring.region.figures(self.losses));
        }
        if self.process {
            last.notes.extend(ring.process.figures(self.losses));
        }
        if self.grant {
            last.notes.extend(ring.grant.figures(true));
            let may = |holder| if ring.holder == holder { refusal(Refusal::Invalid) } else { note::REVOKED };
            last.notes.extend([HOLDER, OTHER].map(may));
        }
        let mut probes = 0;
        loop {
            make(&mut last, &mut ring, Call::Write);
            let written = last.notes.pop().expect("a write leaves a note");
            if written != note::ACCEPTED + 1 {
                break;
            }
            probes += 1;
        }
        last.notes.push(note::ACCEPTED + probes);
        make(&mut last, &mut ring, Call::Drain);
        let threads = state.actors.iter().map(|(actor, status)| match status {
            Status::Died => None,
            _ => Some(actor.notes.clone()),
        });
        Answer { threads: threads.collect(), last: last.notes }
    }
}
