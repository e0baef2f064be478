//! Executions at random, as a sampler makes them: the same machine without the search, to see what searching is worth.

use super::machine::{Branch, Failure, Machine};
use super::search::{Ending, Found, Search, Story};
use super::state::{State, Status};
use super::tree::{Reader, lock};
use crate::run::Coverage;
use crate::trace::Fault;

/// An execution this long is given up: it may well be one that never ends.
const LONGEST: usize = 10_000;

/// A sequence of numbers that only looks random.
struct Dice(u64);

impl Dice {
    fn new(number: u64) -> Self {
        Dice((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Less than `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 20) % sides as u64) as usize
    }
}

impl Search<'_, '_> {
    /// Runs the program so many times, or up to the first failure.
    pub(super) fn sample<const N: usize>(&self, executions: u64) -> Ending {
        let mut found = Found::nothing(Coverage::Sampled(format!("{executions} random executions")));
        let mut machine: Machine<'_, '_, '_, N> = Machine::new(self.world, Reader::new(self.tree));
        for number in 0..executions {
            found.executions += 1;
            let failure = self.execute(&mut machine, &mut Dice::new(number), &mut found);
            if self.world.touched != lock(self.tree).touched {
                return Ending::Surprised;
            }
            if let Some(failure) = failure {
                found.coverage = Coverage::Cut("a failure was found".into());
                found.failure = Some(failure);
                break;
            }
            if let Some(reason) = machine.overflow.take().or(self.stopped()) {
                found.coverage = Coverage::Cut(reason);
                break;
            }
        }
        Ending::Found(Box::new(found))
    }

    /// One execution, and the failure that it ends in.
    fn execute<const N: usize>(
        &self,
        machine: &mut Machine<'_, '_, '_, N>,
        dice: &mut Dice,
        found: &mut Found,
    ) -> Option<(Failure, Story)> {
        let mut events = Vec::new();
        machine.recording = Some(0);
        let mut branches = machine.start();
        for _ in 0..LONGEST {
            let Branch { state, failure, events: new, .. } = branches.swap_remove(dice.roll(branches.len()));
            events.extend(new);
            let from = Branch::at(state);
            let state = &from.state;
            machine.recording = Some(events.len());
            found.transitions += 1;
            let over = state.threads.iter().all(|thread| thread.status == Status::Ended);
            let failure = match failure {
                Some(failure) => Some(failure),
                None if over => self.judge(machine, state, found),
                None => {
                    branches = machine.expand(&from);
                    // One that has promised what cannot be kept is no execution.
                    let stuck = !branches.iter().any(|branch| branch.dependable);
                    (stuck && state.promisers == 0)
                        .then(|| Failure { fault: Fault::Deadlock, message: machine.stuck(state) })
                }
            };
            if let Some(failure) = failure {
                return Some((failure, Story { events, ignorance: Vec::new() }));
            }
            if over || branches.is_empty() {
                return None;
            }
        }
        None
    }

    /// What is wrong with a final state.
    fn judge<const N: usize>(
        &self,
        machine: &Machine<'_, '_, '_, N>,
        state: &State<N>,
        found: &mut Found,
    ) -> Option<Failure> {
        match self.outcome(machine, state).0 {
            Ok((outcome, died)) => {
                let failure = self.unstated(&outcome, died);
                if !died {
                    found.unharmed.insert(outcome.clone());
                }
                found.outcomes.insert(outcome);
                failure
            }
            Err(message) => Some(Failure { fault: Fault::Assertion, message }),
        }
    }
}
