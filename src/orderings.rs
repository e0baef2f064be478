//! The memory orderings outside the protocol, each with its reason. (The protocol's own are in
//! [`sites`](crate::protocol::sites).)

use core::sync::atomic::Ordering;

/// Of the ring's bytes. Who may read or write them when is decided by `head`, `tail` and the lock; the access itself need only
/// be defined while somebody who does not keep to that writes too.
pub(crate) const BYTES: Ordering = Ordering::Relaxed;

/// Of what a reader remembers of its callers: looked at and changed through the one `Reader`, so that its borrows order it.
pub(crate) const READERS_OWN: Ordering = Ordering::Relaxed;

/// Of what an isolated writer has lost: figures, each added and taken as a whole; it does not matter with which record they go.
pub(crate) const LOST: Ordering = Ordering::Relaxed;

/// Of the process that the ring's owner watches: no data hangs on it, and whoever finds an old value asks once more.
pub(crate) const WATCHED: Ordering = Ordering::Relaxed;

/// Of how far a bell's ring buffer was filled: whoever silences it sees what led to the ringing.
pub(crate) const BELL_SEEN: Ordering = Ordering::Acquire;

/// Of how far a bell's ring buffer was consumed, for the kernel to see.
pub(crate) const BELL_HEARD: Ordering = Ordering::Release;

/// Of making this process's watcher of descriptors known to its other threads, which look into it.
pub(crate) const INSTALL: Ordering = Ordering::Release;

/// Of finding that watcher: what was written into it before it was known is seen.
pub(crate) const INSTALLED: Ordering = Ordering::Acquire;

/// Of whether hand-overs may go by the kernel: a setting, nothing more.
pub(crate) const PREFERRED: Ordering = Ordering::Relaxed;

/// Of whether a socket was found empty: looked at by the thread that receives from it, and by the last to drop it.
pub(crate) const LOOKED_AT: Ordering = Ordering::Relaxed;

/// Of what is changed and looked at under the writers' lock, which orders it.
pub(crate) const UNDER_LOCK: Ordering = Ordering::Relaxed;

/// Of whether there is a handle that interrupts the reader: set and looked at through the one `Reader`.
pub(crate) const INTERRUPTIBLE: Ordering = Ordering::Relaxed;

/// Of an interruption: the bell that is rung after it, or the mutex of the waker, orders it against the wait. What happened
/// before it is seen by whoever finds it.
pub(crate) const INTERRUPT: Ordering = Ordering::AcqRel;
