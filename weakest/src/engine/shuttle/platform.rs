//! The platform, and how it hands control to shuttle and gets it back.

use super::memory::{ShuttleAtomic, ShuttleCell, tracker};
use super::schedule;
use crate::engine::world::{self, WakeUp};
use crate::facade::data::{Numbered, Plain};
use crate::facade::heap::{Arena, Make};
use crate::facade::{Operation, Platform, Site, Wait};
use crate::trace::Action;
use std::time::Duration;

/// shuttle's machine.
#[derive(Clone, Copy, Debug)]
pub enum Shuttle {}

/// Lets other threads step before `lane` goes on.
pub(super) fn switch(lane: usize) {
    // To our scheduler this is a point of switching and nothing more: it does not look at shuttle's hint.
    ::shuttle::thread::yield_now();
    world::resume(lane);
}

/// Enters a facade operation before which other threads may step.
pub(super) fn step(operation: &'static str) -> Option<usize> {
    let lane = world::enter(operation)?;
    switch(lane);
    Some(lane)
}

/// The same for what is done at a site.
pub(super) fn step_at(site: &'static Site, done: Operation) -> Option<usize> {
    let lane = world::enter_at(site, done)?;
    switch(lane);
    Some(lane)
}

impl Platform for Shuttle {
    type AtomicU32 = ShuttleAtomic<u32>;
    type AtomicU64 = ShuttleAtomic<u64>;
    type AtomicI32 = ShuttleAtomic<i32>;
    type AtomicUsize = ShuttleAtomic<usize>;
    type AtomicBool = ShuttleAtomic<bool>;
    type AtomicPtr<T: 'static> = ShuttleAtomic<*mut T>;
    type Data<T: Plain> = Numbered<Self, T>;
    type Heap<T: Make> = Arena<Self, T>;
    type Cell = ShuttleCell;

    fn fence(site: &'static Site) {
        let Some(lane) = step_at(site, Operation::Fence) else { return };
        tracker(|t| t.fence(lane, world::order(site)));
        world::record(Some(site), None, Action::Fenced);
    }

    fn light_fence(site: &'static Site) {
        let Some(lane) = step_at(site, Operation::Fence) else { return };
        tracker(|t| t.light_fence(lane, world::order(site)));
        world::record(Some(site), None, Action::Fenced);
    }

    /// A thread that has tried in vain lets others run.
    fn retry<T>(attempt: impl Fn() -> Option<T>) -> T {
        loop {
            if let Some(result) = attempt() {
                return result;
            }
            Self::spin();
        }
    }

    fn spin() {
        if !std::thread::panicking() && !world::failed() {
            schedule::spin();
            switch(world::current());
        }
    }

    fn now() -> Duration {
        world::now()
    }

    fn wait(word: &ShuttleAtomic<u32>, site: &'static Site, expected: u32, deadline: Option<Duration>) -> Wait {
        let Some(lane) = step_at(site, Operation::Wait) else { return Wait::Woken };
        let object = word.0.object;
        let (expected, found) = (u64::from(expected), word.0.get());
        if found != expected {
            world::record(Some(site), Some(object), Action::DidNotSleep { expected, found });
            return Wait::Changed;
        }
        world::record(Some(site), Some(object), Action::Slept { expected });
        world::sleep(lane, object, deadline);
        loop {
            // The schedule lets nobody step who sleeps.
            switch(lane);
            match world::woken(lane) {
                Some(WakeUp::By(by)) => {
                    world::record(Some(site), Some(object), Action::Awoke { by: Some(by) });
                    return Wait::Woken;
                }
                Some(WakeUp::TimedOut) => {
                    world::record(Some(site), Some(object), Action::TimedOut);
                    return Wait::TimedOut;
                }
                None => {}
            }
        }
    }

    fn wake(word: &ShuttleAtomic<u32>, site: &'static Site, count: u32) -> u32 {
        if step_at(site, Operation::Wake).is_none() {
            return 0;
        }
        let woken = world::wake(word.0.object, count, schedule::choose);
        world::record(Some(site), Some(word.0.object), Action::Woke { count: woken });
        woken as u32
    }

    fn store_and_wake_all(word: &ShuttleAtomic<u32>, site: &'static Site, value: u32) -> u32 {
        let Some(lane) = step_at(site, Operation::Wake) else { return 0 };
        let read = word.0.get();
        word.0.set(value.into());
        tracker(|t| t.update(lane, word.0.object, crate::facade::Order::Relaxed));
        world::record_update(site, word.0.object, read, value.into());
        let woken = world::wake(word.0.object, u32::MAX, schedule::choose);
        world::record(Some(site), Some(word.0.object), Action::Woke { count: woken });
        woken as u32
    }

    unsafe fn announce(word: &ShuttleAtomic<u32>) -> u32 {
        let Some(lane) = step("announce") else { return 1 };
        world::announce(lane, Some(word.0.clone()));
        world::id(lane)
    }

    fn thread_id() -> u32 {
        world::id(world::current())
    }

    fn retire() {
        if let Some(lane) = step("retire") {
            world::announce(lane, None);
        }
    }
}
