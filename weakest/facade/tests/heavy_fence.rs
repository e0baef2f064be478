//! That the heavy fence reaches a thread that runs on a processor where another of its process has just ended, which one of
//! `membarrier(2)`'s commands does not do: see `examples/membarrier.rs`.
//!
//! The store-buffer litmus test: each of two threads stores, passes its half of the fence, and looks for the other's store. One of them
//! must find it. It takes two processors; without them it says that it did not run.

use core::hint::spin_loop;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::thread;
use weakest_facade::native::enable_heavy_fences;
use weakest_facade::{Native, Platform, sites};

sites! {
    /// Either half.
    FENCE: Fence SeqCst, "what is tested";
}

/// Alone on its cache line, and on the one that is fetched along with it.
#[repr(align(128))]
#[derive(Default)]
struct Word(AtomicU64);

#[derive(Default)]
struct Litmus {
    /// The round that may begin.
    go: Word,
    /// What the light side has stored before, which keeps its last store waiting in its processor.
    before: [Word; 24],
    light: Word,
    heavy: Word,
    /// What the light side found of the heavy one's, and that it has looked.
    found: Word,
    looked: Word,
    is_here: AtomicBool,
}

const ROUNDS: u64 = 400;

fn until(condition: impl Fn() -> bool) {
    while !condition() {
        spin_loop();
    }
}

fn take(processor: usize) {
    let mut set = CpuSet::new();
    set.set(processor);
    sched_setaffinity(None, &set).expect("a processor that this program may use");
}

impl Litmus {
    fn light_side(&self) {
        self.is_here.store(true, Ordering::Relaxed);
        for round in 1..=ROUNDS {
            until(|| self.go.0.load(Ordering::Acquire) == round);
            self.before.iter().for_each(|word| word.0.store(round, Ordering::Relaxed));
            self.light.0.store(round, Ordering::Relaxed);
            Native::light_fence(&FENCE);
            self.found.0.store(self.heavy.0.load(Ordering::Relaxed), Ordering::Relaxed);
            self.looked.0.store(round, Ordering::Release);
        }
    }

    /// In how many rounds neither side found the other's store.
    fn heavy_side(&self) -> usize {
        let round = |round: u64| {
            self.before.iter().for_each(|word| word.0.store(0, Ordering::Relaxed));
            self.go.0.store(round, Ordering::Release);
            (0..round % 64).for_each(|_| spin_loop());
            self.heavy.0.store(round, Ordering::Relaxed);
            Native::heavy_fence(&FENCE);
            let found = self.light.0.load(Ordering::Relaxed) == round;
            until(|| self.looked.0.load(Ordering::Acquire) == round);
            found || self.found.0.load(Ordering::Relaxed) == round
        };
        (1..=ROUNDS).filter(|&number| !round(number)).count()
    }
}

#[test]
fn it_reaches_who_runs_where_another_has_just_ended() {
    let all = sched_getaffinity(None).expect("this thread's processors");
    let mut processors = (0..CpuSet::MAX_CPU).filter(|&processor| all.is_set(processor));
    let (Some(here), Some(there)) = (processors.next(), processors.next()) else {
        println!("NOT RUN: it takes two processors");
        return;
    };
    enable_heavy_fences().expect("membarrier(2)");
    take(here);
    for _ in 0..50 {
        let litmus = Litmus::default();
        let missed = thread::scope(|scope| {
            // Ends while the other waits for its turn on the same processor.
            let first = scope.spawn(|| {
                take(there);
                until(|| litmus.is_here.load(Ordering::Relaxed));
            });
            scope.spawn(|| {
                take(there);
                litmus.light_side();
            });
            until(|| first.is_finished());
            litmus.heavy_side()
        });
        assert_eq!(missed, 0, "in so many of {ROUNDS} rounds neither found the other's store");
    }
}
