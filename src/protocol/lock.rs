//! The writers' lock: one futex word that survives its owner.
//!
//! ```text
//! word = 0                       free
//!        id                      held by thread id, nobody sleeps
//!        id | WAITERS            held, somebody may sleep (a writer, or the waiting reader)
//!        WAITERS                 free, the reader may sleep
//!        OWNER_DIED [| WAITERS]  free: its owner died and the kernel said so
//! ```
//!
//! A thread that takes it again and again with nobody in between goes past this word ([`bias`]); that is what makes the lock cheap.
//! All that follows is for those who meet another.
//!
//! The kernel knows of the lock only while a thread is in here ([`Platform::announce`]), which is all a lock needs that is
//! held for one copy and never nested. What a dead owner leaves is consistent by construction: bytes beyond `head` are
//! invisible, and `head` moves in one store. So recovery has nothing to repair, and a lock is never taken from a
//! living owner, however slow.
//!
//! On a ring with a mediator that can neither sleep nor wake ([`mediator`](crate::protocol::mediator)) nobody sleeps on the
//! word: writers look again after a while, the reader waits for a bell, and a mark says no more than that.
//!
//! Releasing a marked lock wakes *all* sleepers, and in the same kernel step that frees the word. Waking one would hang the
//! others' fate on that one's survival: if it died after another thread had barged in, nobody would be left to wake them.

use crate::protocol::bias;
use crate::protocol::memory::Memory;
use crate::protocol::patience::Patience;
use crate::protocol::sites::{
    LOCK_HANDOVER, LOCK_LOOK, LOCK_MARK, LOCK_RELEASE, LOCK_SLEEP, LOCK_TAKE, LOCK_TAKE_MARKED, LOCK_UNMARK, LOCK_WAKE,
    MARK_ACQUIRE,
};
use core::marker::PhantomData;
use core::time::Duration;
use weakest_facade::native::{OWNER, OWNER_DIED, WAITERS};
use weakest_facade::{Atomic, Platform, Wait};

/// The lock, held.
#[must_use]
pub struct Held<'a, P: Platform, M: Memory<P> + ?Sized> {
    memory: &'a M,
    id: u32,
    /// Whether this thread went by the lock's bias towards it, past the lock word.
    is_biased: bool,
    from_the_dead: bool,
    platform: PhantomData<P>,
}

/// Takes the lock of this ring, waiting if it must.
///
/// # Safety
/// The ring's header stays mapped until [`Held::release`], which must come, also where what the lock protects panics; until then this
/// thread takes no other.
#[inline(always)]
pub unsafe fn acquire<P: Platform, M: Memory<P> + ?Sized>(memory: &M) -> Held<'_, P, M> {
    let id = P::thread_id();
    if memory.is_biasable() {
        let header = memory.header();
        if bias::is_towards(header, id) {
            // SAFETY: the caller keeps the word mapped and does not nest; what ends it is below, or `Held::release`.
            unsafe { P::announce_as(id, &header.writers.0.inside) };
            if bias::enter(header, id) {
                return Held { memory, id, is_biased: true, from_the_dead: false, platform: PhantomData };
            }
            P::retire();
        }
    }
    let word = &memory.header().writers.0.lock;
    // SAFETY: the caller keeps the word mapped and does not nest; `Held::release` retires.
    unsafe { P::announce_as(id, word) };
    let mut from_the_dead = word.compare_exchange(&LOCK_TAKE, 0, id).is_err() && contend(memory, id);
    if memory.is_biasable() {
        from_the_dead |= bias::settle(memory, id, from_the_dead);
    }
    Held { memory, id, is_biased: false, from_the_dead, platform: PhantomData }
}

