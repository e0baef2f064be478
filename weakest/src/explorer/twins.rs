//! Twins: points of a thread's life from which it does the same whatever happens, though it has read different things.
//!
//! A body cannot be looked into, but it can be tried. A [`Trial`] goes on from a history in an invented environment that
//! answers each operation with some value seen in that place before, and takes down what the body asks for. Points of one
//! scope with the same record of many trials are taken for twins. A [`Walk`] is the check afterwards: it goes with the body
//! along the answers that the search really gave, and compares what the body asks for with what its twins did.
//! `weakest/docs/explorer.md` says what that is worth.

use super::operation::{Answer, Objects, Operation, Request};
use super::replay::{Guide, Next};
use super::tree::NodeId;
use rustc_hash::{FxHashMap, FxHasher};
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

/// The values that have been seen in each place.
#[derive(Clone, Debug)]
pub(super) struct Values {
    locations: Vec<BTreeSet<u64>>,
    words: Vec<BTreeSet<u64>>,
}

impl Values {
    /// Nothing but the initial ones.
    pub(super) fn initial(objects: &Objects) -> Self {
        Values {
            locations: objects.locations.iter().map(|location| [location.initial].into()).collect(),
            words: objects.words.iter().map(|word| [word.initial].into()).collect(),
        }
    }

    /// Those at the location that an operation reads.
    pub(super) fn of(&self, operation: &Operation) -> impl Iterator<Item = u64> + '_ {
        let reads = matches!(operation.request, Request::Load | Request::Update(..) | Request::CompareExchange { .. });
        self.locations.get(operation.object as usize).filter(|_| reads).into_iter().flatten().copied()
    }

    /// Adds what an operation writes.
    pub(super) fn asked(&mut self, operation: &Operation) {
        let object = operation.object as usize;
        match operation.request {
            Request::Write(value) => drop(self.words[object].insert(value)),
            Request::Store(value) | Request::StoreAndWakeAll(value) | Request::CompareExchange { new: value, .. } => {
                self.locations[object].insert(value);
            }
            _ => {}
        }
    }

    /// Adds what an operation was answered.
    pub(super) fn answered(&mut self, operation: &Operation, answer: Answer) {
        let object = operation.object as usize;
        match operation.request {
            Request::Read => drop(self.words[object].insert(answer.value)),
            Request::Load | Request::Update(..) | Request::CompareExchange { .. } => {
                self.locations[object].insert(answer.value);
            }
            _ => {}
        }
    }
}

/// A sequence of numbers that only looks random.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(number: u64) -> Self {
        Dice((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Less than `sides`.
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 20) % sides as u64) as usize
    }
}

/// What trials are made with.
#[derive(Debug)]
pub(super) struct Laboratory {
    /// How many trials each point gets.
    pub(super) trials: u64,
    locations: Vec<Vec<u64>>,
    words: Vec<Vec<u64>>,
}

impl Laboratory {
    /// Trials that answer with these values.
    pub(super) fn new(values: &Values, trials: u64) -> Arc<Self> {
        let urns = |sets: &[BTreeSet<u64>]| sets.iter().map(|set| set.iter().copied().collect()).collect();
        Arc::new(Laboratory { trials, locations: urns(&values.locations), words: urns(&values.words) })
    }
}

/// How many operations a trial follows a thread for, if it stays in its scope for so long.
const PATIENCE: u32 = 300;

/// A thread alone with an invented environment.
pub(super) struct Trial {
    laboratory: Arc<Laboratory>,
    locations: Vec<u64>,
    words: Vec<u64>,
    dice: Dice,
    left: u32,
    /// What the body asked for.
    record: FxHasher,
}

impl Trial {
    /// The trial of the given number. The same number means the same answers to the same operations.
    pub(super) fn new(laboratory: &Arc<Laboratory>, number: u64) -> Self {
        let mut dice = Dice::new(number);
        let mut draw = |urns: &[Vec<u64>]| urns.iter().map(|urn| urn[dice.roll(urn.len())]).collect();
        let (locations, words) = (draw(&laboratory.locations), draw(&laboratory.words));
        let laboratory = laboratory.clone();
        Trial { laboratory, locations, words, dice, left: PATIENCE, record: FxHasher::default() }
    }

    /// The record, `end` being where the body came to.
    pub(super) fn record(&self, end: &Next) -> u64 {
        let mut record = self.record.clone();
        match end {
            Next::Left { result, .. } => (0, result).hash(&mut record),
            Next::Returned(notes) => (1, notes).hash(&mut record),
            Next::Panicked(message) => (2, message).hash(&mut record),
            // Patience was at an end.
            Next::Operation(_) | Next::Back { .. } => 3.hash(&mut record),
        }
        record.finish()
    }
}

