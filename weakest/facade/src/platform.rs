//! The facade itself: what lock-free code may do to memory it shares, and nothing more.
//!
//! Implementations: [`Native`](crate::Native) here; model checkers elsewhere. Code written against these traits names no
//! ordering and no `std::sync` type.

use crate::Site;
use crate::data::{Data, Plain};
use crate::heap::{Heap, Make};
use crate::value::{Bits, Integer, Rmw, Value};
use core::time::Duration;

/// How a [`Platform::wait`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Woken, or woken for nothing (a signal, a spurious wake-up): look again.
    Woken,
    /// The word did not hold the expected value, so the caller never slept.
    Changed,
    /// The time was up.
    TimedOut,
}

/// An atomic of the facade.
///
/// Every operation takes the site it happens at; the site owns the ordering. [`load`](Self::load), [`store`](Self::store),
/// [`rmw`](Self::rmw) and [`exchange`](Self::exchange) are what a platform implements; the others have `core`'s names.
pub trait Atomic<T: Value>: Send + Sync {
    /// A new atomic. `label` names it in traces; the native platform ignores it.
    fn new(label: &'static str, value: T) -> Self;
    /// Loads the value.
    fn load(&self, site: &'static Site) -> T;
    /// Stores `value`.
    fn store(&self, site: &'static Site, value: T);
    /// Does `rmw` with `operand` and returns what was there. `Add`, `Sub`, `Max` and `Min` are for integers only, the bitwise ones
    /// for integers and `bool`: the methods below see to it.
    fn rmw(&self, site: &'static Site, rmw: Rmw, operand: T) -> T;
    /// Stores `new` if the value is `current`; `Err` holds what was there instead. If `weak`, it may fail for no reason. What is
    /// found on failure is loaded relaxed, or as the `failure` site has it, which is declared a `Load`.
    fn exchange(
        &self,
        site: &'static Site,
        failure: Option<&'static Site>,
        current: T,
        new: T,
        weak: bool,
    ) -> Result<T, T>;

    /// Stores `value` and returns what was there.
    #[inline(always)]
    fn swap(&self, site: &'static Site, value: T) -> T {
        self.rmw(site, Rmw::Swap, value)
    }
    /// Adds `value`, wrapping, and returns what was there.
    #[inline(always)]
    fn fetch_add(&self, site: &'static Site, value: T) -> T
    where
        T: Integer,
    {
        self.rmw(site, Rmw::Add, value)
    }
    /// Subtracts `value`, wrapping, and returns what was there.
    #[inline(always)]
    fn fetch_sub(&self, site: &'static Site, value: T) -> T
    where
        T: Integer,
    {
        self.rmw(site, Rmw::Sub, value)
    }
    /// Sets the bits of `value` and returns what was there.
    #[inline(always)]
    fn fetch_or(&self, site: &'static Site, value: T) -> T
    where
        T: Bits,
    {
        self.rmw(site, Rmw::Or, value)
    }
    /// Clears the bits that `value` lacks and returns what was there.
    #[inline(always)]
    fn fetch_and(&self, site: &'static Site, value: T) -> T
    where
        T: Bits,
    {
        self.rmw(site, Rmw::And, value)
    }
    /// Inverts the bits of `value` and returns what was there.
    #[inline(always)]
    fn fetch_xor(&self, site: &'static Site, value: T) -> T
    where
        T: Bits,
    {
        self.rmw(site, Rmw::Xor, value)
    }
    /// Inverts what [`fetch_and`](Self::fetch_and) would leave and returns what was there.
    #[inline(always)]
    fn fetch_nand(&self, site: &'static Site, value: T) -> T
    where
        T: Bits,
    {
        self.rmw(site, Rmw::Nand, value)
    }
    /// Stores the greater of the two and returns what was there.
    #[inline(always)]
    fn fetch_max(&self, site: &'static Site, value: T) -> T
    where
        T: Integer,
    {
        self.rmw(site, Rmw::Max, value)
    }
    /// Stores the lesser of the two and returns what was there.
    #[inline(always)]
    fn fetch_min(&self, site: &'static Site, value: T) -> T
    where
        T: Integer,
    {
        self.rmw(site, Rmw::Min, value)
    }
    /// Stores `new` if the value is `current`; `Err` holds what was there instead, loaded relaxed. Never fails
    /// spuriously.
    #[inline(always)]
    fn compare_exchange(&self, site: &'static Site, current: T, new: T) -> Result<T, T> {
        self.exchange(site, None, current, new, false)
    }
    /// Like [`compare_exchange`](Self::compare_exchange), but may fail although the value is `current`.
    #[inline(always)]
    fn compare_exchange_weak(&self, site: &'static Site, current: T, new: T) -> Result<T, T> {
        self.exchange(site, None, current, new, true)
    }
    /// Like [`compare_exchange`](Self::compare_exchange); what is found on failure is loaded as `failure` has it, a site that is
    /// declared a `Load`.
    #[inline(always)]
    fn compare_exchange_else(&self, site: &'static Site, failure: &'static Site, current: T, new: T) -> Result<T, T> {
        self.exchange(site, Some(failure), current, new, false)
    }
    /// Like [`compare_exchange_else`](Self::compare_exchange_else), but may fail although the value is `current`.
    #[inline(always)]
    fn compare_exchange_weak_else(
        &self,
        site: &'static Site,
        failure: &'static Site,
        current: T,
        new: T,
    ) -> Result<T, T> {
        self.exchange(site, Some(failure), current, new, true)
    }
    /// Loads the value at `fetch`, and tries to exchange it for what `update` makes of it until that succeeds or `update` gives
    /// nothing. What a try in vain finds is loaded as `fetch` has it, too.
    #[inline(always)]
    fn fetch_update(
        &self,
        site: &'static Site,
        fetch: &'static Site,
        mut update: impl FnMut(T) -> Option<T>,
    ) -> Result<T, T>
    where
        Self: Sized,
    {
        let mut current = self.load(fetch);
        while let Some(new) = update(current) {
            match self.compare_exchange_weak_else(site, fetch, current, new) {
                Ok(found) => return Ok(found),
                Err(found) => current = found,
            }
        }
        Err(current)
    }
}

/// A word of plain data, shared under the protection of atomics elsewhere.
///
/// A checker treats two accesses, one of them a write, that no happens-before orders as a data race. The native cell is
/// an atomic accessed relaxed, so that a race (with a hostile process, say) stays defined.
pub trait Cell: Send + Sync {
    /// A new word. `label` and `index` name it in traces.
    fn new(label: &'static str, index: usize, value: u64) -> Self;
    /// Reads the word.
    fn read(&self, site: &'static Site) -> u64;
    /// Writes the word.
    fn write(&self, site: &'static Site, value: u64);
}

/// A machine to run lock-free code on: the real one, or a model of it.
///
/// [`wait`](Platform::wait), [`wake`](Platform::wake) and [`store_and_wake_all`](Platform::store_and_wake_all) are system calls, and
/// take effect where they stand: what a call does is done after all that its thread has read before it, and before all that it
/// reads afterwards. No instruction of the thread's passes a wait; its ordinary writes may pass a wake.
///
/// A platform is a name and no value; it is `Clone` so that what is generic over it can derive that.
pub trait Platform: Clone + Send + Sync + 'static {
    /// A 32-bit atomic, the size of a futex.
    type AtomicU32: Atomic<u32> + 'static;
    /// A 64-bit atomic.
    type AtomicU64: Atomic<u64> + 'static;
    /// A 32-bit signed atomic.
    type AtomicI32: Atomic<i32> + 'static;
    /// An atomic of the size of an address.
    type AtomicUsize: Atomic<usize> + 'static;
    /// An atomic truth value.
    type AtomicBool: Atomic<bool> + 'static;
    /// An atomic pointer.
    type AtomicPtr<T: 'static>: Atomic<*mut T> + 'static;
    /// A place for plain data of any type.
    type Data<T: Plain>: Data<T> + 'static;
    /// Where threads allocate and free.
    type Heap<T: Make>: Heap<T> + 'static;
    /// A word of plain data.
    type Cell: Cell + 'static;

    /// How many rounds of [`spin`](Self::spin) are worth trying before [`wait`](Self::wait). 0 in a model, where polling
    /// shows nothing that sleeping does not.
    const PATIENCE: u32 = 0;

    /// A memory fence with the site's ordering.
    fn fence(site: &'static Site);

    /// Tries until an attempt gives a result, and returns that.
    ///
    /// The same as a loop, but it tells a checker that nothing of an attempt in vain is remembered by this thread
    /// (`attempt` is no `FnMut`; it must not get round that with a cell of its own). So a thread that tries again is
    /// where it was before, and a checker can see that it is. Every attempt does at least one operation.
    #[inline(always)]
    fn retry<T>(attempt: impl Fn() -> Option<T>) -> T {
        loop {
            if let Some(result) = attempt() {
                return result;
            }
        }
    }

    /// Does `work` and returns its result.
    ///
    /// The same as a call, but it tells a checker that this thread remembers nothing of the work except the result (with
    /// the same duty as for [`retry`](Self::retry)). So threads that came to the same result by different ways are in
    /// the same state afterwards.
    #[inline(always)]
    fn scope(work: impl Fn() -> u64) -> u64 {
        work()
    }

    /// The half of an asymmetric fence that is cheap: for the side that runs often.
    ///
    /// Where one side of a store-then-load race passes through a `light_fence` and the other, in the same process, through a
    /// [`heavy_fence`](Self::heavy_fence), or in another through a [`heavy_fence_across`](Self::heavy_fence_across), the two together are
    /// as two [`fence`](Self::fence)s; two light ones are nothing. A thread that has died has passed a light fence at its end.
    /// The light half is no instruction on the real machine, so by itself it neither acquires nor releases.
    /// A platform that does not override the pair has ordinary fences, and cannot see what two light halves miss.
    #[inline(always)]
    fn light_fence(site: &'static Site) {
        Self::fence(site);
    }

    /// The half of an asymmetric fence that bears the cost. See [`light_fence`](Self::light_fence).
    #[inline(always)]
    fn heavy_fence(site: &'static Site) {
        Self::fence(site);
    }

    /// As [`heavy_fence`](Self::heavy_fence), and reaches the threads of other processes, where the kernel
    /// [can do that](crate::native::heavy_fences_reach_across). To a checker it is the same.
    #[inline(always)]
    fn heavy_fence_across(site: &'static Site) {
        Self::heavy_fence(site);
    }

    /// Keeps what precedes before what follows in this thread's own instructions, so that a death in between leaves the one and
    /// not the other. Orders nothing between threads; in a model, where instructions stay where they are, it is nothing.
    #[inline(always)]
    fn death_fence() {}

    /// A hint that the caller polls: `pause` on the real machine, a reason to run somebody else in a model.
    fn spin();

    /// Lets others run for a while: who calls cannot be woken, and has polled in vain. A short sleep on the real machine, so
    /// that a thread of a higher priority does not keep out the one it waits for; in a model, as [`spin`](Self::spin).
    fn give_way() {
        Self::spin();
    }

    /// The time since some moment that stays the same, by a clock that never goes back. In a model, virtual: it passes while
    /// threads sleep.
    fn now() -> Duration;

    /// Sleeps while `word` holds `expected`, until woken or until [`now`](Self::now) has reached `deadline`. A deadline beyond
    /// what the clock can count is none.
    ///
    /// The comparison and the falling asleep are one step towards [`wake`](Self::wake) and
    /// [`store_and_wake_all`](Self::store_and_wake_all), as with `FUTEX_WAIT`. Being woken orders nothing: look at
    /// memory again, with an acquire. May return [`Wait::Woken`] for no reason.
    fn wait(word: &Self::AtomicU32, site: &'static Site, expected: u32, deadline: Option<Duration>) -> Wait;

    /// Wakes up to `count` sleepers of `word` (`FUTEX_WAKE`) and returns how many. Orders nothing.
    fn wake(word: &Self::AtomicU32, site: &'static Site, count: u32) -> u32;

    /// Puts `value` into `word` by a relaxed read-modify-write (a swap) and wakes all its sleepers: one indivisible step
    /// towards every [`wait`](Self::wait), and a death cannot fall between the two (`FUTEX_WAKE_OP`, whose operation on
    /// the word is an atomic read-modify-write according to `futex(2)`; that it orders anything is promised nowhere, so
    /// here it does not). Returns how many were woken.
    fn store_and_wake_all(word: &Self::AtomicU32, site: &'static Site, value: u32) -> u32;

    /// Tells the operating system that the calling thread is about to take, holds, or is giving up the robust lock
    /// `word`, and returns the thread's id, by which the lock names its owner (bits 0 to 29, never 0).
    ///
    /// Until [`retire`](Self::retire), should the thread die, the system looks at the word once
    /// (`list_op_pending` in `futex(2)`'s robust list):
    ///
    /// | owner bits | what the system does |
    /// |---|---|
    /// | the dead thread | sets them to 0 and [`OWNER_DIED`](crate::native::OWNER_DIED); wakes one sleeper if [`WAITERS`](crate::native::WAITERS) is set |
    /// | 0 | wakes one sleeper |
    /// | another thread | nothing |
    ///
    /// The first row is a read-modify-write with release semantics, made by the dying thread itself on its way out of the
    /// kernel, so whoever acquires the word afterwards has everything the dead thread did. Wake-ups order nothing.
    ///
    /// # Safety
    /// `word` must stay mapped at this address until `retire` is called on the same thread, and announcements do not
    /// nest.
    unsafe fn announce(word: &Self::AtomicU32) -> u32;

    /// The id by which robust locks name the calling thread: what [`announce`](Self::announce) returns. No operation on memory.
    fn thread_id() -> u32;

    /// As [`announce`](Self::announce), by a thread that knows its [`thread_id`](Self::thread_id), which is this: where that has to be
    /// looked up, it is not looked up again.
    ///
    /// # Safety
    /// As for [`announce`](Self::announce); and the id is the calling thread's.
    #[inline(always)]
    unsafe fn announce_as(_id: u32, word: &Self::AtomicU32) {
        // SAFETY: the caller's.
        unsafe { Self::announce(word) };
    }

    /// Runs `body`, with a word announced, which must not unwind: its lock would be held for ever, and the word named to the kernel when
    /// it may be gone. On the real machine a panic in there ends the process. In a model it does not get out of the thread: it is the
    /// thread's death, or the model's failure.
    #[inline(always)]
    fn unbroken<R>(body: impl FnOnce() -> R) -> R {
        body()
    }

    /// Ends what [`announce`](Self::announce) began.
    fn retire();
}
