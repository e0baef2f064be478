//! What is done under the writers' lock.

use crate::layout::Header;
use crate::protocol::account;
use crate::protocol::bells::answer_reader;
use crate::protocol::lock::{self, Released};
use crate::protocol::memory::Memory;
use weakest_facade::Platform;

/// Runs `section` with the writers' lock held, after whatever a dead holder left was put right; and rings for the reader if
/// it asked for it meanwhile. `section` must not block, panic, or come here again.
#[inline(always)]
pub fn exclusively<P: Platform, M: Memory<P> + ?Sized, R>(memory: &M, section: impl FnOnce(&Header<P>) -> R) -> R {
    let header = memory.header();
    // SAFETY: the borrow of `memory` keeps the header mapped beyond the release below; sections neither panic nor nest, since
    // nothing inside one calls out of the protocol.
    let held = unsafe { lock::acquire::<P, M>(memory) };
    if held.was_left_by_the_dead() {
        account::settle(memory);
    }
    let result = section(header);
    if held.release() == Released::Marked {
        answer_reader(memory);
    }
    result
}
