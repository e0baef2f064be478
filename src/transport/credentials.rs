//! Who is at the other end of a socket, as the kernel says.

use crate::system::retry;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::io::Errno;
use std::io;
use std::mem::MaybeUninit;

/// `SO_PEERPIDFD` of `asm-generic/socket.h`, since Linux 6.5.
const PEER_PIDFD: libc::c_int = 77;

/// The process at the other end of a Unix socket, as the kernel noted it when the two were connected (or made, if by
/// `socketpair`): nobody can choose them. What it hands over, or is handed, is the business of whoever has that end by now.
///
/// So a ring's owner knows whom a tag stands for:
///
/// ```
/// # use iobring::{Credentials, RingBuffer};
/// # let (socket, _theirs) = std::os::unix::net::UnixStream::pair()?;
/// # let reader = RingBuffer::create(64 * 1024);
/// let (writer, peer) = reader.new_iob_writer(7).unwrap();
/// let who = Credentials::of(&socket)?;
/// writer.send_to(&socket)?;
/// println!("tag 7 is process {} of user {}", who.pid, who.uid);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// Its process id, in this process's namespace; 0 if it is in none that can be seen from here.
    pub pid: u32,
    /// Its user's id.
    pub uid: u32,
    /// Its group's id.
    pub gid: u32,
    /// The process itself, whose id may be another's once it has ended: readable when it has. `None` before Linux 6.5, and where it
    /// has ended already, or no descriptor is left.
    pub pidfd: Option<OwnedFd>,
}

impl Credentials {
    /// Of the other end of `socket`.
    ///
    /// # Errors
    /// `ENOTSOCK` where it is no socket; `InvalidInput` where it is none whose other end is a process of this machine, or not
    /// connected.
    pub fn of<S: AsFd + ?Sized>(socket: &S) -> io::Result<Self> {
        let socket = socket.as_fd();
        let nobody = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
        let libc::ucred { pid, uid, gid } = option(socket, libc::SO_PEERCRED, nobody)?;
        // What is no Unix socket, or not connected, has nobody.
        if uid == u32::MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a socket whose other end the kernel does not know",
            ));
        }
        Ok(Credentials { pid: pid.cast_unsigned(), uid, gid, pidfd: pidfd(socket) })
    }
}

/// The other end's process, if the kernel gives it.
fn pidfd(socket: BorrowedFd<'_>) -> Option<OwnedFd> {
    // SPARC numbers its options differently.
    if cfg!(target_arch = "sparc64") {
        return None;
    }
    let fd = option(socket, PEER_PIDFD, -1 as libc::c_int).ok().filter(|&fd| fd >= 0)?;
    // SAFETY: the kernel has just made this descriptor for this call, so that nobody else has it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A type of which any bytes are a value.
///
/// # Safety
/// They are.
unsafe trait Plain: Copy {}

// SAFETY: three numbers.
unsafe impl Plain for libc::ucred {}
// SAFETY: a number.
unsafe impl Plain for libc::c_int {}

/// An option of a socket, at whose place there is `before` now.
fn option<T: Plain>(socket: BorrowedFd<'_>, name: libc::c_int, before: T) -> Result<T, Errno> {
    let mut value = MaybeUninit::new(before);
    let mut len = size_of::<T>() as libc::socklen_t;
    retry(|| {
        // SAFETY: the descriptor is open, and the kernel writes at most `len` bytes to `value`, which has so many.
        let failed = unsafe {
            libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, name, value.as_mut_ptr().cast(), &mut len)
        };
        if failed == 0 {
            Ok(())
        } else {
            Err(Errno::from_raw_os_error(io::Error::last_os_error().raw_os_error().unwrap_or(0)))
        }
    })?;
    // SAFETY: it was initialised, and any bytes that the kernel wrote are a `T` (`Plain`).
    Ok(unsafe { value.assume_init() })
}
