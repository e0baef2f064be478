//! Whose process this is: what it has to know about itself before it shares memory with others.
//!
//! A fork has this process's memory, but neither its threads nor its account with the ring's owner; a lock that another thread
//! held stays locked there for ever. So whatever belongs to one process remembers whose it is, and asks before it is used:
//!
//! | belongs to the process that made it | in a fork |
//! |---|---|
//! | the broker and its thread (`broker::Host`) | is never started, told, or joined |
//! | a pair's account of copies (`pair`) | copies there do not count; nobody is told |
//! | the count of a ring's writers (`writers`) | closes no ring |
//! | the reader's waker (`Doorbell`) | is not woken; the descriptor is rung instead |
//! | what an isolated writer has lost (`broker::remote`) | starts anew: the parent reports its own |
//! | the thread that watches descriptors for tasks (`readiness`) | wakes nobody; another is started |
//! | that the owner watches a mapped writer (`mapped`) | is asked for again |
//! | what the kernel knows of a thread (the facade's robust locks) | is looked up again |

use std::io;
use std::os::unix::fs::MetadataExt;

/// Which process of a line of forks this is: a child finds another value than the one its parent stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation(u32);

impl Generation {
    /// This process.
    #[inline(always)]
    pub(crate) fn current() -> Self {
        Generation(weakest_facade::native::generation())
    }

    /// Whether this is the process that asks.
    #[inline(always)]
    pub(crate) fn is_current(self) -> bool {
        self == Self::current()
    }

    /// The number behind it, to be kept in an atomic.
    #[inline(always)]
    pub(crate) fn to_raw(self) -> u32 {
        self.0
    }
}

/// The inode of this process's PID namespace. Thread ids, by which the writers' lock names its owner, mean something only
/// within one.
///
/// # Errors
/// `Unsupported` without `/proc`.
pub(crate) fn pid_namespace() -> io::Result<u64> {
    Ok(std::fs::metadata("/proc/self/ns/pid").map_err(needs_proc)?.ino())
}

/// What to say where `/proc` did not answer, which only writers that map the ring need.
pub(crate) fn needs_proc(error: io::Error) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("a writer that maps the ring needs /proc: {error}"))
}
