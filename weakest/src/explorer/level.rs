//! The encoded states of one level of a breadth-first search, end to end in one buffer.
//!
//! Most bytes of an encoded state are zero: what nobody has to be told, flags that are not set. So of each eight bytes a level
//! keeps a byte that says which of them are not zero, and those.

use super::faults::{Fault as Seeded, seeded};
use super::visited::StateId;

/// The encoded states of one level.
#[derive(Default)]
pub(super) struct Level {
    bytes: Vec<u8>,
    /// Each state's number and where it ends in `bytes`.
    pub(super) states: Vec<(StateId, usize)>,
}

impl Level {
    /// How many bytes the states take.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a state.
    pub(super) fn push(&mut self, id: StateId, encoded: &[u8]) {
        pack(encoded, &mut self.bytes);
        self.states.push((id, self.bytes.len()));
    }

    /// A state's number. Its encoding, maybe with zeros behind it, replaces what is in `encoded`.
    pub(super) fn get(&self, index: usize, encoded: &mut Vec<u8>) -> StateId {
        let (id, end) = self.states[index];
        let start = if index == 0 { 0 } else { self.states[index - 1].1 };
        unpack(&self.bytes[start..end], encoded);
        id
    }

    pub(super) fn append(&mut self, other: Level) {
        if self.states.is_empty() {
            *self = other;
            return;
        }
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.states.extend(other.states.iter().map(|&(id, end)| (id, end + offset)));
    }
}

/// Without a branch for each byte: which are zero is not to be foreseen.
fn pack(encoded: &[u8], packed: &mut Vec<u8>) {
    packed.reserve(encoded.len() + encoded.len() / 8 + 1);
    for group in encoded.chunks(8) {
        let (mut mask, mut taken, mut bytes) = (0, 0, [0; 8]);
        for (bit, &byte) in group.iter().enumerate() {
            let there = u8::from(byte != 0);
            bytes[taken & 7] = byte;
            mask |= there << bit;
            taken += usize::from(there);
        }
        packed.push(mask);
        packed.extend_from_slice(&bytes[..taken]);
    }
}

fn unpack(mut packed: &[u8], encoded: &mut Vec<u8>) {
    encoded.clear();
    while let Some((&mask, rest)) = packed.split_first() {
        let mut group = [0; 8];
        let mut left = mask;
        let taken = mask.count_ones() as usize;
        for &byte in &rest[..taken] {
            group[left.trailing_zeros() as usize & 7] = byte;
            left &= left - 1;
        }
        if seeded(Seeded::LastBytesAreLost) {
            group[7] = 0;
        }
        encoded.extend_from_slice(&group);
        packed = &rest[taken..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_come_back_as_they_went_in() {
        let states: Vec<Vec<u8>> = (0..40u8).map(|n| (0..n).map(|i| (i % 3).wrapping_mul(n ^ i)).collect()).collect();
        let (mut level, mut other) = (Level::default(), Level::default());
        for (id, state) in (0..).zip(&states) {
            if id < 20 { level.push(id, state) } else { other.push(id, state) }
        }
        level.append(other);
        let mut encoded = Vec::new();
        for (index, state) in states.iter().enumerate() {
            assert_eq!(level.get(index, &mut encoded), index as StateId);
            assert_eq!(&encoded[..state.len()], &state[..]);
            assert!(encoded[state.len()..].iter().all(|&byte| byte == 0));
        }
    }
}
