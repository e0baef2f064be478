//! The platform, and how it hands control to loom and gets it back.

use super::atomic::{LoomBool, LoomI32, LoomPtr, LoomU32, LoomU64, LoomUsize};
use super::cell::LoomCell;
use super::futex;
use super::shadow::Shadow;
use crate::engine::world;
use crate::facade::data::{Numbered, Plain};
use crate::facade::heap::{Arena, Make};
use crate::facade::{Operation, Order, Platform, Site, Wait};
use crate::trace::Action;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// loom's machine.
#[derive(Clone, Copy, Debug)]
pub enum Loom {}

thread_local! {
    /// What all `SeqCst` fences of an execution depend on.
    static FENCES: RefCell<Option<Rc<Shadow>>> = const { RefCell::new(None) };
    /// Whether some thread is in an operation that is not to be interrupted.
    static UNINTERRUPTED: Cell<bool> = const { Cell::new(false) };
    /// Whether one was.
    static STEPPED_IN: Cell<bool> = const { Cell::new(false) };
}

/// Prepares an execution; call inside of the model.
pub(super) fn begin() {
    FENCES.set(Some(Rc::new(Shadow::default())));
    UNINTERRUPTED.set(false);
}

/// Runs a loom operation, in which other threads may step, for `lane`.
pub(super) fn at<R>(lane: usize, operation: impl FnOnce() -> R) -> R {
    let result = operation();
    world::resume(lane);
    result
}

/// Runs a loom operation right behind the one before: no other thread steps in between, and loom looks for none that
/// should.
///
/// Except that a thread which has yielded just before lets another run first, whatever one says. What that one does is not explored
/// until this operation is over.
pub(super) fn uninterrupted<R>(lane: usize, operation: impl FnOnce() -> R) -> R {
    if UNINTERRUPTED.replace(true) {
        STEPPED_IN.set(true);
        return at(lane, operation);
    }
    ::loom::stop_exploring();
    let result = at(lane, operation);
    ::loom::explore();
    UNINTERRUPTED.set(false);
    result
}

/// Whether a thread stepped in where none should, in any execution since this was asked last.
pub(super) fn take_stepped_in() -> bool {
    STEPPED_IN.take()
}

impl Platform for Loom {
    type AtomicU32 = LoomU32;
    type AtomicU64 = LoomU64;
    type AtomicI32 = LoomI32;
    type AtomicUsize = LoomUsize;
    type AtomicBool = LoomBool;
    type AtomicPtr<T: 'static> = LoomPtr<T>;
    type Data<T: Plain> = Numbered<Self, T>;
    type Heap<T: Make> = Arena<Self, T>;
    type Cell = LoomCell;

    fn fence(site: &'static Site) {
        let Some(lane) = world::enter_at(site, Operation::Fence) else { return };
        let order = world::order(site);
        if order == Order::SeqCst {
            let fences = FENCES.with_borrow(Clone::clone).expect("a fence outside of an execution");
            fences.write(lane);
        }
        if order != Order::Relaxed {
            ::loom::sync::atomic::fence(order.as_core());
        }
        world::record(Some(site), None, Action::Fenced);
    }

    /// A thread that has tried in vain lets others run, and does not read again what it read before: loom takes a loop that
    /// goes on for ever for one that never ends.
    fn retry<T>(attempt: impl Fn() -> Option<T>) -> T {
        loop {
            if let Some(result) = attempt() {
                return result;
            }
            Self::spin();
        }
    }

    fn spin() {
        if std::thread::panicking() || world::failed() {
            return;
        }
        at(world::current(), ::loom::thread::yield_now);
    }

    fn now() -> Duration {
        world::now()
    }

    fn wait(word: &LoomU32, site: &'static Site, expected: u32, deadline: Option<Duration>) -> Wait {
        futex::wait(word, site, expected, deadline)
    }

    fn wake(word: &LoomU32, site: &'static Site, count: u32) -> u32 {
        futex::wake(word, site, count)
    }

    fn store_and_wake_all(word: &LoomU32, site: &'static Site, value: u32) -> u32 {
        futex::store_and_wake_all(word, site, value)
    }

    unsafe fn announce(word: &LoomU32) -> u32 {
        let Some(lane) = world::enter("announce") else { return 1 };
        world::announce(lane, Some(word.0.clone()));
        world::id(lane)
    }

    fn thread_id() -> u32 {
        world::id(world::current())
    }

    fn retire() {
        if let Some(lane) = world::enter("retire") {
            world::announce(lane, None);
        }
    }
}
