//! How the reader waits for `head` to pass an index: asleep on the writers' lock word, or until a bell is rung.

use crate::protocol::bias;
use crate::protocol::close;
use crate::protocol::memory::{Memory, bell};
use crate::protocol::patience::Patience;
use crate::protocol::read;
use crate::protocol::section;
use crate::protocol::sites::{
    HEAD_RECHECK, INTEREST_NEXT, INTEREST_SET, READER_ARM, READER_PASS, READER_SLEEP, READER_WAKE,
};
use core::time::Duration;
use weakest_facade::native::{OWNER, OWNER_DIED, WAITERS};
use weakest_facade::{Atomic, Platform, Wait};

/// Marks the lock word: its next release will see that. Returns what it holds then.
fn arm<P: Platform, M: Memory<P> + ?Sized>(memory: &M) -> u32 {
    memory.header().writers.0.lock.fetch_or(&READER_ARM, WAITERS) | WAITERS
}

/// Looks at `head` once more. `Some(head)` if it is past `index`, or the last: no need to wait.
fn recheck<P: Platform, M: Memory<P> + ?Sized>(memory: &M, index: u64) -> Option<u64> {
    // In this order: after the end there is no other head.
    let is_last = close::is_closed(memory);
    let head = memory.header().indices.0.head.load(&HEAD_RECHECK);
    (head > index || is_last).then_some(head)
}

/// Asks for the bells in `wanted` to be rung once something is published, or the ring is closed. Returns `head` if it is past
/// `index` already, or the last there will be; a bell may then be rung for nothing. Whoever is to hear the bell must be registered before.
pub fn subscribe<P: Platform, M: Memory<P> + ?Sized>(memory: &M, index: u64, wanted: u32) -> Option<u64> {
    let interest = &memory.header().reader.0.interest;
    // Of the wish before there may be something left, which goes with this one.
    interest.fetch_add(&INTEREST_NEXT, bell::ALL + 1);
    interest.fetch_or(&INTEREST_SET, wanted.into());
    arm(memory);
    bias::call(memory);
    recheck(memory, index)
}

/// Blocks until `head` is past `index`, and returns it, or the last there will be, if that is not; `None` when `timeout` has passed
/// before that. Not where a mediator
/// writes, which could not wake it: there one [`subscribe`]s.
pub fn wait<P: Platform, M: Memory<P> + ?Sized>(memory: &M, index: u64, timeout: Option<Duration>) -> Option<u64> {
    debug_assert!(!memory.is_mediated(), "nobody sleeps on a mediated ring's lock word");
    let mut patience = Patience::<P>::new();
    while patience.pause() {
        let head = read::head(memory);
        if head > index {
            return Some(head);
        }
    }
    let word = &memory.header().writers.0.lock;
    // SAFETY: the word outlives this call, which retires before it returns; a waiting reader holds no lock.
    unsafe { P::announce(word) };
    let head = P::unbroken(|| sleep(memory, index, timeout));
    P::retire();
    head
}

/// Sleeps on the lock word until `head` is past `index`. The word is announced: should the reader die having swallowed
/// a wake-up that was meant for a writer too, the kernel wakes the next sleeper.
fn sleep<P: Platform, M: Memory<P> + ?Sized>(memory: &M, index: u64, timeout: Option<Duration>) -> Option<u64> {
    let header = memory.header();
    let lock = &header.writers.0.lock;
    // A time beyond what the clock can count is no limit.
    let deadline = timeout.and_then(|timeout| P::now().checked_add(timeout));
    // A round in vain leaves nothing behind, which a checker may know.
    P::retry(|| {
        let head = read::head(memory);
        if head > index {
            return Some(Some(head));
        }
        let word = arm(memory);
        if bias::is_in_the_way(memory) {
            if retired::<P, M, _>(memory, || bias::revoke(memory, deadline)) {
                return None;
            }
            return Some(recheck(memory, index));
        }
        if let Some(head) = recheck(memory, index) {
            return Some(Some(head));
        }
        if word & OWNER == 0 && word & OWNER_DIED != 0 {
            // A dead owner's lock is taken and released, so that its word changes. To sleep on the word as it is would be in vain if the
            // next owner publishes and dies too before this thread sleeps: the kernel would make the word the same again, and
            // wake nobody.
            retired::<P, M, _>(memory, || section::exclusively(memory, |_| ()));
            return None;
        }
        match P::wait(lock, &READER_SLEEP, word, deadline) {
            Wait::Changed => {}
            Wait::Woken => pass_on::<P>(lock),
            Wait::TimedOut => {
                let head = read::head(memory);
                return Some((head > index).then_some(head));
            }
        }
        // A word that changes all the time must not keep the reader beyond its own.
        if deadline.is_some_and(|deadline| P::now() >= deadline) {
            return Some(Some(read::head(memory)).filter(|&head| head > index));
        }
        None
    })
}

/// Takes and releases the lock, which is announced, in between. If somebody holds it, a section waits for him, for once past the
/// caller's time limit; to end a bias does not.
fn retired<P: Platform, M: Memory<P> + ?Sized, R>(memory: &M, takes_and_releases: impl FnOnce() -> R) -> R {
    P::retire();
    let result = takes_and_releases();
    // SAFETY: as in `wait`, and the section has retired.
    unsafe { P::announce(&memory.header().writers.0.lock) };
    result
}

/// After an owner's death the kernel wakes one sleeper. If that was the reader, the writers are still asleep on a lock
/// that is free.
fn pass_on<P: Platform>(lock: &P::AtomicU32) {
    let word = lock.fetch_or(&READER_PASS, 0);
    if word & OWNER == 0 && word & WAITERS != 0 {
        P::wake(lock, &READER_WAKE, u32::MAX);
    }
}
