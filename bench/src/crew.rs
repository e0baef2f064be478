//! Running writers beside the reader: in threads, or in forked processes.

use crate::gate::Gate;
use crate::peer::{Between, Seed};
use anyhow::{Result, ensure};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// Runs `write(i, writer)` for each seed, beside `read`, and returns what `read` returned once all have ended.
///
/// # Errors
/// If a writer could not grow, or panicked.
pub fn run<W, T>(
    between: Between,
    gate: &Gate,
    seeds: Vec<Seed<W>>,
    write: impl Fn(usize, W) + Sync,
    read: impl FnOnce() -> T,
) -> Result<T> {
    let body = |i: usize, seed: Seed<W>| {
        let outcome = catch_unwind(AssertUnwindSafe(|| seed().map(|writer| write(i, writer))));
        if let Ok(Err(error)) = &outcome {
            eprintln!("a writer could not be made: {error:#}");
        }
        if !matches!(outcome, Ok(Ok(()))) {
            gate.fail();
        }
    };
    let result = match between {
        Between::Threads => thread::scope(|scope| {
            for (i, seed) in seeds.into_iter().enumerate() {
                let body = &body;
                scope.spawn(move || body(i, seed));
            }
            read()
        }),
        Between::Processes => {
            let children: Vec<Pid> = seeds.into_iter().enumerate().map(|(i, seed)| fork(|| body(i, seed))).collect();
            let result = read();
            for child in children {
                waitpid(Some(child), WaitOptions::empty())?;
            }
            result
        }
    };
    ensure!(!gate.failed(), "a writer failed");
    Ok(result)
}

/// Runs `body` in a child, and ends the child there.
fn fork(body: impl FnOnce()) -> Pid {
    // SAFETY: no other thread of this program runs now (measurements are one after the other and join their threads) but the
    // ring's own, asleep until a writer's process connects or ends, so the child finds every lock of the C library free.
    match unsafe { libc::fork() } {
        0 => {
            body();
            // SAFETY: leaves without running destructors that belong to the parent.
            unsafe { libc::_exit(0) }
        }
        child => Pid::from_raw(child).expect("fork"),
    }
}
