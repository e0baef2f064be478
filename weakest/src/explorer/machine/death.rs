//! Who dies, and what the operating system does then.

use super::sleep::choices;
use super::{Branch, DEATHS, Failure, Machine, spend};
use crate::explorer::Memory;
use crate::explorer::faults::{Fault as Seeded, seeded};
use crate::explorer::operation::Request;
use crate::explorer::replay;
use crate::explorer::state::{State, Status};
use crate::explorer::tree::{Now, Tree};
use crate::facade::native::{OWNER, OWNER_DIED, WAITERS};
use crate::trace::{Action, Fault};

impl<const N: usize> Machine<'_, '_, '_, N> {
    /// Whether a thread may be killed here.
    pub(super) fn may_die(&mut self, state: &State<N>, thread: usize) -> bool {
        let alive = matches!(state.threads[thread].status, Status::Running | Status::Asleep);
        // Interrupts are precise: nothing that comes later has happened.
        let precise = !state.has_promises(thread) || seeded(Seeded::DeathsLeavePromises);
        alive && precise && !state.threads[thread].killed && self.world.mortal[thread] && state.budgets[DEATHS] > 0
    }

    pub(super) fn die(&mut self, from: &Branch<N>, thread: usize) -> Branch<N> {
        let mut branch = from.clone();
        spend(&mut branch, DEATHS);
        self.kill(&mut branch, thread);
        branch
    }

    pub(super) fn kill(&mut self, branch: &mut Branch<N>, thread: usize) {
        let after = self.tree.depth(branch.state.threads[thread].node);
        if let Now::Operation(operation) = self.tree.now(branch.state.threads[thread].node) {
            self.killed_before.insert(match (operation.site, operation.request) {
                (Some(site), _) => site.name,
                (None, Request::Announce) => "announce",
                (None, Request::Now) => "now",
                (None, _) => "retire",
            });
        }
        self.pass_fences_of_others(branch, thread);
        let dead = &mut branch.state.threads[thread];
        dead.killed = true;
        dead.after = after as u16;
        dead.status = Status::Unburied;
        let announced = branch.state.threads[thread].announced;
        let label = if announced == 0 { String::new() } else { self.label(announced as u16 - 1, false) };
        self.note_aside(branch, thread, None, label, Action::Died);
        if announced == 0 {
            self.bury(branch, thread);
        } else {
            // What the dead thread would have done next is nobody's business any more.
            branch.state.threads[thread].node = 0;
        }
    }

    /// A dead thread has left its processor: to whoever calls for a heavy fence afterwards it is as if it had passed a light one.
    fn pass_fences_of_others(&mut self, branch: &mut Branch<N>, thread: usize) {
        let weak = !matches!(self.world.options.memory, Memory::SequentiallyConsistent | Memory::Interleaved);
        if !weak || self.charts() || self.fences_alone() || seeded(Seeded::DeathsPassNoFence) {
            return;
        }
        if branch.state.has_fences_left() {
            branch.state.sequential_fence(self.world.sizes, thread, true);
        } else {
            self.overflow = Some("more than 64 sequentially consistent fences may still be on a cycle".into());
        }
    }

    /// The clean-up after a dead thread is over: `Program::on_death` may run.
    pub(super) fn bury(&mut self, branch: &mut Branch<N>, thread: usize) {
        let hooked = self.world.hooked && !seeded(Seeded::HooksAreSkipped);
        let dead = &mut branch.state.threads[thread];
        dead.announced = 0;
        if hooked {
            dead.node = Tree::root(self.world.sizes.threads + thread);
            dead.status = Status::Running;
            self.arrive(branch, thread);
        } else {
            dead.node = 0;
            dead.status = Status::Ended;
        }
    }

    /// A word is announced (its location, plus one), or none any more. Announcements do not nest, and each is ended.
    pub(super) fn announce(&mut self, branch: &mut Branch<N>, thread: usize, word: u8) {
        let before = std::mem::replace(&mut branch.state.threads[thread].announced, word);
        let wrong = match (before, word) {
            (0, 0) => "retires, and has announced nothing",
            (0, _) | (_, 0) => return,
            _ => "announces a word, and has not retired from the one before",
        };
        branch.failure = Some(Failure { fault: Fault::Assertion, message: format!("the thread {wrong}") });
    }

    /// The operating system looks at the word that a dead thread had announced.
    pub(super) fn clean_up(&mut self, from: &Branch<N>, thread: usize, out: &mut Vec<Branch<N>>) {
        let sizes = self.world.sizes;
        let object = from.state.threads[thread].announced as u16 - 1;
        let location = object as usize;
        let newest = from.state.newest(location);
        let found = from.state.message(location, newest).value as u32;
        let mut branch = from.clone();
        let (what, wakes) = if found & OWNER == replay::id(thread) && !seeded(Seeded::CleanUpLeavesTheWord) {
            let left = found & !OWNER | OWNER_DIED;
            let inherited = branch.state.message(location, newest).view;
            let index = self.index(&branch);
            let read = branch.state.read(sizes, thread, location, newest, true);
            let wrote =
                branch.state.write(sizes, thread, location, newest + 1, left.into(), true, Some(inherited), index);
            debug_assert!(read.is_some() && wrote, "the newest message contradicts no order");
            (format!("owner died: {found:#x} → {left:#x}"), found & WAITERS != 0)
        } else if found & OWNER == 0 {
            (format!("no owner: {found:#x}"), true)
        } else {
            (format!("another owner: {found:#x}"), false)
        };
        let sleepers =
            if wakes && !seeded(Seeded::CleanUpWakesNobody) { self.sleepers(&from.state, object) } else { Vec::new() };
        for woken in choices(&sleepers, 1) {
            let mut branch = branch.clone();
            let what = match woken.as_slice() {
                [] => what.clone(),
                _ => format!("{what}, wakes one"),
            };
            let label = self.label(object, false);
            self.note_aside(&mut branch, sizes.threads, None, label, Action::CleanedUp { what });
            self.wake(&mut branch, &woken);
            self.bury(&mut branch, thread);
            out.push(branch);
        }
    }
}
