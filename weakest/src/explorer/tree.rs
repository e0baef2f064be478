//! Threads as trees of histories: each distinct history of answers is run once, and looked up ever after.
//!
//! A node is what one thread has been answered so far; it knows the thread's next operation. Since a body is a function
//! of its answers, this replaces both the replay of threads and a copy of their stacks: a thread's control state is a
//! node's number.
//!
//! **Retry loops.** Where a history ends in the same operations with the same answers twice over, and the body is seen to
//! go on asking the same for as long as it gets the same answers ([`Tree::lookahead`] operations), the second round is
//! taken for a return to the node before it. So a thread that polls in vain stays where it is, instead of growing a
//! history for ever. Code that says [`Platform::retry`](crate::facade::Platform::retry) and
//! [`scope`](crate::facade::Platform::scope) needs no such guess: an attempt in vain returns to the node where it began,
//! and a scope is left behind as its result alone.
//!
//! **Guesses.** To run a body up to its next operation costs far more than the operations before, for it has to be unwound. So each run
//! goes on for a few operations as the thread would if it were alone from here ([`Guess`]). What it comes to is looked at only where it
//! is then answered just so; a node is made when somebody asks for it, guessed or not, so that the tree is the same without guesses.

use super::faults::{Fault as Seeded, seeded};
use super::operation::{Answer, Objects, Operation, Request};
use super::replay::{Guess, Led, Next, Past, Plan, replay};
use super::state::Sizes;
use super::touched::Touched;
use super::values::Values;
use crate::facade::{Order, Rmw};
use crate::run::Mutant;
use crate::scenario::{Notes, Program};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::sync::Mutex;

/// So many operations ahead a run guesses.
const AHEAD: usize = 32;

/// A node's number.
pub(super) type NodeId = u32;

/// One history of one body.
#[derive(Debug)]
pub(super) struct Node {
    parent: NodeId,
    /// What led here from the parent; nothing at a root.
    last: Option<Past>,
    /// The length of the history.
    pub(super) depth: u32,
    pub(super) body: u16,
    pub(super) next: Next,
}

/// Where an answer leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) node: NodeId,
    /// Whether it leads back to a node on the way: a retry loop's iteration in vain.
    pub(super) back: bool,
}

/// All histories met so far, of all bodies of a program.
///
/// Bodies `0..threads` are the program's threads; body `threads + i` is what `Program::on_death` does for thread `i`.
pub(super) struct Tree<'p> {
    program: &'p Program,
    mutant: Option<Mutant>,
    lookahead: usize,
    /// Whether retries of the given body may be folded.
    fold: Box<dyn Fn(u16) -> bool + Sync + Send + 'p>,
    nodes: Vec<Node>,
    children: FxHashMap<(NodeId, Answer), Step>,
    scopes: FxHashMap<(NodeId, u32, u64), Step>,
    notes: FxHashMap<Notes, u32>,
    /// What is known of a node beyond its next operation: if that is answered so, these come next (the next one last).
    ahead: FxHashMap<NodeId, Ahead>,
    /// What a thread may find in memory, as a guess.
    objects: Objects,
    /// What has been read and written.
    pub(super) values: Values,
    /// What the threads have been seen about to do.
    pub(super) touched: Touched,
    /// Whether threads may die while they have a word announced.
    deaths: bool,
    /// Whether any history was folded.
    pub(super) loops: bool,
    /// Whether what a read decides is of interest.
    pub(super) heeds_decisions: bool,
    /// The level that the search is at, and the values known before it.
    level: u32,
    known: Values,
    /// What a thread does next after the first answer it was given at a node.
    nexts: FxHashMap<NodeId, Shape>,
    /// The nodes after which answers are known that lead to different operations, and the level at which that came to be
    /// known.
    decisions: FxHashMap<NodeId, u32>,
}

/// What a run has led to beyond a node's next operation.
struct Ahead {
    /// The answer to the node's operation.
    answer: Answer,
    /// The operations after that, each with its answer: the first one last.
    operations: Vec<(Operation, Answer)>,
    next: Next,
}

/// Of what comes next, what compiled code cannot choose without a branch or the computation of an address. Different sites
/// with the same operation may well be one instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Operation(std::mem::Discriminant<Request>, Option<Rmw>, u16, Order),
    Over,
}

impl Shape {
    /// Nothing if the body fails: a failure need not be in the code that ships.
    fn of(next: &Next) -> Option<Shape> {
        match next {
            Next::Operation(next) => {
                let update = if let Request::Update(update, _) = next.request { Some(update) } else { None };
                Some(Shape::Operation(std::mem::discriminant(&next.request), update, next.object, next.order))
            }
            Next::Panicked(_) => None,
            _ => Some(Shape::Over),
        }
    }
}

