//! The states that a search has seen, by number, and how it came to each.

use super::tree::lock;
use hashbrown::HashTable;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A state's number: its index in its shard, times the number of shards, plus its shard's number.
pub(super) type StateId = u32;
pub(super) const NOBODY: StateId = StateId::MAX;
/// So many, that workers seldom meet in one.
const SHARDS: usize = 64;

/// How a search came to a state first.
#[derive(Clone, Copy)]
struct Step {
    /// The state before.
    from: StateId,
    /// Which of its branches leads here.
    ordinal: u16,
    /// Whether threads may count on it.
    dependable: bool,
}

#[derive(Default)]
struct Shard {
    table: HashTable<u32>,
    keys: Vec<u128>,
    steps: Vec<Step>,
}

/// All states seen so far. Several workers may enter states at once.
pub(super) struct Visited {
    shards: Vec<Mutex<Shard>>,
    states: AtomicU64,
}

impl Visited {
    /// None yet. So many workers will enter some.
    pub(super) fn none(workers: usize) -> Self {
        // A single worker meets nobody, and most of its programs have fewer states than there would be shards to make.
        let shards = if workers > 1 { SHARDS } else { 1 };
        Visited { shards: (0..shards).map(|_| Mutex::default()).collect(), states: AtomicU64::new(0) }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.states.load(Ordering::Relaxed)
    }

    /// Enters a state, and says whether it is new.
    pub(super) fn enter(&self, key: u128, from: StateId, ordinal: u16, dependable: bool) -> (StateId, bool) {
        let shards = self.shards.len();
        let number = key as usize % shards;
        let mut shard = lock(&self.shards[number]);
        let Shard { table, keys, steps } = &mut *shard;
        let hash = (key >> 64) as u64;
        let known = table.find(hash, |&index| keys[index as usize] == key);
        let (index, new) = match known {
            Some(&index) => (index, false),
            None => {
                let index = keys.len() as u32;
                assert!((index as usize) < (NOBODY as usize) / shards, "more states than there are numbers for them");
                keys.push(key);
                steps.push(Step { from, ordinal, dependable });
                table.insert_unique(hash, index, |&index| (keys[index as usize] >> 64) as u64);
                self.states.fetch_add(1, Ordering::Relaxed);
                (index, true)
            }
        };
        (index * shards as u32 + number as u32, new)
    }

    /// The branches taken from the start to a state, in order.
    pub(super) fn path(&self, mut state: StateId) -> Vec<u16> {
        let mut path = Vec::new();
        while state != NOBODY {
            let shards = self.shards.len();
            let step = lock(&self.shards[state as usize % shards]).steps[state as usize / shards];
            path.push(step.ordinal);
            state = step.from;
        }
        path.reverse();
        path
    }

    /// Visits the dependable ones of the steps by which states were entered: the state before, and the state.
    pub(super) fn each_step(&self, mut visit: impl FnMut(StateId, StateId)) {
        for (number, shard) in (0..).zip(&self.shards) {
            for (index, step) in (0..).zip(&lock(shard).steps) {
                if step.dependable && step.from != NOBODY {
                    visit(step.from, index * self.shards.len() as u32 + number);
                }
            }
        }
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
    /// Where each shard's states begin; one more entry for the end.
    offsets: Vec<u32>,
}

impl Dense {
    fn shards(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(super) fn count(&self) -> usize {
        self.offsets[self.shards()] as usize
    }

    pub(super) fn index(&self, id: StateId) -> usize {
        (self.offsets[id as usize % self.shards()] + id / self.shards() as u32) as usize
    }

    /// All states.
    pub(super) fn ids(&self) -> impl Iterator<Item = StateId> {
        let shards = self.shards();
        (0..shards).flat_map(move |shard| {
            let length = self.offsets[shard + 1] - self.offsets[shard];
            (0..length).map(move |index| index * shards as u32 + shard as u32)
        })
    }
}
