//! The right to write by way of a mediator, and the account of what was written.

use super::accounts::Slot;
use weakest_facade::{Cell, Platform};

/// One writer's right to write by way of a mediator. On a page of its own kind, which only the ring's owner and the mediator
/// see.
#[repr(C, align(64))]
pub struct Grant<P: Platform> {
    /// Whose it is, or [`NOBODY`]. Changed and read under the writers' lock; no number comes twice.
    pub(crate) holder: P::Cell,
    /// What became of the holder's writes.
    pub slot: Slot<P>,
}

/// The holder of a grant that nobody has.
pub const NOBODY: u64 = 0;

impl<P: Platform> Grant<P> {
    /// Nobody's.
    pub fn new() -> Self {
        Grant { holder: Cell::new("holder", 0, NOBODY), slot: Slot::new() }
    }
}

impl<P: Platform> Default for Grant<P> {
    fn default() -> Self {
        Self::new()
    }
}
