//! The states that a search has seen, by number, and how it came to each.

use super::tree::lock;
use hashbrown::HashTable;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A state's number: its shard in the low bits, its index there in the others.
pub(super) type StateId = u32;
pub(super) const NOBODY: StateId = StateId::MAX;
const SHARDS: usize = 64;

#[derive(Default)]
struct Shard {
    table: HashTable<u32>,
    keys: Vec<u128>,
    /// The state before, and which of its branches leads here.
    parents: Vec<(StateId, u16)>,
}

/// All states seen so far. Several workers may enter states at once.
pub(super) struct Visited {
    shards: Vec<Mutex<Shard>>,
    states: AtomicU64,
}

impl Visited {
    pub(super) fn none() -> Self {
        Visited { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), states: AtomicU64::new(0) }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.states.load(Ordering::Relaxed)
    }

    /// Enters a state, and says whether it is new.
    pub(super) fn enter(&self, key: u128, parent: StateId, ordinal: u16) -> (StateId, bool) {
        let number = key as usize % SHARDS;
        let mut shard = lock(&self.shards[number]);
        let Shard { table, keys, parents } = &mut *shard;
        let hash = (key >> 64) as u64;
        let known = table.find(hash, |&index| keys[index as usize] == key);
        let (index, new) = match known {
            Some(&index) => (index, false),
            None => {
                let index = keys.len() as u32;
                assert!((index as usize) < (NOBODY as usize) / SHARDS, "more states than there are numbers for them");
                keys.push(key);
                parents.push((parent, ordinal));
                table.insert_unique(hash, index, |&index| (keys[index as usize] >> 64) as u64);
                self.states.fetch_add(1, Ordering::Relaxed);
                (index, true)
            }
        };
        (index * SHARDS as u32 + number as u32, new)
    }

    /// The branches taken from the start to a state, in order.
    pub(super) fn path(&self, mut state: StateId) -> Vec<u16> {
        let mut path = Vec::new();
        while state != NOBODY {
            let (parent, ordinal) = lock(&self.shards[state as usize % SHARDS]).parents[state as usize / SHARDS];
            path.push(ordinal);
            state = parent;
        }
        path.reverse();
        path
    }

    /// The states' numbers made dense, so that flat arrays serve. Nobody enters states meanwhile.
    pub(super) fn dense(&self) -> Dense {
        let mut offsets = vec![0];
        for shard in &self.shards {
            offsets.push(offsets[offsets.len() - 1] + lock(shard).keys.len() as u32);
        }
        Dense { offsets }
    }
}

/// A numbering without gaps.
pub(super) struct Dense {
    /// Where each shard's states begin.
    offsets: Vec<u32>,
}

impl Dense {
    pub(super) fn count(&self) -> usize {
        self.offsets[SHARDS] as usize
    }

    pub(super) fn index(&self, id: StateId) -> usize {
        (self.offsets[id as usize % SHARDS] + id / SHARDS as u32) as usize
    }

    /// All states.
    pub(super) fn ids(&self) -> impl Iterator<Item = StateId> {
        (0..SHARDS).flat_map(|shard| {
            let length = self.offsets[shard + 1] - self.offsets[shard];
            (0..length).map(move |index| index * SHARDS as u32 + shard as u32)
        })
    }
}
