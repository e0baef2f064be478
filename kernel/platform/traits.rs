//! The facade's traits (`weakest/facade/src/platform.rs`), without what a program has no use for: whatever sleeps, wakes, dies, or
//! goes by a clock.

use crate::Site;

/// An atomic of the facade.
pub trait Atomic<T>: Send + Sync {
    fn new(label: &'static str, value: T) -> Self;
    fn load(&self, site: &'static Site) -> T;
    fn store(&self, site: &'static Site, value: T);
    fn swap(&self, site: &'static Site, value: T) -> T;
    fn fetch_add(&self, site: &'static Site, value: T) -> T;
    fn compare_exchange(&self, site: &'static Site, current: T, new: T) -> Result<T, T>;
}

/// A word of plain data.
pub trait Cell: Send + Sync {
    fn new(label: &'static str, index: usize, value: u64) -> Self;
    fn read(&self, site: &'static Site) -> u64;
    fn write(&self, site: &'static Site, value: u64);
}

/// The machine.
pub trait Platform: Sized + Send + Sync + 'static {
    type AtomicU32: Atomic<u32> + 'static;
    type AtomicU64: Atomic<u64> + 'static;
    type Cell: Cell + 'static;
    const PATIENCE: u32;
    fn spin();
    fn death_fence();
}