impl Guide for Trial {
    fn answer(&mut self, operation: &Operation) -> Option<Answer> {
        operation.hash(&mut self.record);
        self.left = self.left.checked_sub(1)?;
        let object = operation.object as usize;
        let (place, urn) = match operation.request {
            Request::Fence | Request::Announce | Request::Retire => return Some(Answer::NOTHING),
            Request::Now => return Some(Answer::value(1_000_000_000 * self.dice.roll(3) as u64)),
            Request::Read | Request::Write(_) => (&mut self.words[object], &self.laboratory.words[object]),
            _ => (&mut self.locations[object], &self.laboratory.locations[object]),
        };
        // Every so often somebody else has been there.
        if self.dice.roll(2) == 0 {
            *place = urn[self.dice.roll(urn.len())];
        }
        let found = *place;
        Some(match operation.request {
            Request::Load | Request::Read => Answer::value(found),
            Request::Store(value) | Request::Write(value) => {
                *place = value;
                Answer::NOTHING
            }
            Request::StoreAndWakeAll(value) => {
                *place = value;
                Answer::value(self.dice.roll(3) as u64)
            }
            Request::Update(update, operand) => {
                *place = update.apply_as(found, operand, u64::MAX, false);
                Answer::value(found)
            }
            // Half of the time it is given what it hopes for, or it would seldom get on.
            Request::CompareExchange { current, new, weak } => {
                if (found == current || self.dice.roll(2) == 0) && !(weak && self.dice.roll(4) == 0) {
                    *place = new;
                    Answer::exchanged(current)
                } else {
                    Answer::value(found)
                }
            }
            Request::Wait { expected, .. } if found != expected => Answer::CHANGED,
            Request::Wait { deadline: Some(_), .. } if self.dice.roll(2) == 0 => Answer::TIMED_OUT,
            Request::Wait { .. } => Answer::WOKEN,
            Request::Wake { .. } => Answer::value(self.dice.roll(3) as u64),
            Request::Fence | Request::Announce | Request::Retire | Request::Now => unreachable!("answered above"),
        })
    }
}

/// What the search took the threads for: of each point its next operation, if any, and where the answers given led.
pub(super) type Map = FxHashMap<NodeId, (Option<Operation>, Vec<(Answer, NodeId)>)>;

/// A walk along the answers of the search.
pub(super) struct Walk {
    map: Rc<Map>,
    /// Where the search took the body to be.
    pub(super) at: NodeId,
    /// Whether the body asked for something else than expected there.
    pub(super) astray: bool,
    choices: Choices,
    /// The points passed so far.
    passed: Vec<NodeId>,
}

/// How a walk goes on where there are several ways.
pub(super) enum Choices {
    /// At random.
    Random(Dice),
    /// By these numbers, each with the number of ways there were; then the first way everywhere.
    Given(Vec<(usize, usize)>),
}

impl Walk {
    /// A walk from a point on.
    pub(super) fn new(map: &Rc<Map>, from: NodeId, choices: Choices) -> Self {
        Walk { map: map.clone(), at: from, astray: false, choices, passed: Vec::new() }
    }

    /// The choices of the next walk, if this one went by given choices and there is another.
    pub(super) fn next(&self) -> Option<Choices> {
        let Choices::Given(choices) = &self.choices else { return None };
        let last = choices[..self.passed.len().min(choices.len())].iter().rposition(|&(way, ways)| way + 1 < ways)?;
        let mut choices = choices[..=last].to_vec();
        choices[last].0 += 1;
        Some(Choices::Given(choices))
    }
}

impl Guide for Walk {
    fn answer(&mut self, operation: &Operation) -> Option<Answer> {
        let map = self.map.clone();
        let (expected, ways) = map.get(&self.at)?;
        self.astray = expected.as_ref() != Some(operation);
        // Twice round a loop is enough.
        let fresh = |to: NodeId| self.passed.iter().filter(|&&passed| passed == to).count() < 2;
        let ways: Vec<_> = ways.iter().filter(|&&(_, to)| fresh(to)).collect();
        if self.astray || ways.is_empty() {
            return None;
        }
        let step = self.passed.len();
        let way = match &mut self.choices {
            Choices::Random(dice) => dice.roll(ways.len()),
            Choices::Given(choices) => {
                if step == choices.len() {
                    choices.push((0, ways.len()));
                }
                choices[step].0
            }
        };
        self.passed.push(self.at);
        let &&(answer, to) = &ways[way];
        self.at = to;
        Some(answer)
    }
}
