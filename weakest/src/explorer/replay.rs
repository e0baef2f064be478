//! A thread's body run along a history: the operation after the last answer unwinds out of it, and is the thread's *next
//! operation*. What the operations do to memory is no business of this module.

use super::operation::{Answer, Objects, Operation, Request};
use crate::call;
use crate::declared;
use crate::facade::native::OWNER;
use crate::facade::{Operation as Declared, Order, Site};
use crate::run::Mutant;
use crate::scenario::Notes;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// One thing in a thread's past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Past {
    /// An operation and its answer.
    Asked(Operation, Answer),
    /// A whole [`scope`], this deep in others, of which only the result is remembered.
    Scope { level: u32, result: u64 },
}

/// What a thread does after a history.
#[derive(Clone, Debug)]
pub(super) enum Next {
    Operation(Operation),
    /// An attempt of [`retry`] that began at this point of the history was in vain.
    Back {
        to: usize,
    },
    /// A [`scope`] that began at this point of the history has a result.
    Left {
        to: usize,
        level: u32,
        result: u64,
    },
    Returned(Notes),
    Panicked(String),
}

/// One operation of the final look.
pub(super) struct Looked {
    pub(super) site: Option<&'static Site>,
    pub(super) object: u16,
    pub(super) request: Request,
    pub(super) answer: Answer,
}

/// What the facade's operations mean to the code that runs on this OS thread right now.
enum Mode {
    /// No explorer is at work here.
    Idle,
    /// `Scenario::program` is running: objects are created, and what it does to them happens before all threads.
    Building(Objects),
    /// A thread body is running along a history.
    Replaying(Replay),
    /// `Program::finish` is running over the final memory, whose values stand in the place of the initial ones. What it does is kept
    /// for the picture.
    Finishing(Objects, Vec<Looked>),
    /// The program is dropped, and with it what its closures hold. What destructors do then is no part of any execution.
    Discarding,
}

