//! A lock that one thread takes again and again is **biased** towards it: that thread enters and leaves without an atomic
//! read-modify-write, and without anything that a processor waits for. All others bear the cost.
//!
//! ```text
//! bias   = 0               nobody's: every thread takes the lock
//!          id              biased towards this thread, which goes by a lock word of its own, `inside`
//!          id | ENDED      was; the thread may still be on its way out
//!          .. | FOR_EVER   and nobody's ever again
//! inside = 0               the thread is outside
//!          id [| WAITERS]  it is inside, and somebody who holds the lock sleeps until it leaves
//!          OWNER_DIED      it died inside, and the kernel said so
//! ```
//!
//! | the biased thread | whoever has taken the lock | the reader, about to sleep on the lock | the reader, about to wait for a bell |
//! |---|---|---|---|
//! | `inside` ← id | `bias` ← ended | marks the lock | says which bell it wants |
//! | *light fence* | *heavy fence* | looks at `bias`: if there is one, takes the lock, which ends it, and marks anew | *heavy fence* |
//! | looks at `bias`: still biased? | waits until `inside` is 0 | | |
//! | … | … | looks at `head`, sleeps | looks at `head`, waits |
//! | `inside` ← 0 | | | |
//! | *light fence* | | | |
//! | looks at the lock: is it wanted? wakes | | | |
//! | looks for a wish: rings | | | |
//!
//! So there is a bias only while nobody else wants the lock: no other writer, and no reader that sleeps on it. It is given under the
//! lock, to a thread that has published [`Memory::BIAS_AFTER`] times with nobody in between. To end one costs a system call;
//! so many writes later that is forgotten.
//!
//! `inside` belongs to the first thread that had a bias until that thread has seen that it has lost it, and never to two: a thread
//! that was stopped between its first look and its first store would store into another's. A thread that died, or never
//! writes again, keeps it.
//!
//! The light fences are ordered by the heavy one, which reaches the threads of the owner's process; the bias is given to no other, and
//! ended for ever before another process maps the ring, or a fork writes, whose thread may have the id of one that has ended.

use crate::layout::Header;
use crate::protocol::memory::Memory;
use crate::protocol::patience::Patience;
use crate::protocol::section;
use crate::protocol::sites::{
    BELL_CALL, BIAS_ARMED, BIAS_CALL, BIAS_CHECK, BIAS_CLEAR, BIAS_END, BIAS_ENTER, BIAS_FREE, BIAS_GIVE, BIAS_GIVE_UP,
    BIAS_LEAVE, BIAS_LEFT, BIAS_LOOK, BIAS_MARK, BIAS_READ, BIAS_RENOUNCE, BIAS_SEEN, BIAS_SLEEP, BIAS_STILL,
    BIAS_VACANT, BIAS_WAKE, BIAS_WANTED, STREAK_READ, STREAK_WRITE,
};
use core::time::Duration;
use weakest_facade::native::{OWNER, OWNER_DIED, WAITERS};
use weakest_facade::{Atomic, Cell, Platform, Site, Wait};

/// Nobody's.
const NOBODY: u32 = 0;
/// The thread that it was biased towards may still be inside, and enters no more.
const ENDED: u32 = 1 << 31;
/// Nobody gets a bias any more.
const FOR_EVER: u32 = 1 << 30;

/// Whether the lock seems to be biased towards this thread, which is outside and left nothing from a life before.
#[inline(always)]
pub(super) fn is_towards<P: Platform>(header: &Header<P>, id: u32) -> bool {
    header.reader.0.bias.load(&BIAS_LOOK) == id && header.writers.0.inside.load(&BIAS_VACANT) == 0
}

/// The biased thread, which has announced `inside`, enters. Whether it may; if not, it is outside.
#[inline(always)]
pub(super) fn enter<P: Platform>(header: &Header<P>, id: u32) -> bool {
    header.writers.0.inside.store(&BIAS_ENTER, id);
    P::light_fence(&BIAS_CHECK);
    let is_still = header.reader.0.bias.load(&BIAS_STILL) == id;
    if !is_still {
        leave(header, id);
    }
    is_still
}

/// The biased thread leaves.
#[inline(always)]
pub(super) fn leave<P: Platform>(header: &Header<P>, id: u32) {
    header.writers.0.inside.store(&BIAS_LEAVE, 0);
    P::light_fence(&BIAS_LEFT);
    if header.writers.0.lock.load(&BIAS_WANTED) != 0 {
        give_up(header, id);
    }
}

/// Somebody has taken the lock, or marked it: the bias is at an end, and whoever waits for this thread to be outside is told.
#[cold]
fn give_up<P: Platform>(header: &Header<P>, id: u32) {
    // It may have been ended already, for ever.
    let _ = header.reader.0.bias.compare_exchange(&BIAS_GIVE_UP, id, id | ENDED);
    P::store_and_wake_all(&header.writers.0.inside, &BIAS_WAKE, 0);
}

/// This thread has taken the lock: ends a bias, and waits until its thread is outside. Returns whether that died inside.
/// `from_the_dead`: whether the lock's last owner died with it, perhaps while it did the same.
#[inline(always)]
pub(super) fn settle<P: Platform, M: Memory<P> + ?Sized>(memory: &M, id: u32, from_the_dead: bool) -> bool {
    // Without a time limit it comes back when it has ended.
    settle_until(memory, id, from_the_dead, None).unwrap_or_default()
}

