//! The heavy half of asymmetric fences: `membarrier(2)`.

use rustix::thread::{MembarrierCommand, membarrier};
use std::io;

/// Registers this process for [`Platform::heavy_fence`](crate::Platform::heavy_fence). Any number of times.
///
/// # Errors
/// On kernels before 4.14, or where a filter forbids `membarrier(2)`.
pub fn enable_heavy_fences() -> io::Result<()> {
    Ok(membarrier(MembarrierCommand::RegisterPrivateExpedited)?)
}

pub(super) fn heavy() {
    membarrier(MembarrierCommand::PrivateExpedited).expect("enable_heavy_fences was called and succeeded");
}
