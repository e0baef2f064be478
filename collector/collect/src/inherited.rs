//! The writer that a process inherits: one end of a socket, named by an environment variable.
//!
//! The variable says `FD:INODE`. A program in between may have closed the descriptor and another may bear its number by now;
//! the inode tells. Whoever asks first gets the writer; further processes that inherit the same end are refused, and go by the
//! collector's path.

use rustix::io::FdFlags;
use std::env;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;

/// The environment variable that names the inherited connection to a collector.
pub const INHERITED_VARIABLE: &str = "IOBRING_INHERITED";

/// What a collector's program gives to a child that it starts: one end of a connection to inherit.
///
/// The child's end is open in every program that is started while this is held, so make it, start the child with
/// [`variable`](Self::variable) in its environment, and give it to [`Collector::admit`](crate::Collector::admit).
#[derive(Debug)]
pub struct Invitation {
    ours: UnixStream,
    theirs: UnixStream,
}

impl Invitation {
    /// A connection.
    ///
    /// # Errors
    /// Of making a socket.
    pub fn new() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        rustix::io::fcntl_setfd(&theirs, FdFlags::empty())?;
        Ok(Invitation { ours, theirs })
    }

    /// The environment variable that the child needs: name and value.
    ///
    /// # Errors
    /// Where `/proc` is not there.
    pub fn variable(&self) -> io::Result<(&'static str, String)> {
        let fd = self.theirs.as_raw_fd();
        let inode = inode(fd).ok_or_else(|| io::Error::other("/proc does not tell a descriptor's inode"))?;
        Ok((INHERITED_VARIABLE, format!("{fd}:{inode}")))
    }

    /// The collector's end.
    pub(crate) fn into_stream(self) -> UnixStream {
        self.ours
    }
}

/// The connection that this process has inherited, if it has: a copy of its own.
pub(crate) fn take() -> Option<UnixStream> {
    let value = env::var(INHERITED_VARIABLE).ok()?;
    let (fd, wanted) = value.split_once(':')?;
    let fd: RawFd = fd.parse().ok().filter(|fd| *fd >= 0)?;
    if inode(fd)? != wanted {
        return None;
    }
    // SAFETY: the descriptor is open, as its inode was just read, and is only copied. Whoever closes it in this very moment
    // brings about a copy of another one, or an error: nothing that a safe use of the number could not.
    let inherited = unsafe { BorrowedFd::borrow_raw(fd) };
    inherited.try_clone_to_owned().ok().map(UnixStream::from)
}

/// The inode of the socket behind `fd`; `None` where that is no socket.
fn inode(fd: RawFd) -> Option<String> {
    let link = fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
    Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
}
