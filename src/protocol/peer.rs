//! Whether any copy of an endpoint is left.

use crate::protocol::sites::{PEER_LOOK, PEER_RELEASE, PEER_RETAIN};
use weakest_facade::{Atomic, Platform};

/// The copies of one endpoint.
pub struct Copies<P: Platform> {
    count: P::AtomicU64,
}

impl<P: Platform> Copies<P> {
    /// One copy.
    pub fn one() -> Self {
        Copies { count: Atomic::new("copies", 1) }
    }

    /// One copy more. The caller holds one.
    pub fn retain(&self) {
        self.count.fetch_add(&PEER_RETAIN, 1);
    }

    /// One copy fewer. Returns whether it was the last.
    pub fn release(&self) -> bool {
        self.count.fetch_add(&PEER_RELEASE, u64::MAX) == 1
    }

    /// Whether every copy is gone; then everything written through them is published for the caller.
    pub fn is_closed(&self) -> bool {
        self.count.load(&PEER_LOOK) == 0
    }
}
