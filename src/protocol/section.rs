//! What is done under the writers' lock.

use crate::layout::Header;
use crate::protocol::account;
use crate::protocol::bells::answer_reader;
use crate::protocol::lock::{self, Held};
use crate::protocol::memory::Memory;
use core::time::Duration;
use weakest_facade::Platform;

/// Runs `section` with the writers' lock held, after whatever a dead holder left was put right; and rings for the reader if
/// it asked for it meanwhile. `section` must not block or come here again; should it panic, the process ends.
#[inline(always)]
pub fn exclusively<P: Platform, M: Memory<P> + ?Sized, R>(memory: &M, section: impl FnOnce(&Header<P>) -> R) -> R {
    let result = P::unbroken(|| {
        // SAFETY: the borrow of `memory` keeps the header mapped beyond the release in `run`, which comes: nothing unwinds from here to
        // there. Nothing inside a section calls out of the protocol, so that none nests.
        run(unsafe { lock::acquire::<P, M>(memory) }, memory, section)
    });
    // Outside, since a waker is somebody else's code. Marked or not: whoever met the mark may have been stopped since.
    answer_reader(memory);
    result
}

/// As [`exclusively`], whatever [bias](crate::protocol::bias) there is; it has ended then. Whether the lock was to be had so before
/// `deadline`; else `section` did not run.
pub(super) fn exclusively_unbiased<P: Platform, M: Memory<P> + ?Sized>(
    memory: &M,
    deadline: Option<Duration>,
    section: impl FnOnce(&Header<P>),
) -> bool {
    let has_run = P::unbroken(|| {
        // SAFETY: as above.
        let held = unsafe { lock::acquire_unbiased::<P, M>(memory, deadline) };
        held.map(|held| run(held, memory, section)).is_some()
    });
    answer_reader(memory);
    has_run
}

/// What is done with the lock held, up to its release.
#[inline(always)]
fn run<P: Platform, M: Memory<P> + ?Sized, R>(
    held: Held<'_, P, M>,
    memory: &M,
    section: impl FnOnce(&Header<P>) -> R,
) -> R {
    if held.was_left_by_the_dead() {
        account::settle(memory);
    }
    let result = section(memory.header());
    held.release();
    result
}
