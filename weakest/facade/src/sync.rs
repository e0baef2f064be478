//! A mutex, a condition variable and parking, made of the facade's atomics and futexes, so that code that needs them can be explored
//! as a whole.
//!
//! They order what a futex orders and no more. Their sites are in [`ALL`]; put them into your own table's matrix if you mean to weaken them.

use crate::{Atomic, Platform};
use core::time::Duration;

crate::sites! {
    /// Taking a free mutex.
    MUTEX_LOCK: CompareExchange Acquire, pairs with [MUTEX_UNLOCK], "what the last holder did comes before";
    /// Taking it, or saying that somebody sleeps.
    MUTEX_CONTEND: Rmw Acquire, pairs with [MUTEX_UNLOCK], "as MUTEX_LOCK";
    /// Asleep while somebody holds it.
    MUTEX_SLEEP: Wait, "orders nothing; the mutex is tried again";
    /// Giving it back.
    MUTEX_UNLOCK: Rmw Release, pairs with [MUTEX_LOCK, MUTEX_CONTEND], "as MUTEX_LOCK";
    /// Waking one who sleeps.
    MUTEX_WAKE: Wake, "orders nothing";
    /// Which notification was the last, seen with the mutex held.
    CONDVAR_LOOK: Load Relaxed, "a notification that is not seen changes the word before the waiter sleeps on it";
    /// Asleep until the next.
    CONDVAR_SLEEP: Wait, "orders nothing; the mutex does";
    /// Another notification.
    CONDVAR_NOTIFY: Rmw Relaxed, "orders nothing; the mutex does";
    /// Waking who sleeps.
    CONDVAR_WAKE: Wake, "orders nothing";
    /// Taking the token.
    PARK: Rmw Acquire, pairs with [UNPARK], "what came before the unpark comes before what follows the park";
    /// Asleep until there is one.
    PARK_SLEEP: Wait, "orders nothing; the token is looked at again";
    /// Giving the token.
    UNPARK: Rmw Release, pairs with [PARK], "as PARK";
    /// Waking who sleeps.
    UNPARK_WAKE: Wake, "orders nothing";
}

const FREE: u32 = 0;
const LOCKED: u32 = 1;
/// Somebody may sleep.
const CONTENDED: u32 = 2;

/// A mutex. It protects what its users say it does: data words, say.
pub struct Mutex<P: Platform> {
    state: P::AtomicU32,
}

/// The mutex, held; given back when this is dropped.
#[must_use = "a mutex that nobody holds protects nothing"]
pub struct Guard<'m, P: Platform> {
    mutex: &'m Mutex<P>,
}

impl<P: Platform> Mutex<P> {
    /// A free mutex.
    pub fn new(label: &'static str) -> Self {
        Mutex { state: P::AtomicU32::new(label, FREE) }
    }

    /// Takes the mutex, asleep while somebody else holds it.
    #[inline]
    pub fn lock(&self) -> Guard<'_, P> {
        if self.state.compare_exchange(&MUTEX_LOCK, FREE, LOCKED).is_err() {
            // Who has slept cannot know whether others sleep on.
            while self.state.swap(&MUTEX_CONTEND, CONTENDED) != FREE {
                P::wait(&self.state, &MUTEX_SLEEP, CONTENDED, None);
            }
        }
        Guard { mutex: self }
    }

    /// Takes the mutex if it is free.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_, P>> {
        let taken = self.state.compare_exchange(&MUTEX_LOCK, FREE, LOCKED).is_ok();
        taken.then_some(Guard { mutex: self })
    }
}

impl<P: Platform> Drop for Guard<'_, P> {
    #[inline]
    fn drop(&mut self) {
        if self.mutex.state.swap(&MUTEX_UNLOCK, FREE) == CONTENDED {
            P::wake(&self.mutex.state, &MUTEX_WAKE, 1);
        }
    }
}

/// A condition variable.
pub struct Condvar<P: Platform> {
    notifications: P::AtomicU32,
}

impl<P: Platform> Condvar<P> {
    /// A condition variable on which nobody waits.
    pub fn new(label: &'static str) -> Self {
        Condvar { notifications: P::AtomicU32::new(label, 0) }
    }

    /// Gives the mutex back, sleeps until notified or for no reason, and takes the mutex again.
    pub fn wait<'m>(&self, guard: Guard<'m, P>) -> Guard<'m, P> {
        self.wait_until(guard, None).0
    }

    /// The same up to a moment of the platform's clock; whether it had come.
    pub fn wait_until<'m>(&self, guard: Guard<'m, P>, deadline: Option<Duration>) -> (Guard<'m, P>, bool) {
        let mutex = guard.mutex;
        let seen = self.notifications.load(&CONDVAR_LOOK);
        drop(guard);
        let wait = P::wait(&self.notifications, &CONDVAR_SLEEP, seen, deadline);
        (mutex.lock(), wait == crate::Wait::TimedOut)
    }

    /// Wakes one who waits. What is waited for was changed with the mutex held.
    pub fn notify_one(&self) {
        self.notify(1);
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        self.notify(u32::MAX);
    }

    fn notify(&self, count: u32) {
        self.notifications.fetch_add(&CONDVAR_NOTIFY, 1);
        P::wake(&self.notifications, &CONDVAR_WAKE, count);
    }
}

/// What one thread parks on and others unpark: a token that is there or not.
pub struct Parker<P: Platform> {
    token: P::AtomicU32,
}

impl<P: Platform> Parker<P> {
    /// Without the token.
    pub fn new(label: &'static str) -> Self {
        Parker { token: P::AtomicU32::new(label, 0) }
    }

    /// Sleeps until the token is there, and takes it. For one thread.
    pub fn park(&self) {
        while self.token.swap(&PARK, 0) == 0 {
            P::wait(&self.token, &PARK_SLEEP, 0, None);
        }
    }

    /// Gives the token, if it is not there already.
    pub fn unpark(&self) {
        self.token.swap(&UNPARK, 1);
        P::wake(&self.token, &UNPARK_WAKE, 1);
    }
}
