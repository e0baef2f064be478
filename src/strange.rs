//! Descriptors that somebody else has made.
//!
//! To close the last copy of one may take as long as its maker pleases: a socket lingers, a file's server does not answer. The last
//! copy of a Unix socket closes whatever waits in it, too. So both are closed by a thread of their own, unless it is known that
//! there is nothing to wait for.

use crate::orderings::LOOKED_AT;
use crate::system::{retry, spawn_without_signals};
use core::mem::{self, ManuallyDrop};
use core::sync::atomic::AtomicBool;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use std::io;
use std::ptr;
use std::thread::Builder;

/// Descriptors that came over a socket and were not checked yet.
#[derive(Debug, Default)]
pub(crate) struct Strangers(Vec<OwnedFd>);

impl Strangers {
    pub(crate) fn extend(&mut self, more: impl IntoIterator<Item = OwnedFd>) {
        self.0.extend(more);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, if there are so many.
    pub(crate) fn each<const N: usize>(&self) -> Option<[BorrowedFd<'_>; N]> {
        let each: [&OwnedFd; N] = self.0.iter().collect::<Vec<_>>().try_into().ok()?;
        Some(each.map(|descriptor| descriptor.as_fd()))
    }

    /// All of them, which have turned out to be harmless, if there are so many.
    pub(crate) fn take_each<const N: usize>(&mut self) -> Option<[OwnedFd; N]> {
        (self.0.len() == N).then(|| mem::take(&mut self.0).try_into().ok()).flatten()
    }

    /// The last that is left.
    pub(crate) fn last(&self) -> Option<BorrowedFd<'_>> {
        self.0.last().map(|descriptor| descriptor.as_fd())
    }

    /// The last that is left, which has turned out to be harmless.
    pub(crate) fn take_last(&mut self) -> Option<OwnedFd> {
        self.0.pop()
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            close_elsewhere(mem::take(&mut self.0));
        }
    }
}

/// A connected Unix socket that keeps message boundaries, whose other end is a stranger's.
#[derive(Debug)]
pub(crate) struct Socket {
    descriptor: ManuallyDrop<OwnedFd>,
    /// Whether the system refuses descriptors on behalf of this socket.
    refuses_descriptors: bool,
    /// Whether a message may wait that has some.
    may_have_some: AtomicBool,
}

impl Socket {
    /// One that is to receive no descriptors, and nobody has the other end yet.
    pub(crate) fn new(descriptor: OwnedFd) -> Self {
        let refuses = refuse_descriptors(descriptor.as_fd());
        Socket::that(refuses, !refuses, descriptor)
    }

    /// One that is to receive no descriptors, over which something may have been sent already.
    pub(crate) fn used(descriptor: OwnedFd) -> Self {
        look_from_the_front(descriptor.as_fd());
        Socket::that(refuse_descriptors(descriptor.as_fd()), true, descriptor)
    }

    /// One that is to receive descriptors.
    pub(crate) fn with_descriptors(descriptor: OwnedFd) -> Self {
        Socket::that(false, true, descriptor)
    }

    /// One over which nothing is to be received at all, and that [`is_silent`]. To close it is all that dropping it does, since whoever
    /// has it may be allowed little else by then; before Linux 6.16 it so has to trust the other end.
    pub(crate) fn silent(descriptor: OwnedFd) -> Self {
        Socket::that(false, false, descriptor)
    }

    /// As [`new`](Self::new), on a system that refuses descriptors, whichever this is.
    #[cfg(test)]
    pub(crate) fn refusing(descriptor: OwnedFd) -> Self {
        Socket::that(true, false, descriptor)
    }

    fn that(refuses_descriptors: bool, may_have_some: bool, descriptor: OwnedFd) -> Self {
        let (descriptor, may_have_some) = (ManuallyDrop::new(descriptor), AtomicBool::new(may_have_some));
        Socket { descriptor, refuses_descriptors, may_have_some }
    }

    /// Whether no message that waits can have descriptors.
    pub(crate) fn is_free_of_descriptors(&self) -> bool {
        !self.may_have_some.load(LOOKED_AT)
    }

    /// No message waited just now.
    pub(crate) fn found_empty(&self) {
        self.may_have_some.store(!self.refuses_descriptors, LOOKED_AT);
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: nobody looks at it after this.
        let descriptor = unsafe { ManuallyDrop::take(&mut self.descriptor) };
        if !self.is_free_of_descriptors() && something_waits(descriptor.as_fd()) {
            close_elsewhere(descriptor);
        }
    }
}

/// Closes something by a thread of its own. Where none is to be had it stays open: that costs a descriptor, and to wait could
/// cost everything.
fn close_elsewhere(strange: impl Send + 'static) {
    let strange = ManuallyDrop::new(strange);
    let _ = spawn_without_signals(Builder::new(), move || drop(ManuallyDrop::into_inner(strange)));
}

/// Whether nothing waits in a socket that came from a stranger, and no descriptors will, where the system can refuse them.
pub(crate) fn is_silent(socket: BorrowedFd<'_>) -> bool {
    refuse_descriptors(socket);
    !something_waits(socket)
}

/// Whether a message waits in a Unix socket, be it an empty one, which looks like the end otherwise.
fn something_waits(socket: BorrowedFd<'_>) -> bool {
    look_from_the_front(socket);
    // From now on each message comes with its sender's credentials, for which there is no room here, and the end with none.
    let _ = set_option(socket, libc::SO_PASSCRED, 1);
    // SAFETY: all zeros is a message header without address, parts and control data.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT | libc::MSG_TRUNC;
    let looked = retry(|| {
        // SAFETY: the descriptor is open, and the header says that there is room for nothing.
        let looked = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut header, flags) };
        match usize::try_from(looked)
            .map_err(|_| Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO))
        {
            // That the other end is gone, and has not taken all that it was sent, is said once and before anything else.
            Err(Errno::CONNRESET) => Err(Errno::INTR),
            looked => looked,
        }
    });
    // There may be other copies of the socket.
    let _ = set_option(socket, libc::SO_PASSCRED, 0);
    match looked {
        Ok(len) => len > 0 || header.msg_flags & libc::MSG_CTRUNC != 0,
        // Who cannot look has to suppose so.
        Err(errno) => errno != Errno::AGAIN,
    }
}

/// Whoever had a copy of the socket may have told the system to look further on than at what comes next.
fn look_from_the_front(socket: BorrowedFd<'_>) {
    let _ = set_option(socket, libc::SO_PEEK_OFF, -1);
}

/// Since Linux 6.16 a socket can refuse descriptors, and then it is the sender's `sendmsg` that fails. Before, whoever receives
/// finds them. Returns whether it will be the sender's.
fn refuse_descriptors(socket: BorrowedFd<'_>) -> bool {
    /// `SO_PASSRIGHTS` of `asm-generic/socket.h`.
    const PASS_RIGHTS: libc::c_int = 83;
    // SPARC numbers its options differently. A kernel that does not know the option says so.
    !cfg!(target_arch = "sparc64") && set_option(socket, PASS_RIGHTS, 0).is_ok()
}

fn set_option(socket: BorrowedFd<'_>, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let len = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the descriptor is open and the option's value is a readable int of the stated length.
    let set =
        unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, ptr::from_ref(&value).cast(), len) };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
