//! Giving the right to write by way of a [`mediator`](crate::protocol::mediator), and taking it away: the owner's side.

use crate::layout::{Grant, NOBODY};
use crate::protocol::memory::Memory;
use crate::protocol::section;
use crate::protocol::sites::{GRANT_READ, GRANT_WRITE};
use weakest_facade::{Cell, Platform};

/// Gives `grant` to `holder`, or takes it away if that is [`NOBODY`]. When this returns no mediator is writing for whoever had
/// it, and none will.
pub fn give<P: Platform, M: Memory<P> + ?Sized>(memory: &M, grant: &Grant<P>, holder: u64) {
    section::exclusively(memory, |_| grant.holder.write(&GRANT_WRITE, holder));
}

/// Takes `grant` away from `holder`, if it still is its. As [`give`].
pub fn revoke<P: Platform, M: Memory<P> + ?Sized>(memory: &M, grant: &Grant<P>, holder: u64) {
    section::exclusively(memory, |_| {
        if grant.holder.read(&GRANT_READ) == holder {
            grant.holder.write(&GRANT_WRITE, NOBODY);
        }
    });
}
