//! How the ring's cost grows: with writers, with the ring's size, with endpoints.
//!
//! Each round measures every point of a curve once, so what disturbs the machine for longer than a point disturbs the whole
//! round; what is reported beside the time is the median of the rounds' ratios to the curve's first point.

use crate::cores;
use crate::paired::{Effort, quantile};
use crate::peer::{Shape, Waiting};
use crate::peers::ring::Ring;
use crate::throughput;
use anyhow::{Context, Result};
use core::hint::black_box;
use core::ops::ControlFlow;
use iobring::{Iob, RingBuffer};
use std::time::Instant;

/// The size of every message, in bytes.
const PAYLOAD: usize = 64;

/// A curve.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What grows.
    pub axis: &'static str,
    /// How messages are written.
    pub mode: &'static str,
    /// The points, in the order of what grows.
    pub points: Vec<Point>,
    /// The median of the rounds' ratios of the first point, measured once more at the end of the round, to itself.
    pub itself: f64,
}

/// One point of a curve.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// How many writers or endpoints; or the ring's size in bytes.
    pub x: usize,
    /// The median time per message in ns.
    pub ns: f64,
    /// The median of the rounds' ratios to the first point.
    pub over_first: f64,
    /// What one endpoint takes of the process's memory, in bytes, where that was measured.
    pub bytes_each: Option<f64>,
}

/// Measures every curve.
///
/// # Errors
/// If the ring cannot be made, or loses or changes what it carries.
pub fn measure(effort: Effort) -> Result<Vec<Curve>> {
    const WRITERS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
    const SIZES: [usize; 6] = [64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20];
    const ENDPOINTS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
    let mut curves = Vec::new();
    for (mode, batched) in [("single", false), ("batched", true)] {
        let with = |writers| Shape { batched, ..Shape::new(PAYLOAD, writers) };
        curves.push(curve("writers", mode, &WRITERS, effort, |writers| through(&with(writers), effort))?);
        let of = |capacity| Shape { batched, capacity, ..Shape::new(PAYLOAD, 1) };
        curves.push(curve("bytes of the ring", mode, &SIZES, effort, |capacity| through(&of(capacity), effort))?);
    }
    // Readers that sleep let the processor go to writers, one of which may have lost it with the lock held.
    let asleep = |writers| Shape { waiting: Waiting::Blocking, ..Shape::new(PAYLOAD, writers) };
    curves.push(curve("writers", "blocking", &WRITERS, effort, |writers| through(&asleep(writers), effort))?);
    curves.push(curve("endpoints", "single", &ENDPOINTS, effort, |count| round_robin(count, effort))?);
    Ok(curves)
}

/// Time per message in ns; bytes per endpoint.
type Measured = (f64, Option<f64>);

fn curve(
    axis: &'static str,
    mode: &'static str,
    xs: &[usize],
    effort: Effort,
    measure: impl Fn(usize) -> Result<Measured>,
) -> Result<Curve> {
    let mut rounds: Vec<Vec<Measured>> = Vec::new();
    for _ in 0..effort.rounds {
        let round = xs.iter().chain(xs.first()).map(|&x| measure(x).with_context(|| format!("{axis}: {x}, {mode}")));
        rounds.push(round.collect::<Result<_>>()?);
    }
    let median = |of: &dyn Fn(&[Measured]) -> f64| quantile(&mut rounds.iter().map(|r| of(r)).collect::<Vec<_>>(), 0.5);
    let points = xs.iter().enumerate().map(|(i, &x)| Point {
        x,
        ns: median(&|round| round[i].0),
        over_first: median(&|round| round[i].0 / round[0].0),
        bytes_each: rounds[0][i].1.map(|_| median(&|round| round[i].1.unwrap_or(f64::NAN))),
    });
    let itself = median(&|round| round[xs.len()].0 / round[0].0);
    Ok(Curve { axis, mode, points: points.collect(), itself })
}

fn through(shape: &Shape, effort: Effort) -> Result<Measured> {
    let first = throughput::measure::<Ring>(shape, 2_000)?;
    let messages = (effort.slice.as_nanos() as f64 / first) as usize;
    Ok((throughput::measure::<Ring>(shape, messages.clamp(2_000, 10_000_000))?, None))
}

/// One thread writes through `count` endpoints in turn and reads every so often.
fn round_robin(count: usize, effort: Effort) -> Result<Measured> {
    cores::take(0, 1);
    let mut reader = RingBuffer::try_create(1 << 20)?;
    let before = allocated();
    let writers: Vec<(Iob, Iob)> = (0..count as u64).map(|tag| reader.new_iob_writer(tag)).collect::<Result<_, _>>()?;
    let bytes_each = (allocated() - before) / count as f64;
    let message = [7; PAYLOAD];
    let mut lap = |laps: usize| -> Result<f64> {
        let start = Instant::now();
        let mut unread = 0;
        for _ in 0..laps {
            for (writer, _) in &writers {
                writer.write(Default::default(), 0, black_box(&message))?;
                unread += 1;
                if unread == 1_000 {
                    unread = 0;
                    reader.drain(|record| {
                        black_box(record.tag());
                        ControlFlow::Continue(())
                    })?;
                }
            }
        }
        reader.drain(|_| ControlFlow::Continue(()))?;
        Ok(start.elapsed().as_nanos() as f64 / (laps * count) as f64)
    };
    let laps = |ns: f64| ((effort.slice.as_nanos() as f64 / ns) as usize / count).max(1);
    // The first laps warm the ring up and tell how many there are to be.
    let first = lap(40_000_usize.div_ceil(count))?;
    Ok((lap(laps(first))?, Some(bytes_each)))
}

/// How many bytes this process has from the C library's allocator.
fn allocated() -> f64 {
    // SAFETY: it only counts.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as f64
}
