//! Who is at the other end of a connection, as the kernel says.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// A process that has connected.
///
/// Process, user and group ids are those that the kernel noted when it connected (`SO_PEERCRED`): nobody can choose them. The
/// name is what the process called itself then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// The tag of its records: one for each connection of this collector, counted from 1.
    pub tag: u64,
    /// Its process id in the collector's namespace; 0 if it is in another.
    pub pid: u32,
    /// Its user's id.
    pub uid: u32,
    /// Its group's id.
    pub gid: u32,
    /// Its name (`/proc/PID/comm`), without control characters; empty if it cannot be read.
    pub name: String,
}

impl Process {
    /// The process at the other end of `stream`.
    pub(crate) fn behind(stream: &UnixStream, tag: u64) -> io::Result<Self> {
        let credentials = credentials(stream)?;
        let pid = credentials.pid.cast_unsigned();
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let name = name.trim_end().chars().filter(|c| !c.is_control()).collect();
        Ok(Process { tag, pid, uid: credentials.uid, gid: credentials.gid, name })
    }

    /// This process itself, for records that the collector's own program writes.
    pub fn this(tag: u64, name: impl Into<String>) -> Self {
        let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        Process { tag, pid: std::process::id(), uid, gid, name: name.into() }
    }

    /// The same process under another id and name: a child whose output its parent passes on.
    pub fn with_id(self, pid: u32) -> Self {
        Process { pid, ..self }
    }
}

/// What the kernel noted when `stream` was connected. (rustix has this call too, but a process id there cannot be 0, as it is
/// for a process in a namespace that is not below ours.)
fn credentials(stream: &UnixStream) -> io::Result<libc::ucred> {
    let mut credentials = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut len = size_of_val(&credentials) as libc::socklen_t;
    let into = (&raw mut credentials).cast();
    // SAFETY: the kernel writes at most `len` bytes to `into`, which may be written, and any bytes are a `ucred`.
    let failed = unsafe { libc::getsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, into, &mut len) };
    if failed == 0 { Ok(credentials) } else { Err(io::Error::last_os_error()) }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { "?" } else { &self.name };
        write!(f, "{name}[{}]", self.pid)
    }
}