/// As [`settle`]; `None` if the thread was still inside at `deadline`, and then it is biased as before. Where the lock's last owner
/// died with it there is no time limit: what that one left is put right first.
#[inline(always)]
pub(super) fn settle_until<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    id: u32,
    from_the_dead: bool,
    deadline: Option<Duration>,
) -> Option<bool> {
    let bias = memory.header().reader.0.bias.load(&BIAS_READ);
    if is_given(bias) || bias != NOBODY && from_the_dead {
        return end(memory, bias, deadline.filter(|_| !from_the_dead));
    }
    if bias == id | ENDED {
        // It has seen that it has none, so `inside` may be another's.
        memory.header().reader.0.bias.store(&BIAS_RENOUNCE, NOBODY);
    }
    Some(false)
}

/// This thread has published, and has the lock: counts how often in turn, and biases the lock towards it if that is often enough.
#[inline(always)]
pub(super) fn count<P: Platform, M: Memory<P> + ?Sized>(memory: &M) {
    let header = memory.header();
    if !memory.is_biasable() || header.reader.0.bias.load(&BIAS_FREE) != NOBODY {
        return;
    }
    let id = P::thread_id();
    let streak = &header.writers.0.streak;
    let before = streak.read(&STREAK_READ);
    let times = if (before >> 32) as u32 == id { (before as u32).saturating_add(1) } else { 1 };
    if times >= M::BIAS_AFTER && memory.may_bias() {
        streak.write(&STREAK_WRITE, 0);
        header.reader.0.bias.store(&BIAS_GIVE, id);
    } else {
        streak.write(&STREAK_WRITE, u64::from(id) << 32 | u64::from(times));
    }
}

/// Ends the bias, and waits until its thread is outside. Returns whether that died inside; `None` if it was inside at `deadline`, and
/// then it is biased as before.
#[cold]
fn end<P: Platform, M: Memory<P> + ?Sized>(memory: &M, bias: u32, deadline: Option<Duration>) -> Option<bool> {
    let header = memory.header();
    let ended = if memory.may_bias() { ENDED } else { ENDED | FOR_EVER };
    header.reader.0.bias.store(&BIAS_END, bias | ended);
    call_all(memory, &BIAS_CALL);
    let inside = &header.writers.0.inside;
    let died = await_outside::<P>(inside, deadline);
    match died {
        Some(true) => inside.store(&BIAS_CLEAR, 0),
        Some(false) => {}
        None => header.reader.0.bias.store(&BIAS_END, bias),
    }
    died
}

/// Waits until nobody is inside, and returns whether the thread that was died there; `None` if it was not outside at `deadline`.
fn await_outside<P: Platform>(inside: &P::AtomicU32, deadline: Option<Duration>) -> Option<bool> {
    let look = || {
        let seen = inside.load(&BIAS_SEEN);
        if seen & OWNER == 0 { Ok(seen & OWNER_DIED != 0) } else { Err(seen) }
    };
    let mut patience = Patience::<P>::new();
    while patience.pause() {
        if let Ok(died) = look() {
            return Some(died);
        }
    }
    P::retry(|| match look() {
        Ok(died) => Some(Some(died)),
        Err(seen) => {
            let is_marked = seen & WAITERS != 0 || inside.compare_exchange(&BIAS_MARK, seen, seen | WAITERS).is_ok();
            let is_over = is_marked && P::wait(inside, &BIAS_SLEEP, seen | WAITERS, deadline) == Wait::TimedOut;
            is_over.then_some(None)
        }
    })
}

/// Whether there is a bias, which keeps this thread, that has marked the lock and is about to sleep on it, from being noticed.
#[inline(always)]
pub(super) fn is_in_the_way<P: Platform, M: Memory<P> + ?Sized>(memory: &M) -> bool {
    memory.is_biasable() && is_given(memory.header().reader.0.bias.load(&BIAS_ARMED))
}

#[inline(always)]
fn is_given(bias: u32) -> bool {
    bias != NOBODY && bias & ENDED == 0
}

/// Sees to it that the biased thread, if there is one, finds what this thread has asked for when it leaves; or has left before, so that
/// what it published is to be seen.
pub(super) fn call<P: Platform, M: Memory<P> + ?Sized>(memory: &M) {
    if is_in_the_way(memory) {
        call_all(memory, &BELL_CALL);
    }
}

/// The heavy fence, as far as it has to reach: a fork's to the process that it was forked from.
fn call_all<P: Platform, M: Memory<P> + ?Sized>(memory: &M, site: &'static Site) {
    if memory.may_bias() { P::heavy_fence(site) } else { P::heavy_fence_across(site) }
}

/// Ends the bias, if there is one, whoever's it is; it may be this thread's own. Whether it could before `deadline`.
pub(super) fn revoke<P: Platform, M: Memory<P> + ?Sized>(memory: &M, deadline: Option<Duration>) -> bool {
    section::exclusively_unbiased(memory, deadline, |_| ())
}

/// Whether the bias was [ended for ever](revoke_for_ever).
pub fn is_over_for_ever<P: Platform, M: Memory<P> + ?Sized>(memory: &M) -> bool {
    memory.header().reader.0.bias.load(&BIAS_LOOK) & FOR_EVER != 0
}

/// Ends the bias for ever: threads of other processes are to take the lock, which no fence of theirs reaches.
pub fn revoke_for_ever<P: Platform, M: Memory<P> + ?Sized>(memory: &M) {
    section::exclusively_unbiased(memory, None, |header| {
        let bias = &header.reader.0.bias;
        bias.store(&BIAS_END, bias.load(&BIAS_READ) | ENDED | FOR_EVER);
    });
}