impl<'p> Tree<'p> {
    pub(super) fn new(
        program: &'p Program,
        mutant: Option<Mutant>,
        lookahead: usize,
        sizes: Sizes,
        deaths: bool,
        fold: impl Fn(u16) -> bool + Sync + Send + 'p,
        objects: Objects,
    ) -> Self {
        let values = Values::initial(&objects);
        let mut tree = Tree {
            program,
            mutant,
            lookahead,
            fold: Box::new(fold),
            nodes: Vec::new(),
            children: FxHashMap::default(),
            scopes: FxHashMap::default(),
            notes: FxHashMap::default(),
            ahead: FxHashMap::default(),
            objects,
            known: values.clone(),
            values,
            touched: Touched::nothing(sizes),
            deaths,
            loops: false,
            heeds_decisions: false,
            level: 0,
            nexts: FxHashMap::default(),
            decisions: FxHashMap::default(),
        };
        let hooks = if program.on_death.is_some() { program.threads.len() } else { 0 };
        for body in 0..(program.threads.len() + hooks) as u16 {
            let next = tree.run(body, Vec::new(), None, None).next;
            tree.add(Node { parent: body as NodeId, last: None, depth: 0, body, next });
        }
        tree
    }

    fn add(&mut self, node: Node) -> NodeId {
        if let Next::Operation(operation) = &node.next {
            let thread = node.body as usize % self.program.threads.len();
            self.touched.add(thread, operation, self.deaths);
            self.values.asked(operation);
        }
        self.nodes.push(node);
        let node = self.nodes.len() as NodeId - 1;
        if self.heeds_decisions {
            self.try_values(node);
        }
        node
    }

    /// The node of a body that has not been answered anything.
    pub(super) fn root(body: usize) -> NodeId {
        body as NodeId
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// The sites that any thread came to.
    pub(super) fn reached(&self) -> BTreeSet<&'static str> {
        let sites = |node: &Node| match &node.next {
            Next::Operation(operation) => [operation.site, operation.failure.map(|(site, _)| site)],
            _ => [None, None],
        };
        self.nodes.iter().flat_map(sites).flatten().map(|site| site.name).collect()
    }

    /// How many distinct histories there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Where `answer` leads from `from`; runs the body if nobody asked before. `show` says what is in memory.
    pub(super) fn step(&mut self, from: NodeId, answer: Answer, show: impl FnOnce(&mut Objects)) -> Step {
        if let Some(&step) = self.children.get(&(from, answer)) {
            return step;
        }
        let Next::Operation(operation) = self.node(from).next else { unreachable!("an answer to no question") };
        show(&mut self.objects);
        if let Request::Write(value) = operation.request {
            // It need not have been done yet.
            self.objects.words[operation.object as usize].initial = value;
        }
        self.values.answered(&operation, answer);
        let step = self.grow(from, Past::Asked(operation, answer));
        self.children.insert((from, answer), step);
        self.note_shape(from, Shape::of(&self.node(step.node).next));
        step
    }

    /// The search has come to a level.
    pub(super) fn enter_level(&mut self, level: u32) {
        if self.heeds_decisions && level > 0 {
            let known = std::mem::replace(&mut self.known, self.values.clone());
            for node in 0..self.nodes.len() as NodeId {
                if let Next::Operation(operation) = self.node(node).next
                    && !self.decisions.contains_key(&node)
                    && known.of(&operation).count() < self.known.of(&operation).count()
                {
                    self.try_values(node);
                }
            }
        }
        self.level = level;
        self.known = self.values.clone();
    }

    /// An answer to a node leads to an operation of this shape.
    fn note_shape(&mut self, node: NodeId, shape: Option<Shape>) {
        if let Some(shape) = shape
            && *self.nexts.entry(node).or_insert(shape) != shape
            && !seeded(Seeded::DecisionsAreUnknown)
        {
            self.decisions.entry(node).or_insert(self.level);
        }
    }

    /// Tries what values known before this level, read at a node, would lead to.
    fn try_values(&mut self, node: NodeId) {
        let Next::Operation(operation) = self.node(node).next else { return };
        let answers: Vec<Answer> = self.known.of(&operation).flat_map(|value| operation.answers(value)).collect();
        for answer in answers {
            let mut history = self.history(node);
            history.push(Past::Asked(operation, answer));
            let shape = self.shape_after(self.node(node).body, history);
            self.note_shape(node, shape);
        }
    }

