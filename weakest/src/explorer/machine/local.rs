//! Local steps: those that commute with whatever other threads can do, so that taking them at once loses nothing.

use super::{Branch, Machine};
use crate::explorer::Memory;
use crate::explorer::faults::{Fault as Seeded, seeded};
use crate::explorer::operation::{Answer, Operation, Request};
use crate::explorer::state::{State, Status};
use crate::explorer::tree::Now;

impl<const N: usize> Machine<'_, '_, '_, N> {
    /// Takes all local steps: those that commute with whatever other threads can do, so that taking them at once loses
    /// nothing.
    pub(super) fn settle(&mut self, branch: Branch<N>, settled: &mut Vec<Branch<N>>) {
        let mut open = vec![branch];
        while let Some(mut branch) = open.pop() {
            if branch.failure.is_none()
                && self.world.options.reductions.local_steps
                && self.take_local_step(&mut branch, &mut open)
            {
                open.push(branch);
                continue;
            }
            let kept = match branch.failure {
                Some(_) => self.counts(&branch.state),
                None => (0..branch.state.threads.len())
                    .all(|thread| branch.moved >> thread & 1 == 0 || self.certified(&branch.state, thread)),
            };
            if !kept {
                continue;
            }
            if branch.failure.is_none() && self.world.options.reductions.canonical_states {
                branch.state.canonicalise(self.world.sizes);
            }
            settled.push(branch);
        }
    }

    /// Takes a local step on `branch`, if any thread has one; further results of the step are added to `open`.
    ///
    /// An iteration in vain is never taken at once, or a thread could go round alone for ever.
    pub(super) fn take_local_step(&mut self, branch: &mut Branch<N>, open: &mut Vec<Branch<N>>) -> bool {
        for thread in 0..branch.state.threads.len() {
            let Some(operation) = self.local(&branch.state, thread) else { continue };
            if let Request::Read | Request::Write(_) | Request::Fence | Request::Announce | Request::Retire =
                operation.request
            {
                let answer = branch.state.only_answer(thread, operation.request, operation.object as usize);
                let state = &branch.state;
                if self.tree.step(state.threads[thread].node, answer, |objects| state.show(objects)).back {
                    continue;
                }
                if self.may_die(&branch.state, thread) {
                    open.push(self.die(branch, thread));
                }
                self.operate_alone(branch, thread, &operation);
                return true;
            }
            match self.take_in_place(branch, thread, &operation, open) {
                Some(true) => return true,
                Some(false) => continue,
                None => {}
            }
            let mut next = Vec::new();
            self.back = false;
            self.operate(branch, thread, &mut next);
            if self.back || next.is_empty() {
                continue;
            }
            if self.may_die(&branch.state, thread) {
                open.push(self.die(branch, thread));
            }
            open.extend(next.drain(1..).rev());
            *branch = next.swap_remove(0);
            return true;
        }
        false
    }

    /// Takes a local load or store that has a single result, as most have, without a copy of the state. Whether it was taken; `None` if
    /// there may be several results, or none.
    fn take_in_place(
        &mut self,
        branch: &mut Branch<N>,
        thread: usize,
        operation: &Operation,
        open: &mut Vec<Branch<N>>,
    ) -> Option<bool> {
        let state = &branch.state;
        let (sizes, location) = (self.world.sizes, operation.object as usize);
        let newest = state.newest(location);
        let plain = self.recording.is_none() && state.promisers == 0 && state.fences.is_empty() && !self.charts();
        if !plain || usize::from(state.threads[thread].view.0[location]) != newest {
            return None;
        }
        let answer = match operation.request {
            Request::Load => Answer::value(state.message(location, newest).value),
            Request::Store(_) if !state.is_full(location) => Answer::NOTHING,
            _ => return None,
        };
        if self.tree.step(state.threads[thread].node, answer, |objects| state.show(objects)).back {
            return Some(false);
        }
        if self.may_die(state, thread) {
            open.push(self.die(branch, thread));
        }
        let sequential = self.world.options.memory == Memory::SequentiallyConsistent;
        let acquire = sequential || operation.order.acquires();
        let release = sequential || operation.order.releases();
        match operation.request {
            Request::Store(value) => {
                branch.state.write(sizes, thread, location, newest + 1, value, release, None, 0);
            }
            _ => {
                branch.state.read(sizes, thread, location, newest, acquire);
            }
        }
        self.answer(branch, thread, answer);
        Some(true)
    }

    /// The next operation of a thread, if it commutes with all that other threads can do before it.
    pub(super) fn local(&mut self, state: &State<N>, thread: usize) -> Option<Operation> {
        if state.threads[thread].status != Status::Running {
            return None;
        }
        let Now::Operation(operation) = self.tree.now(state.threads[thread].node) else { return None };
        if state.has_promises(thread) && self.holds_back(&operation) {
            return None;
        }
        let location = operation.object as usize;
        let alone = || {
            let writers = self.world.touched.writers[location];
            seeded(Seeded::LoadsAreLocal)
                || !self.world.touched.futex[location]
                    && (0..state.threads.len()).all(|other| {
                        other == thread || state.threads[other].status == Status::Ended || writers >> other & 1 == 0
                    })
        };
        let local = match operation.request {
            Request::Read | Request::Write(_) | Request::Fence | Request::Announce | Request::Retire => true,
            Request::Store(_) => {
                self.world.options.memory.is_weak()
                    && (!self.world.touched.futex[location] || seeded(Seeded::FutexStoresAreLocal))
            }
            Request::Load => alone(),
            Request::Update(..) | Request::CompareExchange { .. } => self.world.options.memory.is_weak() && alone(),
            Request::Wait { .. } | Request::Wake { .. } | Request::StoreAndWakeAll(_) | Request::Now => false,
        };
        local.then_some(operation)
    }
}
