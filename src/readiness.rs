//! Tasks that wait for a descriptor, on any executor, in a process where the ring has no thread that could wake them.
//!
//! One thread for all of the process, from the first such wait on until its end: it sleeps in `epoll_wait(2)`, wakes whose descriptor
//! is ready, and costs one descriptor. It relies on nothing of the ring's. A fork has its parent's instance, and none of its threads:
//! the first wait there makes another.

use crate::callback::run_each;
use crate::orderings::{INSTALL, INSTALLED};
use crate::process::Generation;
use crate::system::spawn_without_signals;
use core::pin::Pin;
use core::sync::atomic::AtomicPtr;
use rustix::event::epoll::{self, EventFlags};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

/// How many events are fetched at once.
const EVENTS: usize = 64;

/// Waits, as a task, until one of the descriptors has one of the events that it is `watched` for, or hangs up. Dropped, it leaves
/// nothing behind.
///
/// # Errors
/// `EMFILE` and the like where nothing is left to wait with; `Unsupported` where the wait began before a fork.
pub(crate) async fn ready(watched: &[(BorrowedFd<'_>, EventFlags)]) -> io::Result<()> {
    Readiness::of(watched)?.await
}

/// What the thread shares with those who wait. There is one of a process, which is never freed.
struct Watcher {
    epoll: OwnedFd,
    waits: Mutex<Waits>,
    home: Generation,
}

#[derive(Default)]
struct Waits {
    /// Who is not told yet, by number.
    wakers: HashMap<u64, Waker>,
    /// The number of the next.
    next: u64,
}

/// This process's; or that of the process it is a fork of.
static WATCHER: AtomicPtr<Watcher> = AtomicPtr::new(core::ptr::null_mut());

impl Watcher {
    /// This process's. Without a lock: a fork may find one held for ever.
    fn current() -> io::Result<&'static Watcher> {
        loop {
            let found = WATCHER.load(INSTALLED);
            // SAFETY: what is installed was leaked, and is only looked at from then on.
            if let Some(watcher) = unsafe { found.as_ref() }
                && watcher.home.is_current()
            {
                return Ok(watcher);
            }
            let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
            let made = Box::new(Watcher { epoll, waits: Mutex::default(), home: Generation::current() });
            let made = Box::into_raw(made);
            let (begin, begins) = channel::<&'static Watcher>();
            let spawned = spawn_without_signals(thread::Builder::new().name("iobring-tasks".into()), move || {
                // If another thread was quicker, nothing comes.
                begins.into_iter().for_each(Watcher::run);
            });
            let installed =
                spawned.as_ref().is_ok_and(|_| WATCHER.compare_exchange(found, made, INSTALL, INSTALLED).is_ok());
            if installed {
                // SAFETY: made above, and never freed from now on.
                let watcher = unsafe { &*made };
                // It cannot fail: the thread waits for it.
                let _ = begin.send(watcher);
                return Ok(watcher);
            }
            // SAFETY: made above, and installed nowhere.
            drop(unsafe { Box::from_raw(made) });
            spawned?;
        }
    }

    /// The thread's body.
    fn run(&self) {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => panic!("epoll_wait on a valid instance: {errno}"),
            }
            let told: Vec<_> = {
                let mut waits = self.waits();
                events.drain(..).filter_map(|event| waits.wakers.remove(&event.data.u64())).collect()
            };
            // Whoever's waker panics has been told of it by the panic's hook. The others wait on.
            let _ = catch_unwind(AssertUnwindSafe(|| run_each(told.into_iter().map(|waker| || waker.wake()))));
        }
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One wait.
struct Readiness {
    watcher: &'static Watcher,
    /// Duplicates, since an instance takes each descriptor but once, and others may wait for the same.
    watched: Vec<(OwnedFd, EventFlags)>,
    /// What it is registered under.
    number: Option<u64>,
}

impl Readiness {
    fn of(watched: &[(BorrowedFd<'_>, EventFlags)]) -> io::Result<Self> {
        let watcher = Watcher::current()?;
        let duplicate = |&(descriptor, events)| Ok((fcntl_dupfd_cloexec(descriptor, 0)?, events));
        let watched = watched.iter().map(duplicate).collect::<io::Result<_>>()?;
        Ok(Readiness { watcher, watched, number: None })
    }

    /// Has the thread wake `waker` once.
    fn register(&mut self, waker: Waker) -> io::Result<()> {
        let mut waits = self.watcher.waits();
        waits.next += 1;
        let number = waits.next;
        waits.wakers.insert(number, waker);
        drop(waits);
        self.number = Some(number);
        for (descriptor, events) in &self.watched {
            let token = epoll::EventData::new_u64(number);
            epoll::add(&self.watcher.epoll, descriptor, token, *events | EventFlags::ONESHOT)?;
        }
        Ok(())
    }
}

impl Future for Readiness {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nor is the lock to be touched, which another thread of the parent may have held.
        if !self.watcher.home.is_current() {
            let why = "a task that waited before a fork of this process is woken in the process where it began to wait";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::Unsupported, why)));
        }
        // A waker's clone and drop are its runtime's code: not for under the lock.
        let waker = context.waker().clone();
        let Some(number) = self.number else {
            return match self.register(waker) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            };
        };
        let mut waits = self.watcher.waits();
        let (spare, polled) = match waits.wakers.get_mut(&number) {
            Some(registered) => (std::mem::replace(registered, waker), Poll::Pending),
            // It was told.
            None => (waker, Poll::Ready(Ok(()))),
        };
        drop(waits);
        drop(spare);
        polled
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        // The instance of a fork is its parent's.
        let Some(number) = self.number.filter(|_| self.watcher.home.is_current()) else {
            return;
        };
        // Explicitly, since a fork may hold a copy of the descriptor, and closing ours is not enough then.
        for (descriptor, _) in &self.watched {
            // It fails only for what was not added.
            let _ = epoll::delete(&self.watcher.epoll, descriptor.as_fd());
        }
        let registered = self.watcher.waits().wakers.remove(&number);
        drop(registered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::link;
    use core::sync::atomic::{AtomicBool, Ordering};
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{RawWaker, RawWakerVTable, Wake};
    use std::time::Duration;

    /// Whether a waker was dropped under the lock, by the thread that had it.
    static UNDER_THE_LOCK: AtomicBool = AtomicBool::new(false);

    /// A waker of a runtime that does something with this very lock when one is dropped or woken.
    const ENTERS: RawWaker =
        RawWaker::new(core::ptr::null(), &RawWakerVTable::new(|_| ENTERS, |_| enter(), |_| enter(), |_| enter()));

    fn enter() {
        let watcher = Watcher::current().unwrap();
        // Other threads have it for a moment.
        let is_free = (0..10_000).any(|_| {
            thread::yield_now();
            watcher.waits.try_lock().is_ok()
        });
        UNDER_THE_LOCK.fetch_or(!is_free, Ordering::SeqCst);
    }

    /// However a poll ends, and whichever of the wakers it drops.
    #[test]
    fn no_waker_is_dropped_under_the_lock() {
        let (ours, theirs) = link::pair().unwrap();
        // SAFETY: its functions use no data.
        let waker = unsafe { Waker::from_raw(ENTERS) };
        let mut context = Context::from_waker(&waker);
        let mut wait = pin!(Readiness::of(&[(ours.as_fd(), EventFlags::RDHUP)]).unwrap());
        let mut given_up = Box::pin(Readiness::of(&[(ours.as_fd(), EventFlags::RDHUP)]).unwrap());
        for _ in 0..2 {
            assert!(wait.as_mut().poll(&mut context).is_pending());
            assert!(given_up.as_mut().poll(&mut context).is_pending());
        }
        drop(given_up);
        drop(theirs);
        while wait.as_mut().poll(&mut context).is_pending() {
            thread::yield_now();
        }
        assert!(!UNDER_THE_LOCK.load(Ordering::SeqCst));
    }

    /// It is its runtime's fault, and nobody else's harm.
    #[test]
    fn others_are_woken_though_a_waker_panics() {
        struct Panics;
        impl Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("a waker that is broken");
            }
        }
        let broken = Waker::from(Arc::new(Panics));
        for _ in 0..3 {
            let (ours, theirs) = link::pair().unwrap();
            let wait = || Readiness::of(&[(ours.as_fd(), EventFlags::RDHUP)]).unwrap();
            let mut first = pin!(wait());
            assert!(first.as_mut().poll(&mut Context::from_waker(&broken)).is_pending());
            let (told, tells) = channel();
            let second = wait();
            let waits = thread::spawn(move || told.send(pollster::block_on(second).is_ok()));
            drop(theirs);
            let is_told = tells.recv_timeout(Duration::from_secs(60));
            assert_eq!(is_told, Ok(true), "the thread that wakes is gone");
            waits.join().unwrap().unwrap();
        }
    }
}
