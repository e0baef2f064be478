//! The platform that threads run on under the explorer: it records what a thread asks for and answers from a history.
//!
//! A thread body is never suspended. It is run from its start with the answers to its first operations given (`replay`).

use super::operation::{Answer, LIGHT, Location, Request, Word};
use super::replay::{self, create, perform, perform_or};
use crate::facade::data::{Numbered, Plain};
use crate::facade::heap::{Arena, Make, indexed};
use crate::facade::{Atomic, Cell, Platform, Rmw, Site, Value, Wait};
use std::marker::PhantomData;
use std::time::Duration;

/// The clock shows this when a program starts, as any clock has begun before: the longest time is too much to be added to it.
const BEGUN: Duration = Duration::from_nanos(1);

/// The platform of [`check`](super::check).
#[derive(Debug, Clone, Copy)]
pub enum Explorer {}

/// A location of the explored memory.
#[derive(Debug)]
pub struct ExplorerAtomic<T>(u16, PhantomData<fn() -> T>);

impl<T: Value> Atomic<T> for ExplorerAtomic<T> {
    fn new(label: &'static str, value: T) -> Self {
        let number = create(|objects| {
            objects.locations.push(Location::new(label, value));
            objects.locations.len() - 1
        });
        ExplorerAtomic(number, PhantomData)
    }
    fn load(&self, site: &'static Site) -> T {
        T::from_bits(perform(Some(site), self.0, Request::Load).value)
    }
    fn store(&self, site: &'static Site, value: T) {
        perform(Some(site), self.0, Request::Store(value.to_bits()));
    }
    fn rmw(&self, site: &'static Site, rmw: Rmw, operand: T) -> T {
        T::from_bits(perform(Some(site), self.0, Request::Update(rmw, operand.to_bits())).value)
    }
    fn exchange(
        &self,
        site: &'static Site,
        failure: Option<&'static Site>,
        current: T,
        new: T,
        weak: bool,
    ) -> Result<T, T> {
        let request = Request::CompareExchange { current: current.to_bits(), new: new.to_bits(), weak };
        let Answer { value, flag } = perform_or(site, failure, self.0, request);
        if flag == 1 { Ok(T::from_bits(value)) } else { Err(T::from_bits(value)) }
    }
}

/// A data word of the explored memory.
#[derive(Debug)]
pub struct ExplorerCell(u16);

impl Cell for ExplorerCell {
    fn new(label: &'static str, index: usize, value: u64) -> Self {
        ExplorerCell(create(|objects| {
            objects.words.push(Word { label: indexed(label, index), initial: value });
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
    type AtomicU32 = ExplorerAtomic<u32>;
    type AtomicU64 = ExplorerAtomic<u64>;
    type AtomicI32 = ExplorerAtomic<i32>;
    type AtomicUsize = ExplorerAtomic<usize>;
    type AtomicBool = ExplorerAtomic<bool>;
    type AtomicPtr<T: 'static> = ExplorerAtomic<*mut T>;
    type Data<T: Plain> = Numbered<Self, T>;
    type Heap<T: Make> = Arena<Self, T>;
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
        BEGUN + Duration::from_nanos(perform(None, 0, Request::Now).value)
    }

    fn wait(word: &ExplorerAtomic<u32>, site: &'static Site, expected: u32, deadline: Option<Duration>) -> Wait {
        // Virtual time is counted in 64 bits: what is beyond never comes.
        let deadline = deadline.and_then(|deadline| u64::try_from(deadline.saturating_sub(BEGUN).as_nanos()).ok());
        let request = Request::Wait { expected: expected as u64, deadline };
        match perform(Some(site), word.0, request) {
            Answer::WOKEN => Wait::Woken,
            Answer::TIMED_OUT => Wait::TimedOut,
            _ => Wait::Changed,
        }
    }

    fn wake(word: &ExplorerAtomic<u32>, site: &'static Site, count: u32) -> u32 {
        perform(Some(site), word.0, Request::Wake { count }).value as u32
    }

    fn store_and_wake_all(word: &ExplorerAtomic<u32>, site: &'static Site, value: u32) -> u32 {
        perform(Some(site), word.0, Request::StoreAndWakeAll(value as u64)).value as u32
    }

    unsafe fn announce(word: &ExplorerAtomic<u32>) -> u32 {
        perform(None, word.0, Request::Announce).value as u32
    }

    fn thread_id() -> u32 {
        replay::thread_id()
    }

    fn retire() {
        perform(None, 0, Request::Retire);
    }
}
