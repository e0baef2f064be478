//! Signals: calls that they interrupt, and threads that leave them to the application.

use rustix::io::Errno;
use std::io;
use std::mem::MaybeUninit;
use std::thread::{Builder, JoinHandle};

/// Repeats a call that a signal interrupted.
pub(crate) fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
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
    // A thread inherits its maker's mask.
    without_signals(|| builder.spawn(body))
}

/// Does this while signals wait, but for those that a thread's own instructions raise and those that cannot.
pub(crate) fn without_signals<T>(act: impl FnOnce() -> T) -> T {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` initialises the set that the other calls change and read.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        for signal in ITS_OWN {
            libc::sigdelset(all.as_mut_ptr(), signal);
        }
    }
    // SAFETY: both sets may be read and written; the call cannot fail with these arguments, so `before` is initialised.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
    let result = act();
    // SAFETY: `before` was initialised above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), core::ptr::null_mut()) };
    result
}
