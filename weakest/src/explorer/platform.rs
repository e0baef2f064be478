//! The platform that threads run on under the explorer: it records what a thread asks for and answers from a history.
//!
//! A thread body is never suspended. It is run from its start with the answers to its first operations given (`replay`).

use super::operation::{Answer, LIGHT, Location, Request, Update, Word};
use super::replay::{self, create, perform};
use crate::facade::{Atomic, Cell, Platform, Site, Wait};
use std::time::Duration;

/// The platform of [`check`](super::check).
#[derive(Debug, Clone, Copy)]
pub enum Explorer {}

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

    fn light_fence(site: &'static Site) {
        perform(Some(site), LIGHT, Request::Fence);
    }

    fn retry<T>(attempt: impl Fn() -> Option<T>) -> T {
        replay::retry(attempt)
    }

    fn scope(work: impl Fn() -> u64) -> u64 {
        replay::scope(work)
    }

    /// Nothing: other threads may run before every operation anyway.
    fn spin() {}

    fn now() -> Duration {
        Duration::from_nanos(perform(None, 0, Request::Now).value)
    }

    fn wait(word: &ExplorerU32, site: &'static Site, expected: u32, deadline: Option<Duration>) -> Wait {
        // Virtual time is counted in 64 bits: what is beyond never comes.
        let deadline = deadline.and_then(|deadline| u64::try_from(deadline.as_nanos()).ok());
        let request = Request::Wait { expected: expected as u64, deadline };
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
