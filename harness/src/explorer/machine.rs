//! From a state to its successors: whose turn it is, which message is read, where a store goes, who is woken, who dies.

use super::faults::{Fault as Seeded, seeded};
use super::memory::Race;
use super::platform::{Answer, Objects, Operation, Request};
use super::state::{NEVER, Sizes, State, Status, Thread};
use super::tree::{Now, Reader, Tree, footprint};
use super::view::View;
use super::{ExplorerOptions, Memory};
use crate::facade::native::{OWNER, OWNER_DIED, WAITERS};
use crate::facade::{Order, Site};
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

/// Which threads may ever do what to which location: bits by thread, indexed by location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Touched {
    /// Who may change it.
    pub(super) writers: Vec<u64>,
    /// Whether its newest value is ever looked at by the kernel.
    pub(super) futex: Vec<bool>,
    /// Who may pass a sequentially consistent fence: bits by thread.
    pub(super) fencers: u64,
}

impl Touched {
    pub(super) fn nothing(sizes: Sizes) -> Self {
        Touched { writers: vec![0; sizes.locations], futex: vec![false; sizes.locations], fencers: 0 }
    }

    /// Adds an operation of a thread.
    pub(super) fn add(&mut self, thread: usize, operation: &Operation, deaths: bool) {
        if operation.request == Request::Announce && !deaths {
            return;
        }
        if operation.request == Request::Fence && operation.order == Order::SeqCst {
            self.fencers |= 1 << thread;
        }
        let (writes, futex) = footprint(operation.request);
        if writes {
            self.writers[operation.object as usize] |= 1 << thread;
        }
        if futex {
            self.futex[operation.object as usize] = true;
        }
    }
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
}

