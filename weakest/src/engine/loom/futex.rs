//! Sleeping and waking.
//!
//! Who sleeps is kept outside of loom's memory. Everything that would let loom block a thread until another one wakes it
//! also makes the waking happen before what follows, which a futex does not promise. So a sleeper first only yields:
//! when it runs again and has been woken meanwhile, nothing orders it after its waker. When it runs again in vain,
//! because loom wanted to see it step here before anybody woke it, it parks, so that loom knows it to be disabled and
//! tries every other thread instead, as its search requires; a sleeper woken from there is ordered after its waker.
//! Both kinds of executions are searched. A sleeper that nobody wakes ends up parked, and loom reports the deadlock.

use super::atomic::LoomU32;
use super::platform::at;
use crate::engine::world::{self, WakeUp};
use crate::facade::{Operation, Site, Wait};
use crate::trace::Action;
use std::time::Duration;

pub(super) fn wait(word: &LoomU32, site: &'static Site, expected: u32, deadline: Option<Duration>) -> Wait {
    let Some(lane) = world::enter_at(site, Operation::Wait) else { return Wait::Woken };
    let object = word.0.object;
    word.0.shadow.write(lane);
    let found = word.0.newest(lane, !expected);
    if found != expected {
        let action = Action::DidNotSleep { expected: expected.into(), found: found.into() };
        world::record(Some(site), Some(object), action);
        return Wait::Changed;
    }
    world::record(Some(site), Some(object), Action::Slept { expected: expected.into() });
    world::sleep(lane, object, deadline);
    at(lane, ::loom::thread::yield_now);
    loop {
        if let Some(end) = world::woken(lane) {
            return match end {
                WakeUp::By(by) => {
                    world::record(Some(site), Some(object), Action::Awoke { by: Some(by) });
                    Wait::Woken
                }
                WakeUp::TimedOut => {
                    world::record(Some(site), Some(object), Action::TimedOut);
                    Wait::TimedOut
                }
            };
        }
        if deadline.is_some() {
            if world::alone(lane) && world::is_next_to_time_out(lane) {
                world::time_out(lane);
            } else {
                at(lane, ::loom::thread::yield_now);
            }
        } else {
            let thread = ::loom::thread::current();
            world::block(lane, Box::new(move || thread.unpark()));
            at(lane, ::loom::thread::park);
        }
    }
}

pub(super) fn wake(word: &LoomU32, site: &'static Site, count: u32) -> u32 {
    let Some(lane) = world::enter_at(site, Operation::Wake) else { return 0 };
    word.0.shadow.write(lane);
    let woken = world::wake(word.0.object, count, |_| 0);
    world::record(Some(site), Some(word.0.object), Action::Woke { count: woken });
    woken as u32
}

pub(super) fn store_and_wake_all(word: &LoomU32, site: &'static Site, value: u32) -> u32 {
    let Some(lane) = world::enter_at(site, Operation::Wake) else { return 0 };
    let read = word.0.swap(lane, value);
    world::record_update(site, word.0.object, read.into(), value.into());
    let woken = world::wake(word.0.object, u32::MAX, |_| 0);
    world::record(Some(site), Some(word.0.object), Action::Woke { count: woken });
    woken as u32
}
