//! The heavy half of asymmetric fences: `membarrier(2)`.
//!
//! Not `MEMBARRIER_CMD_GLOBAL_EXPEDITED`, which would reach the threads of other processes, too: Linux (6.18) forgets on a processor where
//! a thread has ended that the process is registered, and leaves out the next thread of the same process that runs there
//! (`examples/membarrier.rs`). The private command looks whose thread runs, and reaches it; the global one that is not expedited waits
//! until every processor has been through the scheduler.

use core::sync::atomic::{AtomicBool, Ordering, fence};
use core::time::Duration;
use rustix::thread::{MembarrierCommand, MembarrierQuery, membarrier, membarrier_query};
use std::io;

/// Registers this process for [`Platform::heavy_fence`](crate::Platform::heavy_fence). Any number of times; the first takes
/// milliseconds where the process has several threads.
///
/// # Errors
/// On kernels before 4.14, or where a filter forbids `membarrier(2)`.
pub fn enable_heavy_fences() -> io::Result<()> {
    membarrier(MembarrierCommand::RegisterPrivateExpedited)?;
    ACROSS.store(membarrier_query().contains(MembarrierQuery::GLOBAL), Ordering::Relaxed);
    Ok(())
}

/// Whether a [`heavy_fence_across`](crate::Platform::heavy_fence_across) reaches the threads of other processes. Not on kernels that run
/// some processors without a timer (`nohz_full`).
pub fn heavy_fences_reach_across() -> bool {
    ACROSS.load(Ordering::Relaxed)
}

/// Whether a heavy fence of this process was refused ever since [`enable_heavy_fences`] succeeded: a filter may come later. Then the
/// heavy fence that this thread has just passed has waited for two milliseconds instead.
pub fn heavy_fences_are_refused() -> bool {
    // Set by the thread that asks, or else it may as well be set a moment later.
    REFUSED.load(Ordering::Relaxed)
}

/// Never unset.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// What the kernel said last; a fork has it from its parent, as it has the registration.
static ACROSS: AtomicBool = AtomicBool::new(false);

/// By when a store has left the buffer of the processor that made it, whatever that does meanwhile. No architecture promises a
/// time; processors take less than a microsecond, and this is two thousand times as long. (Morrison and Afek, *Temporally bounding TSO
/// for fence-free asymmetric synchronization*, ASPLOS 2015.)
const DRAINED: Duration = Duration::from_millis(2);

pub(super) fn heavy() {
    call(MembarrierCommand::PrivateExpedited);
}

pub(super) fn heavy_across() {
    heavy();
    // Where that was refused, it has waited for everybody.
    if !heavy_fences_are_refused() {
        call(MembarrierCommand::Global);
    }
}

fn call(command: MembarrierCommand) {
    if membarrier(command).is_err() {
        REFUSED.store(true, Ordering::Relaxed);
        // This side's half, at least; and time for the other's.
        fence(Ordering::SeqCst);
        std::thread::sleep(DRAINED);
    }
}