/// As [`acquire`], by the lock word, whomever the lock is biased towards; it is not afterwards. `None` if that was not to be had before
/// `deadline`, by [`Platform::now`]; nothing has changed then.
///
/// # Safety
/// As for [`acquire`].
pub(super) unsafe fn acquire_unbiased<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    deadline: Option<Duration>,
) -> Option<Held<'_, P, M>> {
    // SAFETY: the caller keeps the word mapped and does not nest; what ends it is below, or `Held::release`.
    let id = unsafe { P::announce(&memory.header().writers.0.lock) };
    let Some(from_the_dead) = contend_until(memory, id, deadline) else {
        P::retire();
        return None;
    };
    let held = Held { memory, id, is_biased: false, from_the_dead, platform: PhantomData };
    match bias::settle_until(memory, id, from_the_dead, deadline) {
        Some(died) => Some(Held { from_the_dead: from_the_dead | died, ..held }),
        None => {
            held.release();
            None
        }
    }
}

/// Takes a lock that was not free and unmarked. Returns whether its last owner died with it.
#[cold]
fn contend<P: Platform, M: Memory<P> + ?Sized>(memory: &M, id: u32) -> bool {
    // Without a time limit it comes back with the lock.
    contend_until(memory, id, None).unwrap_or_default()
}

/// Takes a lock, free or not, and returns whether its last owner died with it; `None` if it was not free before `deadline`.
fn contend_until<P: Platform, M: Memory<P> + ?Sized>(memory: &M, id: u32, deadline: Option<Duration>) -> Option<bool> {
    let word = &memory.header().writers.0.lock;
    let mut patience = Patience::<P>::new();
    while patience.pause() {
        if let Ok(from_the_dead) = take_if_free::<P>(word, id) {
            return Some(from_the_dead);
        }
    }
    P::retry(|| match take_if_free::<P>(word, id) {
        Ok(from_the_dead) => Some(Some(from_the_dead)),
        Err(seen) => {
            if memory.is_mediated() {
                // Nobody could wake this thread.
                P::give_way();
            } else if seen & OWNER != 0
                && mark::<P>(word, seen)
                && P::wait(word, &LOCK_SLEEP, seen | WAITERS, deadline) == Wait::TimedOut
            {
                return Some(None);
            }
            None
        }
    })
}

/// Takes the lock if it is free, marked or not, and returns whether its last owner died with it; else what the word was.
fn take_if_free<P: Platform>(word: &P::AtomicU32, id: u32) -> Result<bool, u32> {
    let seen = word.load(&LOCK_LOOK);
    // Keeping the mark makes our release wake whoever still sleeps.
    if seen & OWNER == 0 && word.compare_exchange(&LOCK_TAKE_MARKED, seen, id | (seen & WAITERS)).is_ok() {
        return Ok(seen & OWNER_DIED != 0);
    }
    Err(seen)
}

/// Whether the lock is still as it was seen, and marked.
fn mark<P: Platform>(word: &P::AtomicU32, seen: u32) -> bool {
    seen & WAITERS != 0 || word.compare_exchange(&LOCK_MARK, seen, seen | WAITERS).is_ok()
}

impl<P: Platform, M: Memory<P> + ?Sized> Held<'_, P, M> {
    /// Whether the lock's last owner died with it. Should this one too, before it releases the lock, the next learns the same.
    #[inline(always)]
    pub fn was_left_by_the_dead(&self) -> bool {
        self.from_the_dead
    }

    /// Gives the lock up, and wakes whoever sleeps on it. What the marker of a marked word did before has been acquired then.
    #[inline(always)]
    pub fn release(self) {
        let header = self.memory.header();
        let word = &header.writers.0.lock;
        if self.is_biased {
            bias::leave(header, self.id);
        } else if word.compare_exchange(&LOCK_RELEASE, self.id, 0).is_err() {
            if self.memory.is_mediated() {
                word.swap(&LOCK_UNMARK, 0);
            } else {
                P::fence(&LOCK_HANDOVER);
                P::store_and_wake_all(word, &LOCK_WAKE, 0);
                P::fence(&MARK_ACQUIRE);
            }
        }
        // Only now: a thread that dies between the two steps above still has the kernel look at the word.
        P::retire();
    }
}
