//! Whom `membarrier(2)` reaches: how many of 1,000 barriers interrupted the processor on which another thread of this program runs,
//! before and right after a third thread has ended there.
//!
//! Linux 6.18 prints 0 for the global expedited command in the second line, which is why the heavy fence is not made of it. It takes two
//! processors that do nothing else.

use core::hint::spin_loop;
use rustix::thread::{CpuSet, MembarrierCommand, membarrier, sched_setaffinity};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

/// Where the threads run that are to be reached.
const THERE: usize = 1;

fn take(processor: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(processor);
    Ok(sched_setaffinity(None, &set)?)
}

/// How often other processors have called that one.
fn interrupts() -> io::Result<u64> {
    let table = fs::read_to_string("/proc/interrupts")?;
    let calls = table.lines().find(|line| line.trim_start().starts_with("CAL:"));
    let there = calls.and_then(|line| line.split_whitespace().nth(1 + THERE)?.parse().ok());
    there
        .ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, "no calls of a second processor in /proc/interrupts"))
}

fn reached(command: MembarrierCommand) -> io::Result<u64> {
    let before = interrupts()?;
    for _ in 0..1000 {
        membarrier(command)?;
    }
    Ok(interrupts()? - before)
}

fn report(when: &str) -> io::Result<()> {
    // The global one first: what it misses lasts until another process has run there.
    let global = reached(MembarrierCommand::GlobalExpedited)?;
    let private = reached(MembarrierCommand::PrivateExpedited)?;
    println!("{when}: global expedited {global}, private expedited {private} of 1000");
    Ok(())
}

fn main() -> io::Result<()> {
    membarrier(MembarrierCommand::RegisterGlobalExpedited)?;
    membarrier(MembarrierCommand::RegisterPrivateExpedited)?;
    take(0)?;
    let (ended, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let begun = Instant::now();
            let placed = take(THERE);
            while placed.is_ok() && begun.elapsed() < Duration::from_millis(100) {
                spin_loop();
            }
            ended.store(true, Ordering::Relaxed);
        });
        scope.spawn(|| {
            let placed = take(THERE);
            while placed.is_ok() && !stop.load(Ordering::Relaxed) {
                spin_loop();
            }
        });
        thread::sleep(Duration::from_millis(50));
        let reports = report("before a thread ends there").and_then(|()| {
            while !ended.load(Ordering::Relaxed) {
                spin_loop();
            }
            thread::sleep(Duration::from_millis(1));
            report("after")
        });
        stop.store(true, Ordering::Relaxed);
        reports
    })
}
