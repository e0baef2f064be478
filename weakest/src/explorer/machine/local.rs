//! Local steps: those that commute with whatever other threads can do, so that taking them at once loses nothing.

use super::{Branch, Machine};
use crate::explorer::faults::{Fault as Seeded, seeded};
use crate::explorer::operation::{Operation, Request};
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
                if self.tree.step(branch.state.threads[thread].node, answer).back {
                    continue;
                }
                if self.may_die(&branch.state, thread) {
                    open.push(self.die(branch, thread));
                }
                self.operate_alone(branch, thread, &operation);
                return true;
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
