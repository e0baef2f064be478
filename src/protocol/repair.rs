//! The way out of a damaged ring: give everything in it up and go on from a sound header.

use crate::layout::{ALIGNMENT, MAX_MESSAGE_SIZE};
use crate::protocol::memory::Memory;
use crate::protocol::sites::{GUESS_WRITE, HEAD_PUBLISH, HEAD_READ, TAIL_READ, TAIL_RELEASE};
use crate::protocol::{room, section};
use weakest_facade::{Atomic, Cell, Platform};

/// Empties the ring and makes its indices sound again. Returns how many bytes were given up: what lay between `tail` and
/// `head`, at most the capacity. For the one reader only; writers go on as soon as it returns.
pub fn resynchronise<P: Platform, M: Memory<P> + ?Sized>(memory: &M) -> u64 {
    resynchronise_with(memory, || {})
}

/// As [`resynchronise`], and calls `emptied` before the writers go on. It must not block, nor panic.
pub fn resynchronise_with<P: Platform, M: Memory<P> + ?Sized>(memory: &M, emptied: impl FnOnce()) -> u64 {
    let (head, tail) = section::exclusively(memory, |header| {
        let indices = &header.indices.0;
        let (head, tail) = (indices.head.load(&HEAD_READ), indices.tail.load(&TAIL_READ));
        let sound = match head.checked_next_multiple_of(ALIGNMENT as u64) {
            Some(aligned) if u64::MAX - aligned >= MAX_MESSAGE_SIZE as u64 => aligned,
            // A head so near the end of the index range that no record fits any more can only be a scribble.
            _ => 0,
        };
        if let Some(ledger) = memory.ledger() {
            // Its head may come again.
            ledger.journal.strike();
        }
        indices.head.store(&HEAD_PUBLISH, sound);
        indices.tail.store(&TAIL_RELEASE, sound);
        // Also the writers' own notes may have been scribbled over. The lap comes first: beside a head that is right, an old one
        // could pass for a lap, should this thread die in between.
        header.writers.0.lap.write(&GUESS_WRITE, sound - sound % memory.capacity());
        P::death_fence();
        header.writers.0.head.write(&GUESS_WRITE, sound);
        // The ring is empty: whoever had room set aside finds it, and is told to look. If it was closed, it stays so.
        room::set_aside(header, 0);
        emptied();
        (head, tail)
    });
    room::tell_anyway(memory);
    head.saturating_sub(tail).min(memory.capacity())
}
