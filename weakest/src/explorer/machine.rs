//! From a state to its successors: whose turn it is, and what may come of it.
//!
//! | module | holds |
//! |---|---|
//! | `operate` | one operation, in every way that the memory allows |
//! | `promise` | writes that hardware performs before a read that comes before them |
//! | `sleep` | who is woken |
//! | `death` | who dies, and the operating system's clean-up |
//! | `local` | what may be taken at once |
//! | `note` | what happened, for the picture |

mod death;
mod local;
mod note;
mod operate;
mod promise;
mod sleep;

use super::ExplorerOptions;
use super::faults::{Fault as Seeded, seeded};
use super::operation::{Answer, Objects};
use super::state::{Cell, Message, NEVER, Sizes, State, Status, Thread};
use super::touched::Touched;
use super::tree::{Now, Reader, Tree};
use super::view::View;
use crate::run::Death;
use crate::trace::{Action, Event, Fault};
use std::collections::BTreeSet;

/// Indices into [`State::budgets`].
const DEATHS: usize = 0;
const SPURIOUS_WAKES: usize = 1;
const WEAK_FAILURES: usize = 2;

/// What is fixed during one search.
pub(super) struct World<'w> {
    pub(super) options: &'w ExplorerOptions,
    pub(super) objects: &'w Objects,
    pub(super) sizes: Sizes,
    pub(super) names: Vec<String>,
    /// Per thread, whether it may be killed at any time.
    pub(super) mortal: Vec<bool>,
    pub(super) death: Option<Death>,
    pub(super) hooked: bool,
    /// What the threads are assumed to touch.
    pub(super) touched: Touched,
}

/// What went wrong on a branch.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) message: String,
}

/// One way on from a state.
#[derive(Clone, Debug)]
pub(super) struct Branch<const N: usize> {
    pub(super) state: State<N>,
    /// What happened on the way, when recording.
    pub(super) events: Vec<Event>,
    pub(super) failure: Option<Failure>,
    /// Whether a thread may count on it: not a death, nor a spurious wake-up or failure.
    pub(super) dependable: bool,
    /// The threads that did something on the way: bits by thread.
    pub(super) moved: u32,
}

impl<const N: usize> Branch<N> {
    /// To be at a state, on no way yet.
    pub(super) fn at(state: State<N>) -> Self {
        Branch { state, events: Vec::new(), failure: None, dependable: true, moved: 0 }
    }
}

/// One worker's machine.
pub(super) struct Machine<'w, 't, 'p, const N: usize> {
    pub(super) world: &'w World<'w>,
    pub(super) tree: Reader<'t, 'p>,
    /// In a replay, the number of events so far.
    pub(super) recording: Option<usize>,
    /// What a state has no room for, if that came up: the search is incomplete.
    pub(super) overflow: Option<String>,
    /// The sites before which threads were killed.
    pub(super) killed_before: BTreeSet<&'static str>,
    /// Whether the last operation led some thread back to where it was before.
    back: bool,
    /// Whether a thread is being tried alone, to see what it may promise or keep: races are not its business then.
    alone: bool,
    tried: promise::Tried,
}

impl<'w, 't, 'p, const N: usize> Machine<'w, 't, 'p, N> {
    pub(super) fn new(world: &'w World<'w>, tree: Reader<'t, 'p>) -> Self {
        Machine {
            world,
            tree,
            recording: None,
            overflow: None,
            killed_before: BTreeSet::new(),
            back: false,
            alone: false,
            tried: Default::default(),
        }
    }

