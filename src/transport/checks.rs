//! Whether a descriptor that came over a socket is what it is said to be.

use crate::process::needs_proc;
use crate::strange::is_silent;
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;
use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType, getpeername};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::io;

/// A connected Unix socket that keeps message boundaries.
pub(super) fn link(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    let fits = socket_domain(descriptor)? == AddressFamily::UNIX
        && socket_type(descriptor)? == SocketType::SEQPACKET
        && getpeername(descriptor).is_ok();
    fits.then_some(()).ok_or_else(|| bad("not a connected SOCK_SEQPACKET socket"))
}

/// The same, in which nothing waits: none of ours sends anything to the holder of an endpoint.
pub(super) fn silent_link(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    link(descriptor)?;
    is_silent(descriptor).then_some(()).ok_or_else(|| bad("a socket in which something waits"))
}

/// An eventfd that never blocks.
pub(super) fn bell(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    let name = std::fs::read_link(format!("/proc/self/fd/{}", descriptor.as_raw_fd())).map_err(needs_proc)?;
    let fits = name.as_os_str() == "anon_inode:[eventfd]" && fcntl_getfl(descriptor)?.contains(OFlags::NONBLOCK);
    fits.then_some(()).ok_or_else(|| bad("not a non-blocking eventfd"))
}

/// A pidfd.
pub(super) fn process(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    // Whosever child it is, nothing is waited for.
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::PidFd(descriptor), look) {
        Err(Errno::BADF) => Err(bad("not a process")),
        _ => Ok(()),
    }
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
