//! Who sleeps on what, and who is woken.

use super::{Branch, Machine, SPURIOUS_WAKES, spend};
use crate::explorer::Time;
use crate::explorer::faults::{Fault as Seeded, seeded};
use crate::explorer::operation::{Answer, Operation, Request};
use crate::explorer::state::{State, Status};
use crate::explorer::tree::Now;
use crate::trace::Action;

impl<const N: usize> Machine<'_, '_, '_, N> {
    /// Who sleeps on a location.
    pub(super) fn sleepers(&mut self, state: &State<N>, object: u16) -> Vec<usize> {
        (0..state.threads.len())
            .filter(|&thread| {
                state.threads[thread].status == Status::Asleep
                    && matches!(self.tree.now(state.threads[thread].node), Now::Operation(o) if o.object == object)
            })
            .collect()
    }

    /// The event just noted wakes these threads.
    pub(super) fn wake(&mut self, branch: &mut Branch<N>, woken: &[usize]) {
        let by = self.index(branch).checked_sub(2).map(|index| index as usize);
        for &thread in woken.iter().filter(|_| !seeded(Seeded::WakesAreLost)) {
            self.awake(branch, thread, Action::Awoke { by }, Answer::WOKEN);
        }
    }

    pub(super) fn awake(&mut self, branch: &mut Branch<N>, thread: usize, action: Action, answer: Answer) {
        let Now::Operation(operation) = self.tree.now(branch.state.threads[thread].node) else {
            unreachable!("a sleeper has a wait")
        };
        branch.state.threads[thread].status = Status::Running;
        self.note(branch, thread, &operation, action);
        self.answer(branch, thread, answer);
    }

    /// Whether time may pass until this deadline of a sleeper.
    fn may_time_out(&mut self, state: &State<N>, deadline: u64) -> bool {
        match self.world.options.time {
            Time::Stands => false,
            Time::PassesAtWill => true,
            Time::PassesInIdleness => (0..state.threads.len()).all(|other| match state.threads[other].status {
                Status::Running | Status::Unburied => false,
                Status::Ended => true,
                Status::Asleep => match self.tree.now(state.threads[other].node) {
                    Now::Operation(Operation { request: Request::Wait { deadline: Some(others), .. }, .. }) => {
                        deadline <= others
                    }
                    _ => true,
                },
            }),
        }
    }

    /// A sleeper's time is up, or it wakes for nothing.
    pub(super) fn wake_unasked(&mut self, from: &Branch<N>, thread: usize, out: &mut Vec<Branch<N>>) {
        let Now::Operation(operation) = self.tree.now(from.state.threads[thread].node) else {
            unreachable!("a sleeper has a wait")
        };
        if let Request::Wait { deadline: Some(deadline), .. } = operation.request
            && self.may_time_out(&from.state, deadline)
        {
            let mut branch = from.clone();
            branch.state.now = branch.state.now.max(deadline);
            self.awake(&mut branch, thread, Action::TimedOut, Answer::TIMED_OUT);
            out.push(branch);
        }
        if from.state.budgets[SPURIOUS_WAKES] > 0 {
            let mut branch = from.clone();
            spend(&mut branch, SPURIOUS_WAKES);
            self.awake(&mut branch, thread, Action::Awoke { by: None }, Answer::WOKEN);
            out.push(branch);
        }
    }
}

/// All ways to choose `count` of `from`, or all of it if it has fewer.
pub(super) fn choices(from: &[usize], count: usize) -> Vec<Vec<usize>> {
    if count == 0 || from.is_empty() {
        return vec![Vec::new()];
    }
    if count >= from.len() {
        return vec![from.to_vec()];
    }
    let (first, rest) = (from[0], &from[1..]);
    let mut with: Vec<Vec<usize>> = choices(rest, count - 1);
    with.iter_mut().for_each(|choice| choice.insert(0, first));
    with.extend(choices(rest, count));
    with
}
