//! Who is at the other end of a connection, as the kernel says.

use iobring::Credentials;
use std::fmt;
use std::fs;
use std::io;
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
        let Credentials { pid, uid, gid, .. } = Credentials::of(stream)?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let name = name.trim_end().chars().filter(|c| !c.is_control()).collect();
        Ok(Process { tag, pid, uid, gid, name })
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

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { "?" } else { &self.name };
        write!(f, "{name}[{}]", self.pid)
    }
}
