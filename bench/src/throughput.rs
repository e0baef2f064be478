//! One measurement of throughput: warmed up, from the opening of the gate to the last message read.

use crate::cores;
use crate::crew;
use crate::gate::{Gate, Idle};
use crate::peer::{BATCH, Peer, Reader, Shape, Waiting, Writer};
use anyhow::{Result, bail, ensure};
use core::hint::black_box;
use std::time::Instant;

/// The time from start to end, over `messages` messages, in ns per message.
///
/// # Errors
/// If the transport cannot be made, or loses or changes what it carries.
pub fn measure<P: Peer>(shape: &Shape, messages: usize) -> Result<f64> {
    let per_writer = messages.div_ceil(shape.writers).next_multiple_of(BATCH);
    // 1.3 laps, so that every page has been touched before the clock runs.
    let laps = if P::WARMS_UP { shape.capacity.max(shape.slots() * shape.payload) * 13 / 10 } else { 0 };
    let warm = (laps / (shape.payload + 16) / shape.writers + 1).next_multiple_of(BATCH);
    let total = per_writer * shape.writers;

    let gate = Gate::new()?;
    let (seeds, mut reader) = P::open(shape)?;
    let message: Vec<u8> = (0..shape.payload).map(|i| (i * 31 % 251) as u8).collect();
    cores::take(0, shape.writers + 1);
    let (sum, elapsed) = crew::run(
        shape.between,
        &gate,
        seeds,
        |i, mut writer| {
            cores::take(i + 1, shape.writers + 1);
            send(&mut writer, &message, warm, shape.batched, &gate);
            gate.pass();
            send(&mut writer, &message, per_writer, shape.batched, &gate);
        },
        || {
            let warm_sum = receive(&mut reader, warm * shape.writers, shape.waiting, &gate);
            gate.open();
            let start = Instant::now();
            let sum = receive(&mut reader, total, shape.waiting, &gate);
            (warm_sum.wrapping_add(sum), start.elapsed())
        },
    )?;
    let expected = sum_words(&message).wrapping_mul((total + warm * shape.writers) as u64);
    ensure!(sum == expected, "what arrived is not what was sent");
    if elapsed.is_zero() {
        bail!("too few messages to time");
    }
    Ok(elapsed.as_nanos() as f64 / total as f64)
}

/// Sends `count` copies of `message`, a multiple of [`BATCH`], trying again where there is no room.
fn send(writer: &mut impl Writer, message: &[u8], count: usize, batched: bool, gate: &Gate) {
    let batch = [message; BATCH];
    let mut idle = Idle::default();
    let mut left = count;
    while left > 0 {
        let sent = if batched {
            // The next messages up to the end of the batch at hand, so that a prefix is followed by its rest.
            let rest = (left - 1) % BATCH + 1;
            writer.write_batch(black_box(&batch[..rest]))
        } else {
            usize::from(writer.write(black_box(message)))
        };
        left -= sent;
        if sent > 0 {
            idle.reset();
        } else if gate.failed() {
            return;
        } else {
            idle.pause();
        }
    }
}

/// Reads `count` messages and returns the sum of all their words.
fn receive(reader: &mut impl Reader, count: usize, waiting: Waiting, gate: &Gate) -> u64 {
    let mut sum = 0u64;
    let mut visit = |message: &[u8]| sum = sum.wrapping_add(sum_words(message));
    let mut idle = Idle::default();
    let mut left = count;
    while left > 0 {
        let got = match waiting {
            Waiting::Polling => reader.drain(&mut visit),
            Waiting::Blocking => reader.drain_blocking(&mut visit),
        };
        left -= got;
        if got > 0 {
            idle.reset();
        } else if gate.failed() {
            break;
        }
        // A reader that finds little leaves the writers alone for a moment.
        if got < BATCH && waiting == Waiting::Polling {
            idle.pause();
        }
    }
    sum
}

/// What the reader does with a message: every word of it is looked at.
#[inline(always)]
fn sum_words(message: &[u8]) -> u64 {
    let words = message.chunks_exact(8);
    words.fold(0, |sum, word| sum.wrapping_add(u64::from_ne_bytes(word.try_into().expect("eight bytes"))))
}