    /// What a body does next after a history that need not ever come about.
    fn shape_after(&self, body: u16, mut history: Vec<Past>) -> Option<Shape> {
        loop {
            match self.run(body, history.clone(), None, None).next {
                Next::Back { to } => history.truncate(to),
                Next::Left { to, level, result } => {
                    history.truncate(to);
                    history.push(Past::Scope { level, result });
                }
                next => return Shape::of(&next),
            }
        }
    }

    /// Keeps what is known of decisions for another search, from its start. Whether anything came to be known lately.
    pub(super) fn remember_decisions(&mut self) -> bool {
        self.known = self.values.clone();
        if self.heeds_decisions {
            (0..self.nodes.len() as NodeId).for_each(|node| self.try_values(node));
        }
        let news = self.decisions.values().any(|&level| level > 0);
        self.decisions.values_mut().for_each(|level| *level = 0);
        news
    }

    /// Where one more entry of the history leads.
    fn grow(&mut self, from: NodeId, past: Past) -> Step {
        let mut history = self.history(from);
        history.push(past);
        let (body, depth) = (self.node(from).body, self.node(from).depth + 1);
        let (next, ahead) = self.after(from, body, &history);
        match next {
            Next::Back { to } => {
                self.loops = true;
                Step { node: self.ancestor(from, depth as usize - 1 - to), back: true }
            }
            Next::Left { to, level, result } => {
                let entered = self.ancestor(from, depth as usize - 1 - to);
                if let Some(&step) = self.scopes.get(&(entered, level, result)) {
                    return step;
                }
                let step = self.grow(entered, Past::Scope { level, result });
                self.scopes.insert((entered, level, result), step);
                step
            }
            next => match self.round(body, &history, &next) {
                Some(period) => {
                    self.loops = true;
                    Step { node: self.ancestor(from, period - 1), back: true }
                }
                None => {
                    let node = self.add(Node { parent: from, last: Some(past), depth, body, next });
                    if let Some(ahead) = ahead {
                        self.ahead.insert(node, ahead);
                    }
                    Step { node, back: false }
                }
            },
        }
    }

    /// What comes after a history that goes one entry beyond `from`, and what is known to come after that.
    fn after(&mut self, from: NodeId, body: u16, history: &[Past]) -> (Next, Option<Ahead>) {
        let last = history[history.len() - 1];
        let (mut operations, next) = match self.ahead.entry(from) {
            Entry::Occupied(known) if matches!(last, Past::Asked(_, answer) if answer == known.get().answer) => {
                let Ahead { operations, next, .. } = known.remove();
                (operations, next)
            }
            _ => {
                let objects = std::mem::take(&mut self.objects);
                let mut led = self.run(body, history.to_vec(), None, Some(Box::new(Guess { objects, left: AHEAD })));
                self.objects = led.guess.take().expect("a guess that was made").objects;
                led.ahead.reverse();
                (led.ahead, led.next)
            }
        };
        match operations.pop() {
            Some((operation, answer)) => (Next::Operation(operation), Some(Ahead { answer, operations, next })),
            None => (next, None),
        }
    }

    /// A small number for equal notes.
    pub(super) fn intern(&mut self, notes: &Notes) -> u32 {
        if let Some(&known) = self.notes.get(notes) {
            return known;
        }
        let number = self.notes.len() as u32;
        self.notes.insert(notes.clone(), number);
        number
    }

    /// The notes of a number.
    pub(super) fn notes(&self, number: u32) -> Notes {
        self.notes.iter().find(|(_, known)| **known == number).expect("an interned number").0.clone()
    }

    fn ancestor(&self, mut node: NodeId, generations: usize) -> NodeId {
        for _ in 0..generations {
            node = self.node(node).parent;
        }
        node
    }

    fn history(&self, mut node: NodeId) -> Vec<Past> {
        let mut history = Vec::with_capacity(self.node(node).depth as usize + 1);
        while let Some(last) = self.node(node).last {
            history.push(last);
            node = self.node(node).parent;
        }
        history.reverse();
        history
    }

    fn run(&self, body: u16, history: Vec<Past>, repeat: Option<(usize, usize)>, guess: Option<Box<Guess>>) -> Led {
        let threads = self.program.threads.len();
        let fold = (self.fold)(body);
        let body = body as usize;
        let plan = Plan { mutant: self.mutant, fold, history, repeat, guess, thread: body % threads };
        if body < threads {
            replay(&*self.program.threads[body].body, plan)
        } else {
            let hook = self.program.on_death.as_deref().expect("a hook has a body");
            let run = || {
                hook(body - threads);
                Notes::new()
            };
            replay(&run, plan)
        }
    }

