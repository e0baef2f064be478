//! Memory orderings as data, so that a checker can weaken them one step at a time.

use core::fmt;
use core::sync::atomic::Ordering;

/// A memory ordering, with C11's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Order {
    /// Atomicity and coherence only. For a fence: the fence is not there.
    Relaxed,
    /// What the writer of the value released happens before what follows.
    Acquire,
    /// What precedes happens before whatever follows an acquire of this value.
    Release,
    /// Both, for read-modify-writes and fences.
    AcqRel,
    /// `AcqRel`, and one total order with all other `SeqCst` fences.
    SeqCst,
}

impl Order {
    /// Whether a load with this ordering (or a fence after it) acquires.
    pub const fn acquires(self) -> bool {
        matches!(self, Order::Acquire | Order::AcqRel | Order::SeqCst)
    }

    /// Whether a store with this ordering (or a fence before it) releases.
    pub const fn releases(self) -> bool {
        matches!(self, Order::Release | Order::AcqRel | Order::SeqCst)
    }

    /// The same ordering as `core` names it.
    #[inline(always)]
    pub const fn as_core(self) -> Ordering {
        match self {
            Order::Relaxed => Ordering::Relaxed,
            Order::Acquire => Ordering::Acquire,
            Order::Release => Ordering::Release,
            Order::AcqRel => Ordering::AcqRel,
            Order::SeqCst => Ordering::SeqCst,
        }
    }

    /// The ordering's name as Rust spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Order::Relaxed => "Relaxed",
            Order::Acquire => "Acquire",
            Order::Release => "Release",
            Order::AcqRel => "AcqRel",
            Order::SeqCst => "SeqCst",
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
