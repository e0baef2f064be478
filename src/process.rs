//! Whose process this is: what it has to know about itself before it shares memory with others.

use crate::orderings;
use core::sync::atomic::AtomicU32;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Once;

/// How many forks lie between this process and the one that first asked to have them counted.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Which process of a line of forks this is: a child finds another value than the one its parent stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation(u32);

impl Generation {
    /// This process.
    #[inline(always)]
    pub(crate) fn current() -> Self {
        // Only the child's one thread ever writes it, before `fork` returns there.
        Generation(FORKS.load(orderings::FORKS))
    }

    /// The number behind it, to be kept in an atomic.
    #[inline(always)]
    pub(crate) fn to_raw(self) -> u32 {
        self.0
    }

    /// This process, and from now on its children differ.
    pub(crate) fn watched() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            // SAFETY: the handler is one atomic addition, which is safe in a forked child.
            let refused = unsafe { libc::pthread_atfork(None, None, Some(count)) };
            assert_eq!(refused, 0, "pthread_atfork: no memory to register a handler");
        });
        Self::current()
    }
}

extern "C" fn count() {
    FORKS.fetch_add(1, orderings::FORKS);
}

/// The inode of this process's PID namespace. Thread ids, by which the writers' lock names its owner, mean something only
/// within one.
pub(crate) fn pid_namespace() -> io::Result<u64> {
    Ok(std::fs::metadata("/proc/self/ns/pid")?.ino())
}
