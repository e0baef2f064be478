//! The platform that threads run on under the explorer: it records what a thread asks for and answers from a history.
//!
//! A thread body is never suspended. It is run from its start with the answers to its first operations given; the
//! operation after the last answer unwinds out of the body and is the thread's *next operation*. What the operations do
//! to memory is no business of this module.

use crate::facade::native::OWNER;
use crate::facade::{Atomic, Cell, Order, Platform, Site, Wait};
use crate::run::Mutant;
use crate::scenario::Notes;
use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::Once;
use std::time::Duration;

/// The platform of [`check`](super::check).
#[derive(Debug, Clone, Copy)]
pub enum Explorer {}

/// What an operation does, with its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Request {
    Load,
    Store(u64),
    Update(Update, u64),
    CompareExchange { current: u64, new: u64, weak: bool },
    Read,
    Write(u64),
    Fence,
    Wait { expected: u64, timed: bool },
    Wake { count: u32 },
    StoreAndWakeAll(u64),
    Announce,
    Retire,
}

/// A read-modify-write that always succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Update {
    Swap,
    Add,
    Or,
    And,
}

impl Update {
    /// The new value, of an integer with the given mask.
    pub(super) fn apply(self, old: u64, operand: u64, mask: u64) -> u64 {
        match self {
            Update::Swap => operand,
            Update::Add => old.wrapping_add(operand) & mask,
            Update::Or => old | operand,
            Update::And => old & operand,
        }
    }
}

/// One facade operation of one thread, not yet answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) site: Option<&'static Site>,
    /// The ordering in force, after mutation.
    pub(super) order: Order,
    /// The location or the cell.
    pub(super) object: u16,
    pub(super) request: Request,
}

impl Hash for Operation {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.site.map(|site| site.name), self.order, self.object, self.request).hash(state);
    }
}

impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        self.object == other.object
            && self.request == other.request
            && self.order == other.order
            && self.site.map(|s| s.name) == other.site.map(|s| s.name)
    }
}

/// What memory answered: a value, and a flag whose meaning depends on the request (a compare-and-exchange's success; how
/// a wait ended).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Answer {
    pub(super) value: u64,
    pub(super) flag: u8,
}

impl Answer {
    pub(super) const NOTHING: Answer = Answer { value: 0, flag: 0 };
    pub(super) const WOKEN: Answer = Answer { value: 0, flag: 1 };
    pub(super) const CHANGED: Answer = Answer { value: 0, flag: 2 };
    pub(super) const TIMED_OUT: Answer = Answer { value: 0, flag: 3 };

    pub(super) fn value(value: u64) -> Answer {
        Answer { value, flag: 0 }
    }
    pub(super) fn exchanged(value: u64) -> Answer {
        Answer { value, flag: 1 }
    }
}

/// One thing in a thread's past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Past {
    /// An operation and its answer.
    Asked(Operation, Answer),
    /// A whole [`Platform::scope`], this deep in others, of which only the result is remembered.
    Scope { level: u32, result: u64 },
}

/// What a thread does after a history.
#[derive(Clone, Debug)]
pub(super) enum Next {
    Operation(Operation),
    /// An attempt of [`Platform::retry`] that began at this point of the history was in vain.
    Back {
        to: usize,
    },
    /// A [`Platform::scope`] that began at this point of the history has a result.
    Left {
        to: usize,
        level: u32,
        result: u64,
    },
    Returned(Notes),
    Panicked(String),
}

/// A shared atomic of a program.
#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) label: String,
    pub(super) initial: u64,
    /// All ones, as wide as the integer.
    pub(super) mask: u64,
}

/// A data word of a program.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) label: String,
    pub(super) initial: u64,
}

/// Everything a program shares, in the order of creation.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    pub(super) locations: Vec<Location>,
    pub(super) words: Vec<Word>,
}

/// What the facade's operations mean to the code that runs on this OS thread right now.
enum Mode {
    /// No explorer is at work here.
    Idle,
    /// `Scenario::program` is running: objects are created, and what it does to them happens before all threads.
    Building(Objects),
    /// A thread body is running along a history.
    Replaying(Replay),
    /// `Program::finish` is running over the final memory, whose values stand in the place of the initial ones.
    Finishing(Objects),
}

struct Replay {
    history: Vec<Past>,
    /// How much of the history has been gone through.
    done: usize,
    /// After the history: go through its last `period` entries again and again until so many are done.
    repeat: Option<(usize, usize)>,
    mutant: Option<Mutant>,
    /// Whether retries and scopes are taken for what they are worth.
    fold: bool,
    /// Where in the history the open scopes began, outermost first.
    scopes: Vec<usize>,
    next: Option<Next>,
    /// Where the innermost scope began that has something in it already.
    within: Option<usize>,
    /// Who answers after the history.
    guide: Option<Rc<RefCell<dyn Guide>>>,
    /// How many scopes were open when the guide took over.
    guided: Option<usize>,
}

