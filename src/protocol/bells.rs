//! Granting the reader's wish for a bell.

use crate::protocol::memory::Memory;
use crate::protocol::sites::{INTEREST_LOOK, INTEREST_TAKE};
use weakest_facade::{Atomic, Platform};

/// Rings whatever the reader that marked the lock word wanted rung.
#[cold]
pub(super) fn answer_reader<P: Platform, M: Memory<P> + ?Sized>(memory: &M) {
    let interest = &memory.header().reader.0.interest;
    if interest.load(&INTEREST_LOOK) != 0 {
        let wanted = interest.swap(&INTEREST_TAKE, 0);
        if wanted != 0 {
            memory.ring_bell(wanted);
        }
    }
}
