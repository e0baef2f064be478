//! The end of a ring: nothing more is accepted, and what was accepted can still be read.
//!
//! To close is to set *all* room aside ([`room`](crate::protocol::room)), for ever: writers look at what is set aside anyway, and
//! only one that finds no room asks why. It is one word, changed under the writers' lock, so that whoever is in there publishes
//! before it, and nobody after.
//!
//! | set aside | who may write | the reader |
//! |---|---|---|
//! | some bytes, or none | everybody | waits for more |
//! | [`CLOSING`] | the broker alone, which has records to deliver that were accepted before | waits for more |
//! | [`CLOSED`] | nobody | has the last of `head` |
//!
//! There is no way back.

use crate::layout::{CLOSED, CLOSING, Header, is_end};
use crate::protocol::memory::Memory;
use crate::protocol::sites::{ABANDON, CLOSE, CLOSED_LOOK, RESERVED_READ};
use crate::protocol::{room, section};
use weakest_facade::{Atomic, Platform};

/// From its return nobody publishes anything any more, apart from the broker ([`write_batch_aged`](crate::protocol::write::write_batch_aged)).
pub fn refuse<P: Platform, M: Memory<P> + ?Sized>(memory: &M) {
    set(memory, CLOSING);
}

/// From its return nobody publishes anything any more. Whoever waits for a record is told.
pub fn finish<P: Platform, M: Memory<P> + ?Sized>(memory: &M) {
    set(memory, CLOSED);
}

/// Nobody will read any more: whoever writes from now on is refused; who is about to publish may do so yet, which nobody reads.
/// It does not wait for the lock, which a process that maps the region may hold for ever. Not beside a broker.
pub fn abandon<P: Platform, M: Memory<P> + ?Sized>(memory: &M) {
    memory.header().writers.0.reserved.store(&ABANDON, CLOSED);
}

fn set<P: Platform, M: Memory<P> + ?Sized>(memory: &M, end: u64) {
    section::exclusively(memory, |header| {
        if header.writers.0.reserved.load(&RESERVED_READ) != CLOSED {
            header.writers.0.reserved.store(&CLOSE, end);
        }
    });
    // Whoever waits for room waits in vain.
    room::tell_anyway(memory);
}

/// Whether writers are refused, the broker perhaps not.
pub fn is_closing<P: Platform, M: Memory<P> + ?Sized>(memory: &M) -> bool {
    is_end(look(memory.header()))
}

/// Whether nothing more comes: then `head`, looked at after this, is the last.
pub fn is_closed<P: Platform, M: Memory<P> + ?Sized>(memory: &M) -> bool {
    look(memory.header()) == CLOSED
}

fn look<P: Platform>(header: &Header<P>) -> u64 {
    header.writers.0.reserved.load(&CLOSED_LOOK)
}
