//! What no transport can beat: the round trip of one cache line, and of a bare futex.

use crate::cores;
use crate::round_trip::Distribution;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, Ordering};
use rustix::thread::futex::{Flags, wait, wake};
use std::thread;

/// A turn on a line of its own: even is here, odd is there.
#[repr(align(128))]
struct Turn(AtomicU32);

fn ping_pong(
    count: usize,
    until: impl Fn(&AtomicU32, u32) + Sync,
    pass: impl Fn(&AtomicU32, u32) + Sync,
) -> Distribution {
    let turn = Turn(AtomicU32::new(0));
    let trips = Distribution::trips(count) as u32;
    thread::scope(|scope| {
        scope.spawn(|| {
            cores::take(1, 2);
            for trip in 0..trips {
                until(&turn.0, 2 * trip + 1);
                pass(&turn.0, 2 * trip + 2);
            }
        });
        cores::take(0, 2);
        let mut at = 0;
        Distribution::of(count, || {
            pass(&turn.0, at + 1);
            at += 2;
            until(&turn.0, at);
        })
    })
}

/// One cache line, both sides spinning.
pub fn cache_line(count: usize) -> Distribution {
    let until = |turn: &AtomicU32, at| {
        while turn.load(Ordering::Acquire) != at {
            spin_loop();
        }
    };
    ping_pong(count, until, |turn, at| turn.store(at, Ordering::Release))
}

/// One futex word, both sides asleep while it is not their turn.
pub fn futex(count: usize) -> Distribution {
    let until = |turn: &AtomicU32, at: u32| loop {
        match turn.load(Ordering::Acquire) {
            now if now == at => break,
            // Woken, changed or interrupted: looked at again either way.
            now => drop(wait(turn, Flags::PRIVATE, now, None)),
        }
    };
    ping_pong(count, until, |turn, at| {
        turn.store(at, Ordering::Release);
        wake(turn, Flags::PRIVATE, 1).expect("a futex word");
    })
}
