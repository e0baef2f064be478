//! What is done under the writers' lock.

use crate::layout::Header;
use crate::protocol::account;
use crate::protocol::bells::answer_reader;
use crate::protocol::lock;
use crate::protocol::memory::Memory;
use weakest_facade::Platform;

/// Runs `section` with the writers' lock held, after whatever a dead holder left was put right; and rings for the reader if
/// it asked for it meanwhile. `section` must not block or come here again; should it panic, the process ends.
#[inline(always)]
pub fn exclusively<P: Platform, M: Memory<P> + ?Sized, R>(memory: &M, section: impl FnOnce(&Header<P>) -> R) -> R {
    let header = memory.header();
    let result = P::unbroken(|| {
        // SAFETY: the borrow of `memory` keeps the header mapped beyond the release below, which comes: nothing unwinds from here to
        // there. Nothing inside a section calls out of the protocol, so that none nests.
        let held = unsafe { lock::acquire::<P, M>(memory) };
        if held.was_left_by_the_dead() {
            account::settle(memory);
        }
        let result = section(header);
        held.release();
        result
    });
    // Outside, since a waker is somebody else's code. Marked or not: whoever met the mark may have been stopped since.
    answer_reader(memory);
    result
}