impl<'w, 't, 'p, const N: usize> Machine<'w, 't, 'p, N> {
    pub(super) fn new(world: &'w World<'w>, tree: Reader<'t, 'p>) -> Self {
        Machine { world, tree, recording: None, overflow: None, killed_before: BTreeSet::new(), back: false }
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
        };
        let state = State {
            threads: (0..sizes.threads).map(thread).collect(),
            messages: objects
                .locations
                .iter()
                .map(|l| super::state::Message { value: l.initial, view: View::NOTHING, glued: false, source: 0 })
                .collect(),
            starts: (0..=sizes.locations as u16).collect(),
            cells: objects
                .words
                .iter()
                .map(|w| super::state::Cell { value: w.initial, writer: 0, written: 0 })
                .collect(),
            reads: vec![0; sizes.words * sizes.threads],
            fences: Vec::new(),
            budgets: [options.deaths, options.spurious_wakes.budget(), options.weak_failures.budget()],
        };
        let mut branch = Branch { state, events: Vec::new(), failure: None, dependable: true };
        for thread in 0..sizes.threads {
            self.arrive(&mut branch, thread);
        }
        let mut settled = Vec::new();
        self.settle(branch, &mut settled);
        settled
    }

    /// All ways on from a state.
    pub(super) fn expand(&mut self, state: &State<N>) -> Vec<Branch<N>> {
        let from = Branch { state: state.clone(), events: Vec::new(), failure: None, dependable: true };
        let mut branches = Vec::new();
        for thread in 0..state.threads.len() {
            match state.threads[thread].status {
                Status::Running => self.operate(&from, thread, &mut branches),
                Status::Asleep => self.wake_unasked(&from, thread, &mut branches),
                Status::Unburied => self.clean_up(&from, thread, &mut branches),
                Status::Ended => {}
            }
            if self.may_die(state, thread) {
                branches.push(self.die(&from, thread));
            }
        }
        let mut settled = Vec::with_capacity(branches.len());
        for branch in branches {
            self.settle(branch, &mut settled);
        }
        settled
    }

    /// Takes all local steps: those that commute with whatever other threads can do, so that taking them at once loses
    /// nothing.
    fn settle(&mut self, branch: Branch<N>, settled: &mut Vec<Branch<N>>) {
        let mut open = vec![branch];
        while let Some(mut branch) = open.pop() {
            if branch.failure.is_none()
                && self.world.options.reductions.local_steps
                && self.take_local_step(&mut branch, &mut open)
            {
                open.push(branch);
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
    fn take_local_step(&mut self, branch: &mut Branch<N>, open: &mut Vec<Branch<N>>) -> bool {
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
    fn local(&mut self, state: &State<N>, thread: usize) -> Option<Operation> {
        if state.threads[thread].status != Status::Running {
            return None;
        }
        let Now::Operation(operation) = self.tree.now(state.threads[thread].node) else { return None };
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
                self.world.options.memory == Memory::ReleaseAcquire
                    && (!self.world.touched.futex[location] || seeded(Seeded::FutexStoresAreLocal))
            }
            Request::Load => alone(),
            Request::Update(..) | Request::CompareExchange { .. } => {
                self.world.options.memory == Memory::ReleaseAcquire && alone()
            }
            Request::Wait { .. } | Request::Wake { .. } | Request::StoreAndWakeAll(_) => false,
        };
        local.then_some(operation)
    }

    /// All ways in which a running thread may take its next operation.
    fn operate(&mut self, from: &Branch<N>, thread: usize, out: &mut Vec<Branch<N>>) {
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
            self.overflow = Some(format!("{label} has more than 250 messages that may still be read"));
        }
        match operation.request {
            Request::Read | Request::Write(_) | Request::Fence | Request::Announce | Request::Retire => {
                let mut branch = from.clone();
                self.operate_alone(&mut branch, thread, &operation);
                out.push(branch);
            }
            Request::Load => {
                for position in self.readable(state, thread, location) {
                    let mut branch = from.clone();
                    let Some(value) = branch.state.read(sizes, thread, location, position, acquire) else { continue };
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
            Request::Store(value) => {
                for position in self.writable(state, thread, location) {
                    let mut branch = from.clone();
                    let source = self.index(&branch);
                    if !branch.state.write(sizes, thread, location, position, value, release, None, source) {
                        continue;
                    }
                    self.note(&mut branch, thread, &operation, Action::Wrote { value });
                    self.answer(&mut branch, thread, Answer::NOTHING);
                    out.push(branch);
                }
            }
            Request::Update(update, operand) => {
                for position in self.readable(state, thread, location) {
                    let old = state.message(location, position).value;
                    let new = update.apply(old, operand, self.world.objects.locations[location].mask);
                    self.modify(from, thread, &operation, position, new, Answer::value(old), out);
                }
            }
            Request::CompareExchange { current, new, weak } => {
                for position in self.readable(state, thread, location) {
                    let found = state.message(location, position).value;
                    if found == current {
                        self.modify(from, thread, &operation, position, new, Answer::exchanged(found), out);
                        if !weak || state.budgets[WEAK_FAILURES] == 0 {
                            continue;
                        }
                    }
                    let mut branch = from.clone();
                    let acquire = self.world.options.memory == Memory::SequentiallyConsistent;
                    if branch.state.read(sizes, thread, location, position, acquire).is_none() {
                        continue;
                    }
                    if found == current {
                        spend(&mut branch, WEAK_FAILURES);
                    }
                    let from = source(state, location, position);
                    self.note(&mut branch, thread, &operation, Action::Refused { found, expected: current, from });
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
                for position in self.readable(state, thread, location) {
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
    fn operate_alone(&mut self, branch: &mut Branch<N>, thread: usize, operation: &Operation) {
        let sizes = self.world.sizes;
        let object = operation.object as usize;
        let answer = branch.state.only_answer(thread, operation.request, object);
        match operation.request {
            Request::Read => {
                if let Err(race) = branch.state.read_cell(sizes, thread, object) {
                    return self.race(branch, thread, operation, race);
                }
                let from = self.last_write(branch, operation.object);
                self.note(branch, thread, operation, Action::Read { value: answer.value, from, stale: false });
            }
            Request::Write(value) => {
                if let Err(race) = branch.state.write_cell(sizes, thread, object, value) {
                    return self.race(branch, thread, operation, race);
                }
                self.note(branch, thread, operation, Action::Wrote { value });
            }
            Request::Fence => {
                match (self.world.options.memory, operation.order) {
                    (Memory::SequentiallyConsistent, _) => branch.state.fence(thread, true, true),
                    (_, Order::SeqCst) if self.fences_alone() => branch.state.fence(thread, true, true),
                    (_, Order::SeqCst) if branch.state.has_fences_left() => {
                        branch.state.sequential_fence(sizes, thread);
                    }
                    (_, Order::SeqCst) => {
                        self.overflow =
                            Some("more than 64 sequentially consistent fences may still be on a cycle".into());
                    }
                    (_, order) => branch.state.fence(thread, order.acquires(), order.releases()),
                }
                self.note(branch, thread, operation, Action::Fenced);
            }
            Request::Announce => branch.state.threads[thread].announced = object as u8 + 1,
            Request::Retire => branch.state.threads[thread].announced = 0,
            _ => unreachable!("an operation with several results"),
        }
        self.answer(branch, thread, answer);
    }

    /// Whether no more than one thread ever passes a sequentially consistent fence: such fences are on no cycle.
    fn fences_alone(&self) -> bool {
        self.world.options.reductions.canonical_states
            && (self.world.touched.fencers.count_ones() <= 1 || seeded(Seeded::EveryFenceIsAlone))
    }

    /// A read-modify-write of the message at a position, if nobody has modified that message yet.
    #[expect(clippy::too_many_arguments, reason = "the operands of one instruction")]
    fn modify(
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
        if from.state.is_full(location) || !from.state.has_room(location, position + 1) {
            return;
        }
        let (acquire, release) = (sequential || operation.order.acquires(), sequential || operation.order.releases());
        let mut branch = from.clone();
        let inherited = branch.state.message(location, position).view;
        let index = self.index(&branch);
        let ordered = branch.state.read(sizes, thread, location, position, acquire).is_some()
            && branch.state.write(sizes, thread, location, position + 1, new, release, Some(inherited), index);
        if ordered {
            let from = source(&from.state, location, position);
            self.note(&mut branch, thread, operation, Action::Updated { read: answer.value, wrote: new, from });
            self.answer(&mut branch, thread, answer);
            out.push(branch);
        }
    }

    /// The positions a thread may read at, newest first.
    fn readable(&self, state: &State<N>, thread: usize, location: usize) -> impl Iterator<Item = usize> + use<N> {
        let newest = state.newest(location);
        let oldest = match self.world.options.memory {
            _ if seeded(Seeded::ReadsAreFresh) => newest,
            Memory::ReleaseAcquire => state.threads[thread].view.0[location] as usize,
            Memory::Interleaved | Memory::SequentiallyConsistent => newest,
        };
        (oldest..=newest).rev()
    }

    /// The positions a thread may store at, newest first.
    fn writable(&self, state: &State<N>, thread: usize, location: usize) -> Vec<usize> {
        let end = state.newest(location) + 1;
        let first = match self.world.options.memory {
            _ if seeded(Seeded::StoresComeLast) => end,
            Memory::ReleaseAcquire => state.threads[thread].view.0[location] as usize + 1,
            Memory::Interleaved | Memory::SequentiallyConsistent => end,
        };
        (first..=end).rev().filter(|&position| !state.is_full(location) && state.has_room(location, position)).collect()
    }

    /// Who sleeps on a location.
    fn sleepers(&mut self, state: &State<N>, object: u16) -> Vec<usize> {
        (0..state.threads.len())
            .filter(|&thread| {
                state.threads[thread].status == Status::Asleep
                    && matches!(self.tree.now(state.threads[thread].node), Now::Operation(o) if o.object == object)
            })
            .collect()
    }

    /// The event just noted wakes these threads.
    fn wake(&mut self, branch: &mut Branch<N>, woken: &[usize]) {
        let by = self.index(branch).checked_sub(2).map(|index| index as usize);
        for &thread in woken.iter().filter(|_| !seeded(Seeded::WakesAreLost)) {
            self.awake(branch, thread, Action::Awoke { by }, Answer::WOKEN);
        }
    }

    fn awake(&mut self, branch: &mut Branch<N>, thread: usize, action: Action, answer: Answer) {
        let Now::Operation(operation) = self.tree.now(branch.state.threads[thread].node) else {
            unreachable!("a sleeper has a wait")
        };
        branch.state.threads[thread].status = Status::Running;
        self.note(branch, thread, &operation, action);
        self.answer(branch, thread, answer);
    }

    /// A sleeper's time is up, or it wakes for nothing.
    fn wake_unasked(&mut self, from: &Branch<N>, thread: usize, out: &mut Vec<Branch<N>>) {
        let Now::Operation(operation) = self.tree.now(from.state.threads[thread].node) else {
            unreachable!("a sleeper has a wait")
        };
        if self.world.options.timeouts && matches!(operation.request, Request::Wait { timed: true, .. }) {
            let mut branch = from.clone();
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

    /// Whether a thread may be killed here.
    fn may_die(&mut self, state: &State<N>, thread: usize) -> bool {
        let alive = matches!(state.threads[thread].status, Status::Running | Status::Asleep);
        alive && !state.threads[thread].killed && self.world.mortal[thread] && state.budgets[DEATHS] > 0
    }

    fn die(&mut self, from: &Branch<N>, thread: usize) -> Branch<N> {
        let mut branch = from.clone();
        spend(&mut branch, DEATHS);
        self.kill(&mut branch, thread);
        branch
    }

    fn kill(&mut self, branch: &mut Branch<N>, thread: usize) {
        let after = self.tree.depth(branch.state.threads[thread].node);
        if let Now::Operation(operation) = self.tree.now(branch.state.threads[thread].node) {
            self.killed_before.insert(match (operation.site, operation.request) {
                (Some(site), _) => site.name,
                (None, Request::Announce) => "announce",
                (None, _) => "retire",
            });
        }
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

    /// The clean-up after a dead thread is over: `Program::on_death` may run.
    fn bury(&mut self, branch: &mut Branch<N>, thread: usize) {
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

    /// The operating system looks at the word that a dead thread had announced.
    fn clean_up(&mut self, from: &Branch<N>, thread: usize, out: &mut Vec<Branch<N>>) {
        let sizes = self.world.sizes;
        let object = from.state.threads[thread].announced as u16 - 1;
        let location = object as usize;
        let newest = from.state.newest(location);
        let found = from.state.message(location, newest).value as u32;
        let mut branch = from.clone();
        let (what, wakes) = if found & OWNER == thread as u32 + 1 && !seeded(Seeded::CleanUpLeavesTheWord) {
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

    /// The thread's operation is answered; it goes on to its next one.
    fn answer(&mut self, branch: &mut Branch<N>, thread: usize, answer: Answer) {
        let step = self.tree.step(branch.state.threads[thread].node, answer);
        self.back |= step.back;
        branch.state.threads[thread].node = step.node;
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

    fn race(&mut self, branch: &mut Branch<N>, thread: usize, operation: &Operation, race: Race) {
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
    pub(super) fn stuck(&mut self, state: &State<N>) -> String {
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
    fn index(&self, branch: &Branch<N>) -> u32 {
        self.recording.map_or(0, |before| (before + branch.events.len() + 1) as u32)
    }

    fn last_write(&self, branch: &Branch<N>, object: u16) -> Option<usize> {
        let before = self.recording?;
        let label = self.label(object, true);
        branch
            .events
            .iter()
            .rposition(|event| event.object == label && matches!(event.action, Action::Wrote { .. }))
            .map(|index| before + index)
    }

    fn label(&self, object: u16, word: bool) -> String {
        let objects = self.world.objects;
        if word {
            objects.words[object as usize].label.clone()
        } else {
            objects.locations[object as usize].label.clone()
        }
    }

    fn note(&mut self, branch: &mut Branch<N>, thread: usize, operation: &Operation, action: Action) {
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
    }

    fn note_aside(
        &mut self,
        branch: &mut Branch<N>,
        thread: usize,
        site: Option<(&'static Site, Order)>,
        object: String,
        action: Action,
    ) {
        if self.recording.is_some() {
            let (site, order) = site.map_or((None, Order::Relaxed), |(site, order)| (Some(site), order));
            branch.events.push(Event { thread, site, order, object, action });
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

fn source<const N: usize>(state: &State<N>, location: usize, position: usize) -> Option<usize> {
    (state.message(location, position).source as usize).checked_sub(1)
}

/// All ways to choose `count` of `from`, or all of it if it has fewer.
fn choices(from: &[usize], count: usize) -> Vec<Vec<usize>> {
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

const _: () = assert!(NEVER > 2 * 256);
