//! io_uring's pair of queues, as an application and the kernel share them, in miniature: the submission queue with `SQ_NEED_WAKEUP`.
//!
//! J. Axboe, *Efficient IO with io_uring*, 2019, and `io_uring(7)`, `io_uring_enter(2)`: the application fills an entry, publishes the
//! tail with a release store, and, if the kernel polls (`IORING_SETUP_SQPOLL`), looks whether `IORING_SQ_NEED_WAKEUP` is set; between the two
//! it needs a full fence (liburing's `io_uring_smp_mb`, added in 2020 for that). The kernel's thread sets the flag, looks at the tail once
//! more after a fence of its own, and only then sleeps. Completions go the other way by acquire and release alone.
//!
//! Assumed here: one entry at a time in each queue; what `io_uring_enter` does to a sleeping thread is a futex wake.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// The application's entry.
    SQE_FILL: Write, "plain data";
    /// The submission queue's tail.
    SQ_TAIL_STORE: Store Release, pairs with [SQ_TAIL_LOAD], "the entry is there before it is counted";
    /// Between the tail and the look at the flag.
    SUBMIT_FENCE: Fence SeqCst, pairs with [SLEEP_FENCE], "either the application sees the flag or the kernel sees the tail";
    /// Whether the kernel's thread sleeps.
    FLAGS_LOAD: Load Relaxed, "ordered by SUBMIT_FENCE";
    /// `io_uring_enter`: no longer asleep.
    WAKE_SET: Rmw Relaxed, "orders nothing";
    /// The kernel's thread runs again.
    WAKE: Wake, "orders nothing";
    /// The kernel's look at the tail.
    SQ_TAIL_LOAD: Load Acquire, pairs with [SQ_TAIL_STORE], "as SQ_TAIL_STORE";
    /// The flag.
    FLAGS_SET: Store Relaxed, "ordered by SLEEP_FENCE";
    /// Between the flag and the last look at the tail.
    SLEEP_FENCE: Fence SeqCst, pairs with [SUBMIT_FENCE], "as SUBMIT_FENCE";
    /// The kernel's thread sleeps.
    SLEEP: Wait, "orders nothing";
    /// The entry, read.
    SQE_TAKE: Read, "plain data";
    /// The completion.
    CQE_FILL: Write, "plain data";
    /// The completion queue's tail.
    CQ_TAIL_STORE: Store Release, pairs with [CQ_TAIL_LOAD], "the completion is there before it is counted";
    /// The application's look at it.
    CQ_TAIL_LOAD: Load Acquire, pairs with [CQ_TAIL_STORE], "as CQ_TAIL_STORE";
    /// The completion, read.
    CQE_TAKE: Read, "plain data";
}

struct Rings<P: Platform> {
    sq_tail: P::AtomicU32,
    /// 1: `IORING_SQ_NEED_WAKEUP`.
    flags: P::AtomicU32,
    cq_tail: P::AtomicU32,
    sqe: P::Cell,
    cqe: P::Cell,
}

scenario! {
    /// The application submits one entry and waits for its completion; the kernel's thread may be on its way to sleep.
    OneEntry<P> {
        let rings = Arc::new(Rings::<P> {
            sq_tail: P::AtomicU32::new("sq tail", 0),
            flags: P::AtomicU32::new("flags", 0),
            cq_tail: P::AtomicU32::new("cq tail", 0),
            sqe: P::Cell::new("sqe", 0, 0),
            cqe: P::Cell::new("cqe", 0, 0),
        });
        let kernel = rings.clone();
        Program::new()
            .thread("application", move || {
                rings.sqe.write(&SQE_FILL, 7);
                rings.sq_tail.store(&SQ_TAIL_STORE, 1);
                P::fence(&SUBMIT_FENCE);
                if rings.flags.load(&FLAGS_LOAD) != 0 {
                    rings.flags.fetch_and(&WAKE_SET, 0);
                    P::wake(&rings.flags, &WAKE, 1);
                }
                P::retry(|| (rings.cq_tail.load(&CQ_TAIL_LOAD) == 1).then_some(()));
                vec![rings.cqe.read(&CQE_TAKE)]
            })
            .thread("kernel", move || {
                if kernel.sq_tail.load(&SQ_TAIL_LOAD) == 0 {
                    kernel.flags.store(&FLAGS_SET, 1);
                    P::fence(&SLEEP_FENCE);
                    while kernel.sq_tail.load(&SQ_TAIL_LOAD) == 0 {
                        P::wait(&kernel.flags, &SLEEP, 1, None);
                    }
                }
                let entry = kernel.sqe.read(&SQE_TAKE);
                kernel.cqe.write(&CQE_FILL, entry + 1);
                kernel.cq_tail.store(&CQ_TAIL_STORE, 1);
                vec![]
            })
            .finish(|ends| {
                assert_eq!(ends[0].notes(), [8]);
                "completed".into()
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Axboe, Efficient IO with io_uring, 2019; io_uring(7)";
    vec![
        Exhibit::good("io_uring's queues", source, ALL).with(OneEntry),
        Exhibit::weak(
            "io_uring's queues, no fence before the look at NEED_WAKEUP",
            source,
            ALL,
            Fault::Livelock,
            weakened(&SUBMIT_FENCE, Order::Release),
        )
        .with(OneEntry),
    ]
}
