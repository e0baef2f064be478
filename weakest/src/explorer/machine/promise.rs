//! Load buffering: a store that is performed while a read before it still waits.
//!
//! Where a thread's next operation is a read that may wait, the thread is tried alone, and what it is found to write behind
//! that read may be *promised*: put into memory at once. The read must then take something newer than the promise (else it
//! could have been taken before), and after each of its steps the thread must be found able to keep its promises alone
//! (*certified*). So dependencies, of whatever kind, are respected without being known: what a thread writes only because of
//! what it reads is not found when it is tried alone. `weakest/docs/explorer.md` argues why nothing is missed.

use super::{Branch, Machine};
use crate::explorer::faults::{Fault as Seeded, seeded};
use crate::explorer::operation::{Operation, Request};
use crate::explorer::state::{Sizes, State, Status};
use crate::explorer::tree::Now;
use crate::facade::Order;
use crate::trace::Action;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// How many states of one thread alone are looked at before the search is called incomplete.
const PATIENCE: usize = 100_000;

/// A write that a thread was found to come to: the location, the value, and if by a read-modify-write, the message that it
/// read (by its number in the state, plus one).
type Candidate = (u16, u64, Option<u32>);

/// What came of trying threads alone, at one level of the search.
#[derive(Default)]
pub(in crate::explorer) struct Tried {
    candidates: FxHashMap<u128, Arc<BTreeMap<Candidate, Operation>>>,
    certified: FxHashMap<u128, bool>,
}

impl Tried {
    fn clear(&mut self) {
        self.candidates.clear();
        self.certified.clear();
    }
}

