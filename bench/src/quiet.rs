//! Whether others use the machine: what all its processors did, less what this program and its launches did.
//!
//! Load averages do not tell: they count this program too, and lag by minutes.

use anyhow::{Context, Result};
use core::mem::MaybeUninit;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How much others may use, in processors, for the machine to count as quiet.
pub const LIMIT: f64 = 0.1;

/// A stretch of time that began when this was made.
pub struct Watch {
    since: Instant,
    all: f64,
    own: f64,
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    /// If the kernel does not say what its processors do.
    pub fn new() -> Result<Self> {
        Ok(Watch { since: Instant::now(), all: all()?, own: own() })
    }

    /// How many processors' worth of time others have used since. Children count as this program once they were waited for.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn others(&self) -> Result<f64> {
        let used = (all()? - self.all) - (own() - self.own);
        Ok((used / self.since.elapsed().as_secs_f64()).max(0.0))
    }
}

/// What others use now, while this program does nothing for a second.
///
/// # Errors
/// As for [`Watch::new`].
pub fn others_now() -> Result<f64> {
    let watch = Watch::new()?;
    sleep(Duration::from_secs(1));
    watch.others()
}

/// The seconds that all processors were busy, what the hypervisor took included.
fn all() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/stat").context("/proc/stat")?;
    let ticks = busy_ticks(&text).context("/proc/stat has no line `cpu` of figures")?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// user + nice + system + irq + softirq + steal.
fn busy_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let figures: Vec<u64> = line.split_whitespace().map_while(|figure| figure.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6, 7].map(|i| figures.get(i).copied());
    let total = figures.iter().sum::<u64>();
    // Some sandboxes show zeros, which say nothing.
    (total > 0).then(|| busy.into_iter().sum::<Option<u64>>())?
}

/// The seconds of processor time of this program and of the children that it has waited for.
fn own() -> f64 {
    [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN].into_iter().map(used_by).sum()
}

fn used_by(who: libc::c_int) -> f64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a `rusage`, of which zeros are a value.
    let usage = unsafe {
        libc::getrusage(who, usage.as_mut_ptr());
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_ticks_do_not_count_and_stolen_ones_do() {
        assert_eq!(busy_ticks("cpu  1 2 4 1000 1000 8 16 32 64 0\ncpu0 9 9 9"), Some(63));
    }

    #[test]
    fn what_says_nothing_is_not_taken_for_quiet() {
        for text in ["", "cpu", "cpu  1 2 3\n", "cpu  0 0 0 0 0 0 0 0 0 0\n"] {
            assert_eq!(busy_ticks(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_child_that_was_waited_for_is_no_stranger() {
        let before = own();
        let spin = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
        assert!(std::process::Command::new("sh").args(["-c", spin]).status().expect("a shell").success());
        assert!(own() > before + 0.005);
    }
}
