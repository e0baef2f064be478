//! Forks of a test's process.

use crate::patience::PATIENCE;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, waitpid};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a child is made.
#[derive(Clone, Copy, Debug)]
pub enum Fork {
    /// With the handlers of `pthread_atfork`.
    Libc,
    /// By a system call of its own, of which no library is told.
    Raw,
}

/// A child that runs `body`, whose result (0 to 100) is its exit status; 101 if it panics.
///
/// # Safety
/// `body` only does what a fork of a program with threads may do.
pub unsafe fn fork(how: Fork, body: impl FnOnce() -> i32) -> Pid {
    // SAFETY: the child runs `body`, for which the caller vouches, and ends without running anything of its parent's.
    let child = unsafe {
        match how {
            Fork::Libc => libc::fork(),
            Fork::Raw => libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as libc::pid_t,
        }
    };
    match child {
        0 => {
            let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or(101);
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(result) }
        }
        child => Pid::from_raw(child).expect("fork"),
    }
}

/// A child's exit status.
///
/// # Panics
/// If it hangs, or is killed.
#[track_caller]
pub fn result(child: Pid) -> i32 {
    ending(child).expect("the child exits")
}

/// As [`result`]; `None` if it is killed.
///
/// # Panics
/// If it hangs.
#[track_caller]
pub fn ending(child: Pid) -> Option<i32> {
    let pidfd = pidfd_open(child, PidfdFlags::empty()).unwrap();
    let ended = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&Timespec::try_from(PATIENCE).unwrap())).unwrap();
    if ended == 0 {
        kill_process(child, Signal::KILL).unwrap();
    }
    let (_, status) = waitpid(Some(child), WaitOptions::empty()).unwrap().unwrap();
    assert_eq!(ended, 1, "the child hangs");
    status.exit_status()
}