    /// The length of the shortest round that `history` ends in twice over and that goes on for ever, if any.
    fn round(&self, body: u16, history: &[Past], next: &Next) -> Option<usize> {
        let Next::Operation(next) = next else { return None };
        let length = history.len();
        if !(self.fold)(body) {
            return None;
        }
        (1..=length / 2).find(|&period| {
            let round = &history[length - period..];
            matches!(round[0], Past::Asked(first, _) if first == *next)
                && round == &history[length - 2 * period..length - period]
                && {
                    let total = length + self.lookahead.max(2 * period);
                    self.run(body, history.to_vec(), Some((period, total)), None).done == total
                }
        })
    }
}

/// Whether the operation may change a location, and whether it looks at the newest value there as the kernel does.
pub(super) fn footprint(request: Request) -> (bool, bool) {
    match request {
        Request::Store(_) | Request::Update(..) | Request::CompareExchange { .. } | Request::Announce => (true, false),
        Request::StoreAndWakeAll(_) => (true, true),
        Request::Wait { .. } | Request::Wake { .. } => (false, true),
        Request::Load | Request::Read | Request::Write(_) | Request::Fence | Request::Retire | Request::Now => {
            (false, false)
        }
    }
}

/// What a node's thread does next, small enough to copy.
#[derive(Clone, Copy, Debug)]
pub(super) enum Now {
    Operation(Operation),
    /// The number of its notes.
    Returned(u32),
    Panicked,
}

/// One worker's own copy of the parts of a shared tree that it has used.
pub(super) struct Reader<'t, 'p> {
    shared: &'t Mutex<Tree<'p>>,
    nodes: Vec<Option<(Now, u32)>>,
    children: FxHashMap<(NodeId, Answer), Step>,
    /// The level that the search is at, and what was known of decisions before it.
    level: u32,
    decisions: FxHashMap<NodeId, bool>,
}

impl<'t, 'p> Reader<'t, 'p> {
    pub(super) fn new(shared: &'t Mutex<Tree<'p>>) -> Self {
        let decisions = FxHashMap::default();
        Reader { shared, nodes: Vec::new(), children: FxHashMap::default(), level: 0, decisions }
    }

    /// What was known before this level is known now.
    pub(super) fn enter_level(&mut self, level: u32) {
        if self.level != level {
            self.level = level;
            self.decisions.clear();
        }
    }

    /// Whether the answers known before this level lead from the node to different operations. Knowing fewer allows more
    /// promises; that it does not depend on the order of work within a level keeps searches repeatable.
    pub(super) fn decides(&mut self, node: NodeId) -> bool {
        let (shared, level) = (self.shared, self.level);
        *self
            .decisions
            .entry(node)
            .or_insert_with(|| lock(shared).decisions.get(&node).is_some_and(|&since| since < level))
    }

    /// See [`Tree::step`].
    pub(super) fn step(&mut self, from: NodeId, answer: Answer, show: impl FnOnce(&mut Objects)) -> Step {
        let shared = self.shared;
        *self.children.entry((from, answer)).or_insert_with(|| lock(shared).step(from, answer, show))
    }

    /// What the thread does after this history.
    pub(super) fn now(&mut self, node: NodeId) -> Now {
        self.look(node).0
    }

    /// How many operations the thread has done.
    pub(super) fn depth(&mut self, node: NodeId) -> u32 {
        self.look(node).1
    }

    fn look(&mut self, node: NodeId) -> (Now, u32) {
        let index = node as usize;
        if self.nodes.len() <= index {
            self.nodes.resize(index + 1, None);
        }
        *self.nodes[index].get_or_insert_with(|| {
            let mut tree = lock(self.shared);
            let depth = tree.node(node).depth;
            let now = match tree.node(node).next.clone() {
                Next::Operation(operation) => Now::Operation(operation),
                Next::Returned(notes) => Now::Returned(tree.intern(&notes)),
                Next::Panicked(_) => Now::Panicked,
                Next::Back { .. } | Next::Left { .. } => unreachable!("no node waits there"),
            };
            (now, depth)
        })
    }

    /// The message of a panic.
    pub(super) fn panic(&self, node: NodeId) -> String {
        match &lock(self.shared).node(node).next {
            Next::Panicked(message) => message.clone(),
            _ => unreachable!("no panic there"),
        }
    }

    /// See [`Tree::notes`].
    pub(super) fn notes(&self, number: u32) -> Notes {
        lock(self.shared).notes(number)
    }
}

/// Locks a mutex whose holders never panic half way.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