/// Somebody who answers a body beyond its history.
pub(super) trait Guide {
    /// The answer to an operation; `None` ends the run.
    fn answer(&mut self, operation: &Operation) -> Option<Answer>;
}

thread_local! {
    static MODE: RefCell<Mode> = const { RefCell::new(Mode::Idle) };
}

/// The panic payload that ends a replay.
struct EndOfHistory;

/// Runs `Scenario::program`, and returns with its result the objects it created.
pub(super) fn build<R>(program: impl FnOnce() -> R) -> (R, Objects) {
    MODE.with(|mode| mode.replace(Mode::Building(Objects::default())));
    let result = program();
    match MODE.with(|mode| mode.replace(Mode::Idle)) {
        Mode::Building(objects) => (result, objects),
        _ => unreachable!("a program was built inside a program"),
    }
}

/// How a body is run.
pub(super) struct Plan {
    pub(super) mutant: Option<Mutant>,
    /// Whether retries and scopes are taken for what they are worth.
    pub(super) fold: bool,
    pub(super) history: Vec<Past>,
    /// After the history, answer as in its last so many operations until there were so many in all.
    pub(super) repeat: Option<(usize, usize)>,
    /// After the history, let somebody answer until the body is over, or leaves the scope in which the history ends.
    pub(super) guide: Option<Rc<RefCell<dyn Guide>>>,
}

/// Where a run has led.
pub(super) struct Led {
    pub(super) next: Next,
    /// How many entries of the history there are.
    pub(super) done: usize,
    /// Where in the history the innermost scope began that is not over and has something in it.
    pub(super) within: Option<usize>,
}

/// Runs `body` as planned.
///
/// # Panics
/// If the body asks for other operations than the history says: it depends on something besides its shared memory.
pub(super) fn replay(body: &dyn Fn() -> Notes, plan: Plan) -> Led {
    let Plan { mutant, fold, history, repeat, guide } = plan;
    let (scopes, next, within, guided) = (Vec::new(), None, None, None);
    let replay = Replay { history, done: 0, repeat, mutant, fold, scopes, next, within, guide, guided };
    MODE.with(|mode| mode.replace(Mode::Replaying(replay)));
    let result = quietly(body);
    let Mode::Replaying(replay) = MODE.with(|mode| mode.replace(Mode::Idle)) else {
        unreachable!("a replay inside a replay")
    };
    let next = match (replay.next, result) {
        (Some(next), _) => next,
        (None, Ok(notes)) => Next::Returned(notes),
        (None, Err(message)) => Next::Panicked(message),
    };
    Led { next, done: replay.done, within: replay.within }
}

/// Runs `finish` over objects that hold the final values.
pub(super) fn finish<R>(objects: Objects, finish: impl FnOnce() -> R) -> Result<R, String> {
    MODE.with(|mode| mode.replace(Mode::Finishing(objects)));
    let result = quietly(finish);
    MODE.with(|mode| mode.replace(Mode::Idle));
    result
}

/// Runs `work`, turning a panic into its message without printing it.
fn quietly<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if MODE.with(|mode| mode.try_borrow().is_ok_and(|mode| matches!(*mode, Mode::Idle))) {
                before(info);
            }
        }));
    });
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        if let Some(message) = payload.downcast_ref::<&str>() {
            (*message).to_string()
        } else if let Some(message) = payload.downcast_ref::<String>() {
            message.clone()
        } else {
            "a panic without a message".to_string()
        }
    })
}

/// One operation of the code that is running: answered from the history, or the end of the replay.
fn perform(site: Option<&'static Site>, object: u16, request: Request) -> Answer {
    let answer = MODE.with(|mode| match &mut *mode.borrow_mut() {
        // Destructors of an unwinding body: whatever they do is not part of the execution.
        Mode::Replaying(_) if std::thread::panicking() => Some(dummy(request)),
        Mode::Replaying(replay) => replay.answer(site, object, request),
        Mode::Building(objects) | Mode::Finishing(objects) => Some(alone(objects, object, request)),
        Mode::Idle => panic!("a facade operation outside of the program"),
    });
    answer.unwrap_or_else(|| panic::resume_unwind(Box::new(EndOfHistory)))
}

