//! Whether a descriptor that came over a socket is what it is said to be.

use crate::process::needs_proc;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType, getpeername};
use std::io;

/// A connected Unix socket that keeps message boundaries.
pub(super) fn link(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    let fits = socket_domain(&descriptor)? == AddressFamily::UNIX
        && socket_type(&descriptor)? == SocketType::SEQPACKET
        && getpeername(&descriptor).is_ok();
    fits.then_some(descriptor).ok_or_else(|| bad("not a connected SOCK_SEQPACKET socket"))
}

/// An eventfd that never blocks.
pub(super) fn bell(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    let name = std::fs::read_link(format!("/proc/self/fd/{}", descriptor.as_raw_fd())).map_err(needs_proc)?;
    let fits = name.as_os_str() == "anon_inode:[eventfd]" && fcntl_getfl(&descriptor)?.contains(OFlags::NONBLOCK);
    fits.then_some(descriptor).ok_or_else(|| bad("not a non-blocking eventfd"))
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
