//! Waiting, for a descriptor or a future; signals: calls that they interrupt, and threads that leave them to the application.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use std::io;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Builder, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// Repeats a call that a signal interrupted.
pub(crate) fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// Waits until `descriptor` has one of the events of `interest`, or hangs up; `false` when `timeout` has passed before that.
pub(crate) fn wait_for(descriptor: BorrowedFd<'_>, interest: PollFlags, timeout: Option<Duration>) -> io::Result<bool> {
    let deadline = deadline(timeout);
    let mut watched = [PollFd::from_borrowed_fd(descriptor, interest)];
    loop {
        let left = left(deadline).and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut watched, left.as_ref()) {
            Ok(seen) => return Ok(seen != 0),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// The moment at which `timeout` is up, from now on; `None` for one beyond what the clock can count, which is no limit.
pub(crate) fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

/// How much is left until `deadline`.
pub(crate) fn left(deadline: Option<Instant>) -> Option<Duration> {
    deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks until `future` is ready; `None` if the deadline has come before that.
pub(crate) fn block_until<T>(future: impl Future<Output = T>, deadline: Option<Instant>) -> Option<T> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return Some(result);
        }
        match left(deadline) {
            None => thread::park(),
            Some(Duration::ZERO) => return None,
            Some(left) => thread::park_timeout(left),
        }
    }
}

/// Runs each of these, which are somebody else's code, also where one panics; that goes on when all have run.
pub(crate) fn run_each(calls: impl IntoIterator<Item = impl FnOnce()>) {
    let mut panicked = None;
    for call in calls {
        panicked = catch_unwind(AssertUnwindSafe(call)).err().or(panicked);
    }
    if let Some(panicked) = panicked
        && !thread::panicking()
    {
        resume_unwind(panicked);
    }
}

/// What a thread's own instructions raise: blocked, they would kill without a word.
const ITS_OWN: [libc::c_int; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];

/// Starts a thread to which the kernel delivers no signal that is meant for the process: those are for the application's
/// threads, which may wait for them (`signalfd`, `sigwait`) or have them blocked everywhere.
pub(crate) fn spawn_without_signals(
    builder: Builder,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` initialises the set that the other calls change and read.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        for signal in ITS_OWN {
            libc::sigdelset(all.as_mut_ptr(), signal);
        }
    }
    // A thread inherits its maker's mask.
    // SAFETY: both sets may be read and written; the call cannot fail with these arguments, so `before` is initialised.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
    let thread = builder.spawn(body);
    // SAFETY: `before` was initialised above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), core::ptr::null_mut()) };
    thread
}