impl Replay {
    fn answer(&mut self, site: Option<&'static Site>, object: u16, request: Request) -> Option<Answer> {
        let order = match (self.mutant, site) {
            (Some(mutant), Some(site)) if mutant.site == site.name => mutant.order,
            (_, Some(site)) => site.order,
            (_, None) => Order::Relaxed,
        };
        let operation = Operation { site, order, object, request };
        match self.past() {
            Some(Past::Asked(expected, answer)) if expected == operation => {
                self.done += 1;
                Some(answer)
            }
            // The supposed loop is none.
            Some(_) if self.done >= self.history.len() => self.stop(Next::Operation(operation)),
            Some(other) => panic!(
                "the thread's body is not a function of what it read: it asked for {operation:?}, before for {other:?}"
            ),
            None => {
                if let Some(guide) = &self.guide {
                    self.guided.get_or_insert(self.scopes.len());
                    if let Some(answer) = guide.borrow_mut().answer(&operation) {
                        self.done += 1;
                        return Some(answer);
                    }
                }
                self.stop(Next::Operation(operation))
            }
        }
    }

    /// The next entry to go through.
    fn past(&self) -> Option<Past> {
        let length = self.history.len();
        match self.repeat {
            _ if self.done < length => Some(self.history[self.done]),
            Some((period, total)) if self.done < total => {
                Some(self.history[length - period + (self.done - length) % period])
            }
            _ => None,
        }
    }

    /// Whether what has just ended, with so many scopes open around it, ended in the course of the history and is to be
    /// reported.
    fn ends(&self, outside: usize) -> bool {
        self.fold && self.past().is_none() && self.guided.is_none_or(|guided| outside < guided)
    }

    fn stop<T>(&mut self, next: Next) -> Option<T> {
        self.within = self.scopes.iter().copied().rfind(|&begun| begun < self.done);
        self.next = Some(next);
        None
    }
}

/// An answer on which retry loops end.
fn dummy(request: Request) -> Answer {
    match request {
        Request::CompareExchange { current, .. } => Answer::exchanged(current),
        Request::Wait { .. } => Answer::CHANGED,
        _ => Answer::NOTHING,
    }
}

/// An operation when no thread runs, before or after all of them.
fn alone(objects: &mut Objects, object: u16, request: Request) -> Answer {
    let object = object as usize;
    match request {
        Request::Read => Answer::value(objects.words[object].initial),
        Request::Write(value) => {
            objects.words[object].initial = value;
            Answer::NOTHING
        }
        Request::Load => Answer::value(objects.locations[object].initial),
        Request::Store(value) | Request::StoreAndWakeAll(value) => {
            objects.locations[object].initial = value;
            Answer::NOTHING
        }
        Request::Update(update, operand) => {
            let Location { initial, mask, .. } = &mut objects.locations[object];
            let old = *initial;
            *initial = update.apply(old, operand, *mask);
            Answer::value(old)
        }
        Request::CompareExchange { current, new, .. } => {
            let value = &mut objects.locations[object].initial;
            if *value == current { Answer::exchanged(std::mem::replace(value, new)) } else { Answer::value(*value) }
        }
        Request::Wait { .. } => panic!("a wait with nobody there to wake it"),
        // An id that no thread has.
        Request::Announce => Answer::value(OWNER.into()),
        Request::Fence | Request::Wake { .. } | Request::Retire => Answer::NOTHING,
    }
}

/// Registers a new object while a program is built.
fn create(register: impl FnOnce(&mut Objects) -> usize) -> u16 {
    MODE.with(|mode| match &mut *mode.borrow_mut() {
        Mode::Building(objects) => register(objects) as u16,
        _ => panic!("under the explorer all shared objects are created in Scenario::program, before its threads run"),
    })
}

