//! The heavy half of asymmetric fences: `membarrier(2)`.

use core::sync::atomic::{AtomicBool, Ordering, fence};
use rustix::thread::{MembarrierCommand, membarrier};
use std::io;

/// Registers this process for [`Platform::heavy_fence`](crate::Platform::heavy_fence). Any number of times.
///
/// # Errors
/// On kernels before 4.14, or where a filter forbids `membarrier(2)`.
pub fn enable_heavy_fences() -> io::Result<()> {
    Ok(membarrier(MembarrierCommand::RegisterPrivateExpedited)?)
}

/// Whether a heavy fence of this process was refused ever since [`enable_heavy_fences`] succeeded: a filter may come later. Then the
/// heavy fence that this thread has just passed may have been none, and it has to look again after a while instead of relying on it.
pub fn heavy_fences_are_refused() -> bool {
    // Set by the thread that asks, or else it may as well be set a moment later.
    REFUSED.load(Ordering::Relaxed)
}

/// Never unset.
static REFUSED: AtomicBool = AtomicBool::new(false);

pub(super) fn heavy() {
    if membarrier(MembarrierCommand::PrivateExpedited).is_err() {
        REFUSED.store(true, Ordering::Relaxed);
        // This side's half, at least.
        fence(Ordering::SeqCst);
    }
}