    /// The states in which a program may start: nobody has done a step that others could see.
    pub(super) fn start(&mut self) -> Vec<Branch<N>> {
        let World { sizes, objects, options, .. } = *self.world;
        let thread = |index| Thread {
            node: Tree::root(index),
            status: Status::Running,
            killed: false,
            announced: 0,
            after: 0,
            view: View::NOTHING,
            acquirable: View::NOTHING,
            released: View::NOTHING,
            blocked: false,
        };
        let state = State {
            threads: (0..sizes.threads).map(thread).collect(),
            messages: objects.locations.iter().map(|l| Message::new(l.initial, false, 0)).collect(),
            starts: (0..=sizes.locations as u16).collect(),
            cells: objects.words.iter().map(|w| Cell { value: w.initial, writer: 0, written: 0 }).collect(),
            reads: vec![0; sizes.words * sizes.threads],
            fences: Vec::new(),
            chart: Vec::new(),
            budgets: [options.deaths, options.spurious_wakes.budget(), options.weak_failures.budget()],
            now: 0,
            promisers: 0,
        };
        let mut branch = Branch::at(state);
        for thread in 0..sizes.threads {
            self.arrive(&mut branch, thread);
        }
        let mut settled = Vec::new();
        self.settle(branch, &mut settled);
        settled
    }

    /// All ways on from a state.
    pub(super) fn expand(&mut self, from: &Branch<N>) -> Vec<Branch<N>> {
        let state = &from.state;
        let mut branches = Vec::new();
        for thread in 0..state.threads.len() {
            match state.threads[thread].status {
                Status::Running => self.operate(from, thread, &mut branches),
                Status::Asleep => self.wake_unasked(from, thread, &mut branches),
                Status::Unburied => self.clean_up(from, thread, &mut branches),
                Status::Ended => {}
            }
            if self.may_die(state, thread) {
                branches.push(self.die(from, thread));
            }
            if self.world.options.memory.is_hardware() && state.threads[thread].status == Status::Running {
                self.promise(from, thread, &mut branches);
            }
        }
        let mut settled = Vec::with_capacity(branches.len());
        for branch in branches {
            self.settle(branch, &mut settled);
        }
        settled
    }

    /// The thread's operation is answered; it goes on to its next one.
    fn answer(&mut self, branch: &mut Branch<N>, thread: usize, answer: Answer) {
        let state = &branch.state;
        let step = self.tree.step(state.threads[thread].node, answer, |objects| state.show(objects));
        self.back |= step.back;
        branch.state.threads[thread].node = step.node;
        branch.moved |= 1 << thread;
        self.arrive(branch, thread);
    }

    /// The thread has come to a node: it may be over, or doomed.
    fn arrive(&mut self, branch: &mut Branch<N>, thread: usize) {
        let node = branch.state.threads[thread].node;
        let killed = branch.state.threads[thread].killed;
        match self.tree.now(node) {
            Now::Panicked => {
                let message = self.tree.panic(node);
                branch.failure = Some(Failure { fault: Fault::Assertion, message });
            }
            Now::Returned(_) if !killed && branch.state.threads[thread].announced != 0 => {
                let message = "the thread returns, and has not retired from the word it announced".into();
                branch.failure = Some(Failure { fault: Fault::Assertion, message });
            }
            Now::Returned(notes) => {
                branch.state.threads[thread].status = Status::Ended;
                branch.state.threads[thread].node = if killed { 0 } else { notes };
                let lane = if killed { self.world.sizes.threads } else { thread };
                self.note_aside(branch, lane, None, String::new(), Action::Returned);
            }
            Now::Operation(_) => {
                let due = self.world.death.is_some_and(|death| {
                    death.thread == thread && !killed && self.tree.depth(node) as usize == death.step
                });
                if due {
                    self.kill(branch, thread);
                }
            }
        }
    }
}

/// Uses up one of a budget that is not endless, for a step that no thread may count on.
fn spend<const N: usize>(branch: &mut Branch<N>, budget: usize) {
    branch.dependable = seeded(Seeded::AnyWakeUpCounts);
    let left = &mut branch.state.budgets[budget];
    if *left != u8::MAX {
        *left -= 1;
    }
}

const _: () = assert!(NEVER > 2 * 256);