macro_rules! explored_atomic {
    ($(#[$meta:meta])* $name:ident, $int:ident) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $name(u16);

        impl Atomic<$int> for $name {
            fn new(label: &'static str, value: $int) -> Self {
                $name(create(|objects| {
                    let label = label.to_string();
                    objects.locations.push(Location { label, initial: value as u64, mask: $int::MAX as u64 });
                    objects.locations.len() - 1
                }))
            }
            fn load(&self, site: &'static Site) -> $int {
                perform(Some(site), self.0, Request::Load).value as $int
            }
            fn store(&self, site: &'static Site, value: $int) {
                perform(Some(site), self.0, Request::Store(value as u64));
            }
            fn swap(&self, site: &'static Site, value: $int) -> $int {
                perform(Some(site), self.0, Request::Update(Update::Swap, value as u64)).value as $int
            }
            fn fetch_add(&self, site: &'static Site, value: $int) -> $int {
                perform(Some(site), self.0, Request::Update(Update::Add, value as u64)).value as $int
            }
            fn fetch_or(&self, site: &'static Site, value: $int) -> $int {
                perform(Some(site), self.0, Request::Update(Update::Or, value as u64)).value as $int
            }
            fn fetch_and(&self, site: &'static Site, value: $int) -> $int {
                perform(Some(site), self.0, Request::Update(Update::And, value as u64)).value as $int
            }
            fn compare_exchange(&self, site: &'static Site, current: $int, new: $int) -> Result<$int, $int> {
                let (current, new) = (current as u64, new as u64);
                outcome(perform(Some(site), self.0, Request::CompareExchange { current, new, weak: false }))
                    .map(|v| v as $int)
                    .map_err(|v| v as $int)
            }
            fn compare_exchange_weak(&self, site: &'static Site, current: $int, new: $int) -> Result<$int, $int> {
                let (current, new) = (current as u64, new as u64);
                outcome(perform(Some(site), self.0, Request::CompareExchange { current, new, weak: true }))
                    .map(|v| v as $int)
                    .map_err(|v| v as $int)
            }
        }
    };
}

/// Does something with the replay that is running, unless none is, or it is being unwound.
fn replaying<T>(work: impl FnOnce(&mut Replay) -> T) -> Option<T> {
    MODE.with(|mode| match &mut *mode.borrow_mut() {
        Mode::Replaying(replay) if !std::thread::panicking() => Some(work(replay)),
        _ => None,
    })
}

fn outcome(answer: Answer) -> Result<u64, u64> {
    if answer.flag == 1 { Ok(answer.value) } else { Err(answer.value) }
}

explored_atomic!(
    /// A 32-bit location of the explored memory.
    ExplorerU32, u32
);
explored_atomic!(
    /// A 64-bit location of the explored memory.
    ExplorerU64, u64
);

/// A data word of the explored memory.
#[derive(Debug)]
pub struct ExplorerCell(u16);

impl Cell for ExplorerCell {
    fn new(label: &'static str, index: usize, value: u64) -> Self {
        ExplorerCell(create(|objects| {
            objects.words.push(Word { label: format!("{label}[{index}]"), initial: value });
            objects.words.len() - 1
        }))
    }
    fn read(&self, site: &'static Site) -> u64 {
        perform(Some(site), self.0, Request::Read).value
    }
    fn write(&self, site: &'static Site, value: u64) {
        perform(Some(site), self.0, Request::Write(value));
    }
}

impl Platform for Explorer {
    type AtomicU32 = ExplorerU32;
    type AtomicU64 = ExplorerU64;
    type Cell = ExplorerCell;

    fn fence(site: &'static Site) {
        perform(Some(site), 0, Request::Fence);
    }

    fn retry<T>(attempt: impl Fn() -> Option<T>) -> T {
        loop {
            let begun = replaying(|replay| replay.done);
            if let Some(result) = attempt() {
                return result;
            }
            let over = replaying(|replay| {
                let begun = begun.expect("one mode during a run");
                assert!(replay.done > begun, "an attempt of a retry without any operation");
                if replay.guided.is_none() && replay.ends(0) {
                    replay.next = Some(Next::Back { to: begun });
                }
                replay.next.is_some()
            });
            if over == Some(true) {
                panic::resume_unwind(Box::new(EndOfHistory));
            }
        }
    }

    fn scope(work: impl Fn() -> u64) -> u64 {
        let known = replaying(|replay| match replay.past() {
            Some(Past::Scope { level, result }) if level as usize == replay.scopes.len() => {
                replay.done += 1;
                Ok(result)
            }
            _ => {
                replay.scopes.push(replay.done);
                Err(replay.done)
            }
        });
        let begun = match known {
            Some(Ok(result)) => return result,
            Some(Err(begun)) => begun,
            None => return work(),
        };
        let result = work();
        let over = replaying(|replay| {
            replay.scopes.pop();
            let level = replay.scopes.len();
            if replay.done > begun && replay.ends(level) {
                replay.next = Some(Next::Left { to: begun, level: level as u32, result });
            }
            replay.next.is_some()
        });
        if over == Some(true) {
            panic::resume_unwind(Box::new(EndOfHistory));
        }
        result
    }

    /// Nothing: other threads may run before every operation anyway.
    fn spin() {}

    fn wait(word: &ExplorerU32, site: &'static Site, expected: u32, timeout: Option<Duration>) -> Wait {
        let request = Request::Wait { expected: expected as u64, timed: timeout.is_some() };
        match perform(Some(site), word.0, request) {
            Answer::WOKEN => Wait::Woken,
            Answer::TIMED_OUT => Wait::TimedOut,
            _ => Wait::Changed,
        }
    }

    fn wake(word: &ExplorerU32, site: &'static Site, count: u32) -> u32 {
        perform(Some(site), word.0, Request::Wake { count }).value as u32
    }

    fn store_and_wake_all(word: &ExplorerU32, site: &'static Site, value: u32) -> u32 {
        perform(Some(site), word.0, Request::StoreAndWakeAll(value as u64)).value as u32
    }

    unsafe fn announce(word: &ExplorerU32) -> u32 {
        perform(None, word.0, Request::Announce).value as u32
    }

    fn retire() {
        perform(None, 0, Request::Retire);
    }
}