struct Replay {
    history: Vec<Past>,
    /// How much of the history has been gone through.
    done: usize,
    /// After the history: go through its last `period` entries again and again until so many are done.
    repeat: Option<(usize, usize)>,
    /// After the history: guess.
    guess: Option<Box<Guess>>,
    ahead: Vec<(Operation, Answer)>,
    mutant: Option<Mutant>,
    /// Whether retries and scopes are taken for what they are worth.
    fold: bool,
    /// Where in the history the open scopes began, outermost first.
    scopes: Vec<usize>,
    next: Option<Next>,
    thread: usize,
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

/// A guess at the answers that come after a history, so that one run, whose end is what costs, leads through several operations: the
/// thread goes on alone, and finds what is in these objects.
pub(super) struct Guess {
    pub(super) objects: Objects,
    /// How many operations more.
    pub(super) left: usize,
}

impl Guess {
    fn answer(&mut self, thread: usize, operation: &Operation) -> Option<Answer> {
        if self.left == 0 || matches!(operation.request, Request::Wait { .. }) {
            return None;
        }
        self.left -= 1;
        Some(match operation.request {
            Request::Announce => Answer::value(id(thread).into()),
            request => alone(&mut self.objects, operation.object, request),
        })
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
    /// After the history, go on as guessed.
    pub(super) guess: Option<Box<Guess>>,
    /// Whose body it is; for a hook, on whose death it runs.
    pub(super) thread: usize,
}

/// Where a run has led.
pub(super) struct Led {
    /// The operations after the history whose answers were guessed, with those.
    pub(super) ahead: Vec<(Operation, Answer)>,
    /// What comes after all of that.
    pub(super) next: Next,
    pub(super) guess: Option<Box<Guess>>,
    /// How many entries of the history there are.
    pub(super) done: usize,
}

/// Runs `body` as planned.
///
/// # Panics
/// If the body asks for other operations than the history says: it depends on something besides its shared memory.
pub(super) fn replay(body: &dyn Fn() -> Notes, plan: Plan) -> Led {
    let Plan { mutant, fold, history, repeat, guess, thread } = plan;
    let (ahead, scopes) = (Vec::new(), Vec::new());
    let replay = Replay { history, done: 0, repeat, guess, ahead, mutant, fold, scopes, next: None, thread };
    MODE.with(|mode| mode.replace(Mode::Replaying(replay)));
    call::forget();
    let result = quietly(body);
    let Mode::Replaying(replay) = MODE.with(|mode| mode.replace(Mode::Idle)) else {
        unreachable!("a replay inside a replay")
    };
    let next = match (replay.next, result) {
        (Some(next), _) => next,
        (None, Ok(notes)) => Next::Returned(notes),
        (None, Err(message)) => Next::Panicked(message),
    };
    Led { ahead: replay.ahead, next, guess: replay.guess, done: replay.done }
}

/// Runs `finish` over objects that hold the final values.
pub(super) fn finish<R>(objects: Objects, finish: impl FnOnce() -> R) -> (Result<R, String>, Vec<Looked>) {
    MODE.with(|mode| mode.replace(Mode::Finishing(objects, Vec::new())));
    let result = quietly(finish);
    match MODE.with(|mode| mode.replace(Mode::Idle)) {
        Mode::Finishing(_, looked) => (result, looked),
        _ => unreachable!("something else inside a final look"),
    }
}

/// Drops a program.
pub(super) fn discard<T>(program: T) {
    MODE.with(|mode| mode.replace(Mode::Discarding));
    drop(program);
    MODE.with(|mode| mode.replace(Mode::Idle));
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
pub(super) fn perform(site: Option<&'static Site>, object: u16, request: Request) -> Answer {
    if let (Some(site), Some(operation)) = (site, request.operation())
        && !std::thread::panicking()
    {
        declared::check(site, operation);
    }
    ask(site, None, object, request)
}

/// The same for a compare-and-exchange, which may have a site for its failure.
pub(super) fn perform_or(site: &'static Site, failure: Option<&'static Site>, object: u16, request: Request) -> Answer {
    if !std::thread::panicking() {
        declared::check(site, Declared::CompareExchange);
        failure.iter().for_each(|failure| declared::check(failure, Declared::Load));
    }
    ask(Some(site), failure, object, request)
}

fn ask(site: Option<&'static Site>, failure: Option<&'static Site>, object: u16, request: Request) -> Answer {
    let answer = MODE.with(|mode| match &mut *mode.borrow_mut() {
        // Destructors of an unwinding body: whatever they do is not part of the execution.
        Mode::Replaying(_) if std::thread::panicking() => Some(dummy(request)),
        Mode::Replaying(replay) => replay.answer(site, failure, object, request),
        Mode::Building(objects) => Some(alone(objects, object, request)),
        Mode::Finishing(objects, looked) => {
            let answer = alone(objects, object, request);
            looked.push(Looked { site, object, request, answer });
            Some(answer)
        }
        Mode::Discarding => Some(dummy(request)),
        Mode::Idle => panic!("a facade operation outside of the program"),
    });
    answer.unwrap_or_else(|| panic::resume_unwind(Box::new(EndOfHistory)))
}

impl Replay {
    fn answer(
        &mut self,
        site: Option<&'static Site>,
        failure: Option<&'static Site>,
        object: u16,
        request: Request,
    ) -> Option<Answer> {
        let mutant = self.mutant;
        let order = |site: &Site| mutant.filter(|m| m.site == site.name).map_or(site.order, |m| m.order);
        let failure = failure.map(|site| (site, order(site)));
        let operation = Operation {
            site,
            order: site.map_or(Order::Relaxed, order),
            object,
            request,
            failure,
            call: call::current(),
        };
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
            None => match self.guess.as_mut().and_then(|guess| guess.answer(self.thread, &operation)) {
                Some(answer) => {
                    self.history.push(Past::Asked(operation, answer));
                    self.ahead.push((operation, answer));
                    self.done += 1;
                    Some(answer)
                }
                None => self.stop(Next::Operation(operation)),
            },
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

    /// Whether what has just ended ended in the course of the history and is to be reported.
    fn ends(&self) -> bool {
        self.fold && self.past().is_none()
    }

    fn stop<T>(&mut self, next: Next) -> Option<T> {
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

/// An id that no thread has: that of whoever works before or after all of them.
const NO_THREAD: u32 = OWNER;

/// The id of the thread that runs.
pub(super) fn thread_id() -> u32 {
    MODE.with(|mode| match &*mode.borrow() {
        Mode::Replaying(replay) => id(replay.thread),
        _ => NO_THREAD,
    })
}

/// The id of a thread.
pub(super) fn id(thread: usize) -> u32 {
    thread as u32 + 1
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
            let location = &mut objects.locations[object];
            let old = location.initial;
            location.initial = location.update(update, old, operand);
            Answer::value(old)
        }
        Request::CompareExchange { current, new, .. } => {
            let value = &mut objects.locations[object].initial;
            if *value == current { Answer::exchanged(std::mem::replace(value, new)) } else { Answer::value(*value) }
        }
        Request::Wait { .. } => panic!("a wait with nobody there to wake it"),
        Request::Announce => Answer::value(NO_THREAD.into()),
        Request::Now => Answer::value(objects.now),
        Request::Fence | Request::Wake { .. } | Request::Retire => Answer::NOTHING,
    }
}

/// Registers a new object while a program is built.
pub(super) fn create(register: impl FnOnce(&mut Objects) -> usize) -> u16 {
    MODE.with(|mode| match &mut *mode.borrow_mut() {
        Mode::Building(objects) => register(objects) as u16,
        _ => panic!("under the explorer all shared objects are created in Scenario::program, before its threads run"),
    })
}

/// Does something with the replay that is running, unless none is, or it is being unwound.
fn replaying<T>(work: impl FnOnce(&mut Replay) -> T) -> Option<T> {
    MODE.with(|mode| match &mut *mode.borrow_mut() {
        Mode::Replaying(replay) if !std::thread::panicking() => Some(work(replay)),
        _ => None,
    })
}

/// [`Platform::retry`](crate::facade::Platform::retry): an attempt in vain is the end of the history, and leads back.
pub(super) fn retry<T>(attempt: impl Fn() -> Option<T>) -> T {
    loop {
        let begun = replaying(|replay| replay.done);
        if let Some(result) = attempt() {
            return result;
        }
        let over = replaying(|replay| {
            let begun = begun.expect("one mode during a run");
            assert!(replay.done > begun, "an attempt of a retry without any operation");
            if replay.ends() {
                replay.next = Some(Next::Back { to: begun });
            }
            replay.next.is_some()
        });
        if over == Some(true) {
            panic::resume_unwind(Box::new(EndOfHistory));
        }
    }
}

/// [`Platform::scope`](crate::facade::Platform::scope): of one that is over, the history remembers the result alone.
pub(super) fn scope(work: impl Fn() -> u64) -> u64 {
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
        if replay.done > begun && replay.ends() {
            replay.next = Some(Next::Left { to: begun, level: level as u32, result });
        }
        replay.next.is_some()
    });
    if over == Some(true) {
        panic::resume_unwind(Box::new(EndOfHistory));
    }
    result
}
