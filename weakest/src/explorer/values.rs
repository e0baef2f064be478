//! The values that have been seen in each place: what a read may be tried with to learn whether anything depends on it.

use super::operation::{Answer, Objects, Operation, Request};
use std::collections::BTreeSet;

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
