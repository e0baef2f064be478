//! The encoded states of one level of a breadth-first search, end to end in one buffer.

use super::visited::StateId;

/// The encoded states of one level.
#[derive(Default)]
pub(super) struct Level {
    pub(super) bytes: Vec<u8>,
    /// Each state's number and where it ends in `bytes`.
    pub(super) states: Vec<(StateId, usize)>,
}

impl Level {
    pub(super) fn get(&self, index: usize) -> (StateId, &[u8]) {
        let (id, end) = self.states[index];
        let start = if index == 0 { 0 } else { self.states[index - 1].1 };
        (id, &self.bytes[start..end])
    }

    pub(super) fn append(&mut self, other: Level) {
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.states.extend(other.states.iter().map(|&(id, end)| (id, end + offset)));
    }
}
