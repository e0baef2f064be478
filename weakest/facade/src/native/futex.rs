//! Futex system calls, shared between processes.

use crate::Wait;
use core::num::NonZeroU32;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec, WakeOp, WakeOpCmp};
use rustix::time::{ClockId, clock_gettime};

/// The bits of a robust lock word that name its owner's thread id (`FUTEX_TID_MASK`).
pub const OWNER: u32 = 0x3fff_ffff;
/// Set in a robust lock word while somebody may be asleep on it (`FUTEX_WAITERS`).
pub const WAITERS: u32 = 0x8000_0000;
/// Set by the kernel in a robust lock word whose owner died (`FUTEX_OWNER_DIED`).
pub const OWNER_DIED: u32 = 0x4000_0000;

/// By the clock that [`wait`] goes by.
pub(super) fn now() -> Duration {
    // It counts from the machine's start.
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}

/// `FUTEX_WAIT_BITSET`, whose time is a moment and no duration, so that whoever looks again loses none.
pub(super) fn wait(word: &AtomicU32, expected: u32, deadline: Option<Duration>) -> Wait {
    // A moment too far for the kernel's type never comes.
    let deadline = deadline.and_then(|t| Timespec::try_from(t).ok());
    match futex::wait_bitset(word, Flags::empty(), expected, deadline.as_ref(), NonZeroU32::MAX) {
        Err(Errno::AGAIN) => Wait::Changed,
        Err(Errno::TIMEDOUT) => Wait::TimedOut,
        // EINTR and a plain wake-up are the same to the caller: look again.
        _ => Wait::Woken,
    }
}

pub(super) fn wake(word: &AtomicU32, count: u32) -> u32 {
    // The kernel's count is signed, and of a negative one it makes 1.
    let count = count.min(i32::MAX as u32);
    // The only error is an unmapped or misaligned word, which a reference cannot be.
    futex::wake(word, Flags::empty(), count).map_or(0, |n| n as u32)
}

pub(super) fn store_and_wake_all(word: &AtomicU32, value: u32) -> u32 {
    // The kernel's operand is 12 bits, sign-extended; every caller stores a small constant.
    debug_assert!(value < 1 << 11, "{value:#x} does not fit FUTEX_WAKE_OP's 12-bit operand");
    futex::wake_op(word, Flags::empty(), i32::MAX as u32, 0, word, WakeOp::Set, WakeOpCmp::Eq, value as u16, 0)
        .map_or_else(|_| swap_and_wake_all(word, value), |n| n as u32)
}

/// Where the one call is refused (a filter, an emulator): in two steps. A death between them leaves the sleepers to the
/// kernel's clean-up, which wakes one of them.
#[cold]
fn swap_and_wake_all(word: &AtomicU32, value: u32) -> u32 {
    word.swap(value, Ordering::Relaxed);
    wake(word, i32::MAX as u32)
}

#[cfg(test)]
mod tests {
    use super::{AtomicU32, Flags, futex, wait, wake};
    use std::thread;

    #[test]
    fn everybody_is_woken_who_sleeps() {
        const SLEEPERS: usize = 3;
        static BEDS: [AtomicU32; 2] = [AtomicU32::new(0), AtomicU32::new(0)];
        (0..SLEEPERS).for_each(|_| drop(thread::spawn(|| wait(&BEDS[0], 0, None))));
        // Who sleeps is carried over, and counted.
        let mut asleep = 0;
        while asleep < SLEEPERS {
            asleep += futex::requeue(&BEDS[0], Flags::empty(), 0, i32::MAX as u32, &BEDS[1]).expect("two words");
            thread::yield_now();
        }
        assert_eq!(wake(&BEDS[1], u32::MAX) as usize, SLEEPERS);
    }
}
