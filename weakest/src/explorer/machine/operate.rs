//! One operation of a running thread, in every way that the memory allows: which message is read, where a store goes.

use super::sleep::choices;
use super::{Branch, Machine, WEAK_FAILURES, spend};
use crate::explorer::Memory;
use crate::explorer::chart::Deed;
use crate::explorer::faults::{Fault as Seeded, seeded};
use crate::explorer::operation::{Answer, Operation, Request};
use crate::explorer::state::{State, Status};
use crate::explorer::tree::{Now, footprint};
use crate::facade::Order;
use crate::trace::Action;

impl<const N: usize> Machine<'_, '_, '_, N> {
    /// All ways in which a running thread may take its next operation.
    pub(super) fn operate(&mut self, from: &Branch<N>, thread: usize, out: &mut Vec<Branch<N>>) {
        let state = &from.state;
        let Now::Operation(operation) = self.tree.now(state.threads[thread].node) else {
            unreachable!("a running thread has an operation")
        };
        let sizes = self.world.sizes;
        let sequential = self.world.options.memory == Memory::SequentiallyConsistent;
        let acquire = sequential || operation.order.acquires();
        let release = sequential || operation.order.releases();
        let location = operation.object as usize;
        if footprint(operation.request).0 && operation.request != Request::Announce && state.is_full(location) {
            let label = self.label(operation.object, false);
            self.overflow = Some(format!(
                "{label} has more than 250 messages that may still be read: a loop writes it for ever while somebody holds on to an \
                 old view. Let it look before it writes, with a relaxed load, or try a few times only"
            ));
        }
        if state.has_promises(thread) && self.holds_back(&operation) {
            return;
        }
        match operation.request {
            Request::Read | Request::Write(_) | Request::Fence | Request::Announce | Request::Retire => {
                let mut branch = from.clone();
                self.operate_alone(&mut branch, thread, &operation);
                out.push(branch);
            }
            Request::Load => {
                for position in self.readable(state, thread, location, acquire) {
                    let mut branch = from.clone();
                    self.begin(&mut branch, thread);
                    let Some(value) = branch.state.read(sizes, thread, location, position, acquire) else { continue };
                    if !self.enter(&mut branch, thread, Deed::Read, operation.order, location, position) {
                        continue;
                    }
                    let action = Action::Read {
                        value,
                        from: source(state, location, position),
                        stale: position < state.newest(location),
                    };
                    self.note(&mut branch, thread, &operation, action);
                    self.answer(&mut branch, thread, Answer::value(value));
                    out.push(branch);
                }
            }
            Request::Store(value) if state.bound(thread, location).is_some() => {
                self.keep(from, thread, &operation, value, out);
            }
            Request::Store(value) => {
                for position in self.writable(state, thread, location) {
                    let mut branch = from.clone();
                    let source = self.index(&branch);
                    self.begin(&mut branch, thread);
                    if !branch.state.write(sizes, thread, location, position, value, release, None, source)
                        || !self.enter(&mut branch, thread, Deed::Write, operation.order, location, position)
                    {
                        continue;
                    }
                    self.note(&mut branch, thread, &operation, Action::Wrote { value });
                    self.answer(&mut branch, thread, Answer::NOTHING);
                    out.push(branch);
                }
            }
            Request::Update(update, operand) => {
                for position in self.readable(state, thread, location, acquire) {
                    let old = state.message(location, position).value;
                    let new = self.world.objects.locations[location].update(update, old, operand);
                    self.modify(from, thread, &operation, position, new, Answer::value(old), out);
                }
            }
            Request::CompareExchange { current, new, weak } => {
                for position in self.readable(state, thread, location, false) {
                    let found = state.message(location, position).value;
                    let newer = state.has_promises(thread) && state.is_newer(thread, location, position);
                    let too_new = |acquire| acquire && newer && !seeded(Seeded::AcquiresReadAnything);
                    if found == current && !too_new(acquire) {
                        self.modify(from, thread, &operation, position, new, Answer::exchanged(found), out);
                    }
                    if found == current && (!weak || state.budgets[WEAK_FAILURES] == 0) {
                        continue;
                    }
                    let order = operation.failure_order();
                    let acquire = sequential || order.acquires() && !seeded(Seeded::RefusalsAreRelaxed);
                    if too_new(acquire) {
                        continue;
                    }
                    let mut branch = from.clone();
                    self.begin(&mut branch, thread);
                    if branch.state.read(sizes, thread, location, position, acquire).is_none()
                        || !self.enter(&mut branch, thread, Deed::Read, order, location, position)
                    {
                        continue;
                    }
                    if found == current {
                        spend(&mut branch, WEAK_FAILURES);
                    }
                    let from = source(state, location, position);
                    let at = operation.failure.map_or(operation, |(site, order)| Operation {
                        site: Some(site),
                        order,
                        ..operation
                    });
                    self.note(&mut branch, thread, &at, Action::Refused { found, expected: current, from });
                    self.answer(&mut branch, thread, Answer::value(found));
                    out.push(branch);
                }
            }
            Request::Wait { expected, .. } => {
                let mut branch = from.clone();
                let found = state.message(location, state.newest(location)).value;
                if found == expected {
                    branch.state.threads[thread].status = Status::Asleep;
                    self.note(&mut branch, thread, &operation, Action::Slept { expected });
                } else {
                    self.note(&mut branch, thread, &operation, Action::DidNotSleep { expected, found });
                    self.answer(&mut branch, thread, Answer::CHANGED);
                }
                out.push(branch);
            }
            Request::Now => {
                let mut branch = from.clone();
                self.answer(&mut branch, thread, Answer::value(state.now));
                out.push(branch);
            }
            Request::Wake { count } => {
                let sleepers = self.sleepers(state, operation.object);
                for woken in choices(&sleepers, count as usize) {
                    let mut branch = from.clone();
                    self.note(&mut branch, thread, &operation, Action::Woke { count: woken.len() });
                    self.wake(&mut branch, &woken);
                    self.answer(&mut branch, thread, Answer::value(woken.len() as u64));
                    out.push(branch);
                }
            }
            Request::StoreAndWakeAll(value) => {
                let woken = self.sleepers(state, operation.object);
                let mut swapped = Vec::new();
                for position in self.readable(state, thread, location, false) {
                    let answer = Answer::value(woken.len() as u64);
                    self.modify(from, thread, &operation, position, value, answer, &mut swapped);
                }
                for mut branch in swapped {
                    self.note(&mut branch, thread, &operation, Action::Woke { count: woken.len() });
                    self.wake(&mut branch, &woken);
                    out.push(branch);
                }
            }
        }
    }

    /// Takes an operation that has one result.
    pub(super) fn operate_alone(&mut self, branch: &mut Branch<N>, thread: usize, operation: &Operation) {
        let sizes = self.world.sizes;
        let object = operation.object as usize;
        let answer = branch.state.only_answer(thread, operation.request, object);
        match operation.request {
            Request::Read => {
                if let Err(race) = branch.state.read_cell(sizes, thread, object)
                    && !self.alone
                {
                    return self.race(branch, thread, operation, race);
                }
                let from = self.last_write(branch, operation.object);
                self.note(branch, thread, operation, Action::Read { value: answer.value, from, stale: false });
            }
            Request::Write(value) => {
                if let Err(race) = branch.state.write_cell(sizes, thread, object, value) {
                    if !self.alone {
                        return self.race(branch, thread, operation, race);
                    }
                    branch.state.cells[object].value = value;
                }
                self.note(branch, thread, operation, Action::Wrote { value });
            }
            Request::Fence => {
                let light = operation.is_light_fence();
                match (self.world.options.memory, operation.order) {
                    _ if self.charts() => {
                        let order = operation.order;
                        let deed = if light { Deed::LightFence } else { Deed::Fence };
                        self.begin(branch, thread);
                        if !light {
                            branch.state.fence(thread, order.acquires(), order.releases());
                        }
                        let consistent = self.enter(branch, thread, deed, order, 0, 0);
                        debug_assert!(consistent, "nothing comes after what has just been done");
                    }
                    (Memory::SequentiallyConsistent, _) => branch.state.fence(thread, true, true),
                    // Weakened, or with nobody to pair with: no instruction at all.
                    (_, order) if light && (order != Order::SeqCst || self.fences_alone()) => {}
                    (_, Order::SeqCst) if self.fences_alone() => branch.state.fence(thread, true, true),
                    (_, Order::SeqCst) if branch.state.has_fences_left() => {
                        branch.state.sequential_fence(sizes, thread, light);
                    }
                    (_, Order::SeqCst) => {
                        self.overflow =
                            Some("more than 64 sequentially consistent fences may still be on a cycle".into());
                    }
                    (_, order) => branch.state.fence(thread, order.acquires(), order.releases()),
                }
                self.note(branch, thread, operation, Action::Fenced);
            }
            Request::Announce => self.announce(branch, thread, object as u8 + 1),
            Request::Retire => self.announce(branch, thread, 0),
            _ => unreachable!("an operation with several results"),
        }
        self.answer(branch, thread, answer);
    }

    /// Whether a chart of events is kept.
    pub(super) fn charts(&self) -> bool {
        self.world.touched.sequential && self.world.options.memory == Memory::ReleaseAcquire
    }

    /// An event for the chart begins, if there is one.
    fn begin(&mut self, branch: &mut Branch<N>, thread: usize) {
        if self.charts() {
            branch.state.begin_event(self.world.sizes, thread);
        }
    }

    /// Enters what was done into the chart, if there is one. `false` if there can be no such execution.
    fn enter(
        &mut self,
        branch: &mut Branch<N>,
        thread: usize,
        deed: Deed,
        order: Order,
        location: usize,
        position: usize,
    ) -> bool {
        if !self.charts() {
            return true;
        }
        if !branch.state.has_chart_left() {
            self.overflow = Some("more than 64 events may be on a cycle of sequentially consistent accesses".into());
            return true;
        }
        branch.state.enter(self.world.sizes, thread, deed, order == Order::SeqCst, location, position)
    }

    /// Whether no more than one thread ever passes a sequentially consistent fence: such fences are on no cycle.
    pub(super) fn fences_alone(&self) -> bool {
        self.world.options.reductions.canonical_states
            && (self.world.touched.fencers.count_ones() <= 1 || seeded(Seeded::EveryFenceIsAlone))
    }

    /// A read-modify-write of the message at a position, if nobody has modified that message yet.
    #[expect(clippy::too_many_arguments, reason = "the operands of one instruction")]
    pub(super) fn modify(
        &mut self,
        from: &Branch<N>,
        thread: usize,
        operation: &Operation,
        position: usize,
        new: u64,
        answer: Answer,
        out: &mut Vec<Branch<N>>,
    ) {
        let sizes = self.world.sizes;
        let sequential = self.world.options.memory == Memory::SequentiallyConsistent;
        let location = operation.object as usize;
        let bound = from.state.bound(thread, location);
        let kept = bound.is_some_and(|bound| {
            // What the kernel does for a thread stands where it stands, and is never promised.
            let own = !matches!(operation.request, Request::StoreAndWakeAll(_)) && !operation.order.releases();
            let promised = from.state.message(location, bound);
            own && bound == position + 1 && promised.glued && promised.value == new
        });
        let room = bound.is_none() && !from.state.is_full(location) && from.state.has_room(location, position + 1);
        if !kept && !room {
            return;
        }
        let (acquire, release) = (sequential || operation.order.acquires(), sequential || operation.order.releases());
        let mut branch = from.clone();
        let before = *branch.state.message(location, position);
        let inherited = before.view;
        let index = self.index(&branch);
        self.begin(&mut branch, thread);
        let ordered = branch.state.read(sizes, thread, location, position, acquire).is_some()
            && match kept {
                true => branch.state.keep_promise(sizes, thread, location, position + 1),
                false => {
                    branch.state.write(sizes, thread, location, position + 1, new, release, Some(inherited), index)
                }
            }
            && self.enter(&mut branch, thread, Deed::Write, operation.order, location, position + 1);
        if ordered {
            let read = source(&from.state, location, position);
            // Not the answer, which for a store that wakes is how many were woken.
            let action = match kept {
                true => Action::Kept {
                    read: Some(before.value),
                    value: new,
                    promise: source(&from.state, location, position + 1),
                },
                false => Action::Updated { read: before.value, wrote: new, from: read },
            };
            self.note(&mut branch, thread, operation, action);
            self.answer(&mut branch, thread, answer);
            out.push(branch);
        }
    }

    /// A store that was promised.
    fn keep(&mut self, from: &Branch<N>, thread: usize, operation: &Operation, value: u64, out: &mut Vec<Branch<N>>) {
        let location = operation.object as usize;
        let bound = from.state.bound(thread, location).expect("it is bound to something");
        let promised = from.state.message(location, bound);
        let reached = from.state.threads[thread].view.0[location] as usize >= bound;
        let releases = operation.order.releases() && !seeded(Seeded::ReleasesArePromised);
        if promised.value != value || promised.glued || releases || reached {
            return;
        }
        let mut branch = from.clone();
        if branch.state.keep_promise(self.world.sizes, thread, location, bound) {
            let promise = source(&from.state, location, bound);
            self.note(&mut branch, thread, operation, Action::Kept { read: None, value, promise });
            self.answer(&mut branch, thread, Answer::NOTHING);
            out.push(branch);
        }
    }

    /// The positions a thread may read at, newest first.
    pub(super) fn readable<'s>(
        &mut self,
        state: &'s State<N>,
        thread: usize,
        location: usize,
        acquire: bool,
    ) -> impl Iterator<Item = usize> + use<'s, N> {
        let (mut newest, mut may_be_newer) = (state.newest(location), true);
        let promised = state.has_promises(thread);
        if promised {
            let bound = state.bound(thread, location);
            newest = bound.map_or(newest, |bound| bound - 1);
            // What is acquired, what is decided by, and what the location was before the promised write: all these reads
            // come before the promise.
            may_be_newer = (!acquire || seeded(Seeded::AcquiresReadAnything))
                && (bound.is_none() || seeded(Seeded::PromisesPassOwnReads))
                && (seeded(Seeded::DecisionsReadAnything) || !self.decides(state, thread));
        }
        let must_be_newer = state.threads[thread].blocked;
        let oldest = match self.world.options.memory {
            _ if seeded(Seeded::ReadsAreFresh) => newest,
            memory if memory.is_weak() => state.threads[thread].view.0[location] as usize,
            _ => newest,
        };
        (oldest..=newest).rev().filter(move |&position| {
            !promised
                || match state.is_newer(thread, location, position) {
                    true => may_be_newer,
                    false => !must_be_newer,
                }
        })
    }

    /// The positions a thread may store at, newest first.
    pub(super) fn writable(&self, state: &State<N>, thread: usize, location: usize) -> Vec<usize> {
        let end = state.newest(location) + 1;
        let first = match self.world.options.memory {
            _ if seeded(Seeded::StoresComeLast) => end,
            memory if memory.is_weak() => state.threads[thread].view.0[location] as usize + 1,
            _ => end,
        };
        (first..=end).rev().filter(|&position| !state.is_full(location) && state.has_room(location, position)).collect()
    }
}

fn source<const N: usize>(state: &State<N>, location: usize, position: usize) -> Option<usize> {
    (state.message(location, position).source as usize).checked_sub(1)
}
