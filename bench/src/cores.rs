//! Which thread runs where: the reader and each writer on a core of its own where there are enough, so that what is measured
//! crosses cores; as the scheduler likes otherwise.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::sync::LazyLock;

/// The cores this program may use, as found at its start.
static CORES: LazyLock<(CpuSet, Vec<usize>)> = LazyLock::new(|| {
    let all = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    (all, (0..CpuSet::MAX_CPU).filter(|&core| all.is_set(core)).collect())
});

/// How many cores there are.
pub fn count() -> usize {
    CORES.1.len()
}

/// Puts the calling thread where the `i`th of `threads` belongs.
pub fn take(i: usize, threads: usize) {
    let (all, cores) = &*CORES;
    let mut set = *all;
    if threads <= cores.len() {
        set = CpuSet::new();
        set.set(cores[i]);
    }
    // A core that was taken away meanwhile is no reason to stop.
    let _ = sched_setaffinity(None, &set);
}