impl<const N: usize> Machine<'_, '_, '_, N> {
    /// The search has come to a level: what is known of decisions may have changed.
    pub(in crate::explorer) fn enter_level(&mut self, level: u32) {
        self.tree.enter_level(level);
        self.tried.clear();
    }

    /// Whether no write may be performed before this operation unless all before it are.
    pub(super) fn holds_back(&self, operation: &Operation) -> bool {
        match operation.request {
            Request::Fence if operation.is_light_fence() => false,
            Request::Fence => operation.order != Order::Relaxed && !seeded(Seeded::PromisesPassFences),
            Request::Wait { .. } => true,
            _ => false,
        }
    }

    /// Whether what a thread reads here decides which operation comes next, as far as answers are known: the code that is
    /// generated has a branch or computes an address from it, so the read comes before all later writes.
    pub(super) fn decides(&mut self, state: &State<N>, thread: usize) -> bool {
        self.world.options.memory.heeds_decisions() && self.tree.decides(state.threads[thread].node)
    }

    /// The thread's next operation, if it is a read that later writes may overtake.
    fn waiting(&mut self, state: &State<N>, thread: usize) -> Option<Operation> {
        let Now::Operation(operation) = self.tree.now(state.threads[thread].node) else { return None };
        let may_wait = match operation.request {
            Request::Load | Request::Update(..) => !operation.order.acquires(),
            // Its failure is relaxed.
            Request::CompareExchange { .. } | Request::StoreAndWakeAll(_) => true,
            _ => false,
        };
        let writers = self.world.touched.writers.get(operation.object as usize).copied().unwrap_or(0);
        let others = (0..state.threads.len())
            .any(|other| other != thread && state.threads[other].status != Status::Ended && writers >> other & 1 == 1);
        (may_wait && others && !self.decides(state, thread)).then_some(operation)
    }

    /// All promises that a thread may make.
    pub(super) fn promise(&mut self, from: &Branch<N>, thread: usize, out: &mut Vec<Branch<N>>) {
        let state = &from.state;
        let Some(read) = self.waiting(state, thread) else { return };
        let key = xxh3_128(&surroundings(state, thread, self.world.sizes));
        let found = match self.tried.candidates.get(&key) {
            Some(found) => found.clone(),
            None => {
                let found = Arc::new(self.candidates(state, thread));
                self.tried.candidates.insert(key, found.clone());
                found
            }
        };
        for (&(location, value, of), operation) in &*found {
            // Accesses to one location stay in order.
            if location == read.object && !seeded(Seeded::PromisesPassOwnReads) {
                continue;
            }
            let location = location as usize;
            let earlier = state.promises(thread, location).next_back();
            let first = earlier.unwrap_or(state.threads[thread].view.0[location] as usize) + 1;
            let positions: Vec<usize> = match of {
                Some(number) => vec![number as usize - state.starts[location] as usize],
                None if seeded(Seeded::PromisesComeLast) => vec![state.newest(location) + 1],
                None => (first..=state.newest(location) + 1).rev().collect(),
            };
            for position in positions {
                if position < first || state.is_full(location) || !state.has_room(location, position) {
                    continue;
                }
                let mut branch = from.clone();
                let source = self.index(&branch);
                let sizes = self.world.sizes;
                if branch.state.promise(sizes, thread, location, position, value, of.is_some(), source)
                    && self.certified(&branch.state, thread)
                {
                    self.note(&mut branch, thread, operation, Action::Promised { value });
                    // Hardware may do so, but nobody can count on it.
                    branch.dependable = false;
                    out.push(branch);
                }
            }
        }
    }

    /// What a thread alone comes to write behind its next operation and before anything that holds it back.
    fn candidates(&mut self, state: &State<N>, thread: usize) -> BTreeMap<Candidate, Operation> {
        let mut found = BTreeMap::new();
        self.alone(state, thread, |operation, before, after| {
            let Some(operation) = operation else { return false };
            let location = operation.object as usize;
            let wrote = || before.newest(location) < after.newest(location);
            let writes = match operation.request {
                Request::Store(value) if wrote() => Some((value, None)),
                Request::Update(..) | Request::CompareExchange { .. } if wrote() => {
                    let position = after.threads[thread].view.0[location] as usize;
                    let value = after.message(location, position).value;
                    // What it modifies must be there when it is promised.
                    Some(after.message(location, position - 1).source)
                        .filter(|&source| source != 0)
                        .map(|source| (value, Some(source)))
                }
                _ => None,
            };
            if let Some((value, of)) = writes
                && (!operation.order.releases() || seeded(Seeded::ReleasesArePromised))
            {
                found.entry((operation.object, value, of)).or_insert(*operation);
            }
            false
        });
        found
    }

    /// Whether a thread alone can keep its promises.
    pub(super) fn certified(&mut self, state: &State<N>, thread: usize) -> bool {
        if !state.has_promises(thread) || seeded(Seeded::NothingIsCertified) {
            return true;
        }
        let key = xxh3_128(&surroundings(state, thread, self.world.sizes));
        if let Some(&known) = self.tried.certified.get(&key) {
            return known;
        }
        let certified = self.alone(state, thread, |_, _, after| !after.has_promises(thread));
        self.tried.certified.insert(key, certified);
        certified
    }

    /// Whether a failure on this branch counts: whoever has promises can still keep them.
    pub(super) fn counts(&mut self, state: &State<N>) -> bool {
        state.promisers == 0
            || seeded(Seeded::FailuresAreUncertified)
            || (0..state.threads.len()).all(|thread| self.certified(state, thread))
    }

    /// Lets a thread go on alone in every way, until `look` has seen enough. It is shown each step: the operation, unless it
    /// is the first one, and the states before and after. Without promises, the thread goes on only to what holds it back.
    fn alone(
        &mut self,
        state: &State<N>,
        thread: usize,
        mut look: impl FnMut(Option<&Operation>, &State<N>, &State<N>) -> bool,
    ) -> bool {
        let (recording, back) = (self.recording.take(), self.back);
        let alone = std::mem::replace(&mut self.alone, true);
        let mut from = state.clone();
        from.threads[thread].blocked = false;
        for (number, message) in (1..).zip(&mut from.messages) {
            message.source = number;
        }
        let mut seen = FxHashSet::default();
        let mut enough = false;
        let mut open = vec![(from, true)];
        let mut next = Vec::new();
        'search: while let Some((state, first)) = open.pop() {
            if state.threads[thread].status != Status::Running {
                continue;
            }
            let Now::Operation(operation) = self.tree.now(state.threads[thread].node) else { continue };
            if !first && self.holds_back(&operation) {
                continue;
            }
            let branch = Branch::at(state);
            self.operate(&branch, thread, &mut next);
            for after in next.drain(..).rev() {
                if after.failure.is_some() {
                    continue;
                }
                if look((!first).then_some(&operation), &branch.state, &after.state) {
                    enough = true;
                    break 'search;
                }
                if seen.len() >= PATIENCE {
                    self.overflow = Some("a thread alone has too many ways to go on".into());
                    break 'search;
                }
                if seen.insert(key(&after.state, thread, self.world.sizes)) {
                    open.push((after.state, false));
                }
            }
        }
        (self.recording, self.back, self.alone) = (recording, back, alone);
        enough
    }
}

/// Of a state, what one thread alone has to do with: of the others, who sleeps where and who is left.
fn surroundings<const N: usize>(state: &State<N>, thread: usize, sizes: Sizes) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(thread as u8);
    for (other, them) in state.threads.iter().enumerate().filter(|&(other, _)| other != thread) {
        let node = if them.status == Status::Asleep { them.node } else { 0 };
        bytes.extend_from_slice(&node.to_le_bytes());
        bytes.extend_from_slice(&[other as u8, them.status as u8]);
    }
    state.encode_for(thread, sizes, &mut bytes);
    bytes
}

/// What tells a state of a thread alone from others: which messages were there before, too.
fn key<const N: usize>(state: &State<N>, thread: usize, sizes: Sizes) -> u128 {
    let mut bytes = surroundings(state, thread, sizes);
    bytes.extend(state.messages.iter().map(|message| u8::from(message.source != 0)));
    xxh3_128(&bytes)
}
