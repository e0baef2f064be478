//! What happened, noted for the picture, and what went wrong, in words.

use super::{Branch, Failure, Machine};
use crate::explorer::memory::Race;
use crate::explorer::operation::{Operation, Request};
use crate::explorer::replay::Looked;
use crate::explorer::state::{State, Status};
use crate::explorer::tree::Now;
use crate::facade::{Order, Site};
use crate::trace::{Action, Event, Fault};

impl<const N: usize> Machine<'_, '_, '_, N> {
    pub(super) fn race(&mut self, branch: &mut Branch<N>, thread: usize, operation: &Operation, race: Race) {
        let action = match operation.request {
            Request::Write(value) => Action::Wrote { value },
            _ => Action::Read {
                value: branch.state.cells[operation.object as usize].value,
                from: self.last_write(branch, operation.object),
                stale: false,
            },
        };
        let verb = |write| if write { "writes" } else { "reads" };
        let message = format!(
            "data race on {}: {} {} it at {}, and nothing orders that after where {} {} it",
            self.label(operation.object, true),
            self.world.names[thread],
            verb(matches!(operation.request, Request::Write(_))),
            operation.site.map_or("?", |site| site.name),
            self.world.names[race.other],
            verb(race.wrote),
        );
        self.note(branch, thread, operation, action);
        branch.failure = Some(Failure { fault: Fault::DataRace, message });
    }

    /// Who sleeps where, in words.
    pub(in crate::explorer) fn stuck(&mut self, state: &State<N>) -> String {
        let asleep: Vec<String> = (0..state.threads.len())
            .filter(|&thread| state.threads[thread].status == Status::Asleep)
            .map(|thread| {
                let Now::Operation(operation) = self.tree.now(state.threads[thread].node) else {
                    unreachable!("a sleeper has a wait")
                };
                let site = operation.site.map_or("?", |site| site.name);
                format!("{} sleeps on {} at {site}", self.world.names[thread], self.label(operation.object, false))
            })
            .collect();
        format!("nobody is left to wake whoever sleeps: {}", asleep.join(", "))
    }

    /// The index plus one that the next event will have; 0 when not recording.
    pub(super) fn index(&self, branch: &Branch<N>) -> u32 {
        self.recording.map_or(0, |before| (before + branch.events.len() + 1) as u32)
    }

    pub(super) fn last_write(&self, branch: &Branch<N>, object: u16) -> Option<usize> {
        let before = self.recording?;
        let label = self.label(object, true);
        branch
            .events
            .iter()
            .rposition(|event| event.object == label && matches!(event.action, Action::Wrote { .. }))
            .map(|index| before + index)
    }

    pub(super) fn label(&self, object: u16, word: bool) -> String {
        let objects = self.world.objects;
        if word {
            objects.words[object as usize].label.clone()
        } else {
            objects.locations[object as usize].label.clone()
        }
    }

    /// An operation of the final look.
    pub(in crate::explorer) fn looked(&self, looked: Looked) -> Event {
        let Looked { site, object, request, answer } = looked;
        let value = answer.value;
        let action = match request {
            Request::Store(value) | Request::StoreAndWakeAll(value) | Request::Write(value) => Action::Wrote { value },
            Request::Update(rmw, operand) => {
                let wrote = self.world.objects.locations[object as usize].update(rmw, value, operand);
                Action::Updated { read: value, wrote, from: None }
            }
            Request::CompareExchange { new, .. } if answer.flag == 1 => {
                Action::Updated { read: value, wrote: new, from: None }
            }
            Request::CompareExchange { current, .. } => Action::Refused { found: value, expected: current, from: None },
            Request::Wake { .. } => Action::Woke { count: 0 },
            Request::Fence => Action::Fenced,
            _ => Action::Read { value, from: None, stale: false },
        };
        let object = match request {
            Request::Fence | Request::Announce | Request::Retire | Request::Now => String::new(),
            request => self.label(object, matches!(request, Request::Read | Request::Write(_))),
        };
        let order = site.map_or(Order::Relaxed, |site| site.order);
        Event { thread: self.world.sizes.threads + 1, site, order, object, action, call: None, caption: None }
    }

    pub(super) fn note(&mut self, branch: &mut Branch<N>, thread: usize, operation: &Operation, action: Action) {
        if self.recording.is_none() {
            return;
        }
        let object = match operation.request {
            Request::Fence => String::new(),
            request => self.label(operation.object, matches!(request, Request::Read | Request::Write(_))),
        };
        let hook = branch.state.threads[thread].killed;
        let lane = if hook { self.world.sizes.threads } else { thread };
        self.note_aside(branch, lane, operation.site.map(|site| (site, operation.order)), object, action);
        if let Some(event) = branch.events.last_mut() {
            event.call = operation.call;
        }
    }

    pub(super) fn note_aside(
        &mut self,
        branch: &mut Branch<N>,
        thread: usize,
        site: Option<(&'static Site, Order)>,
        object: String,
        action: Action,
    ) {
        if self.recording.is_some() {
            let (site, order) = site.map_or((None, Order::Relaxed), |(site, order)| (Some(site), order));
            branch.events.push(Event { thread, site, order, object, action, call: None, caption: None });
        }
    }
}
