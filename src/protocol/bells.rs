//! The reader's wish for a bell, and granting it.
//!
//! ```text
//! interest = the wish's number | the bells that are still to be rung for it
//! ```
//!
//! Whoever gives the lock up looks for a wish. It rings first, and takes the wish back then, if it is still the same one: a writer that
//! is stopped on the way leaves the wish to whoever publishes next, and one that goes on after a long time takes none that it has not
//! rung for. So a bell may be rung twice for one wish; never not at all.

use crate::protocol::memory::{Memory, bell};
use crate::protocol::sites::{INTEREST_LOOK, INTEREST_TAKE};
use weakest_facade::{Atomic, Platform};

/// Rings whatever the reader wants rung.
#[inline(always)]
pub(super) fn answer_reader<P: Platform, M: Memory<P> + ?Sized>(memory: &M) {
    let wish = memory.header().reader.0.interest.load(&INTEREST_LOOK);
    if wish & bell::ALL != 0 {
        grant(memory, wish);
    }
}

#[cold]
fn grant<P: Platform, M: Memory<P> + ?Sized>(memory: &M, wish: u64) {
    memory.ring_bell((wish & bell::ALL) as u32);
    // Where it fails there is a new one.
    let _ = memory.header().reader.0.interest.compare_exchange(&INTEREST_TAKE, wish, wish & !bell::ALL);
}
