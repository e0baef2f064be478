//! How long a test waits for what happens soon, at some moment that nothing tells of.

use std::thread;
use std::time::{Duration, Instant};

/// Far beyond any scheduling delay: what takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until there is a result.
///
/// # Panics
/// With what `look` says instead, if it says so for too long.
pub fn until<T>(mut look: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match look() {
            Ok(result) => return result,
            Err(why) => assert!(begun.elapsed() < PATIENCE, "for a minute: {why}"),
        }
        thread::yield_now();
    }
}
