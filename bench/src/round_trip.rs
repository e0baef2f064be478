//! Round trips: a message there and one back, each way through a transport of its own.

use crate::cores;
use crate::gate::Idle;
use crate::peer::{Peer, Reader, Seed, Shape, Waiting, Writer};
use anyhow::{Context, Result, anyhow};
use core::hint::spin_loop;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The size of the messages in bytes.
pub const PAYLOAD: usize = 64;

/// The times of round trips, sorted.
#[derive(Clone, Debug)]
pub struct Distribution(Vec<u64>);

impl Distribution {
    /// The time in ns within which a share `q` of the round trips ended.
    pub fn quantile(&self, q: f64) -> f64 {
        let last = self.0.len() - 1;
        self.0[(q * last as f64).round() as usize] as f64
    }

    /// All of them together.
    pub fn together(all: impl IntoIterator<Item = Self>) -> Self {
        let mut times: Vec<u64> = all.into_iter().flat_map(|one| one.0).collect();
        times.sort_unstable();
        Distribution(times)
    }

    /// Times each of `count` round trips after a few to warm up.
    pub fn of(count: usize, mut trip: impl FnMut()) -> Self {
        (0..count / 10).for_each(|_| trip());
        let mut times = Vec::with_capacity(count);
        let mut before = Instant::now();
        for _ in 0..count {
            trip();
            let now = Instant::now();
            times.push((now - before).as_nanos() as u64);
            before = now;
        }
        times.sort_unstable();
        Distribution(times)
    }

    /// How many round trips [`of`](Self::of) makes for `count`.
    pub fn trips(count: usize) -> usize {
        count + count / 10
    }
}

/// Measures `count` round trips.
///
/// # Errors
/// If a transport cannot be made.
pub fn measure<P: Peer>(waiting: Waiting, count: usize) -> Result<Distribution> {
    let shape = Shape { waiting, ..Shape::new(PAYLOAD, 1) };
    let message = [7; PAYLOAD];
    let (back, mut from_there) = one::<P>(&shape)?;
    let (hand_over, take) = mpsc::channel();
    thread::scope(|scope| {
        // A reader lives in the thread that opened it.
        let there = scope.spawn(move || -> Result<()> {
            cores::take(1, 2);
            let (to_there, mut from_here) = one::<P>(&shape)?;
            hand_over.send(to_there).map_err(|_| anyhow!("nobody to talk to"))?;
            let mut writer = back()?;
            for _ in 0..Distribution::trips(count) {
                receive(&mut from_here, waiting);
                send(&mut writer, &message);
            }
            Ok(())
        });
        cores::take(0, 2);
        let Ok(to_there) = take.recv() else {
            there.join().expect("the other side panicked")?;
            anyhow::bail!("the other side ended");
        };
        let mut writer = to_there()?;
        let times = Distribution::of(count, || {
            send(&mut writer, &message);
            receive(&mut from_there, waiting);
        });
        there.join().expect("the other side panicked")?;
        Ok(times)
    })
}

/// A transport of one writer.
fn one<P: Peer>(shape: &Shape) -> Result<(Seed<P::Writer>, P::Reader)> {
    let (mut seeds, reader) = P::open(shape)?;
    Ok((seeds.pop().context("no writer")?, reader))
}

fn send(writer: &mut impl Writer, message: &[u8]) {
    let mut idle = Idle::default();
    while !writer.write(message) {
        idle.pause();
    }
}

fn receive(reader: &mut impl Reader, waiting: Waiting) {
    let mut visit = |message: &[u8]| assert_eq!(message.len(), PAYLOAD);
    match waiting {
        Waiting::Polling => {
            while reader.drain(&mut visit) == 0 {
                spin_loop();
            }
        }
        Waiting::Blocking => while reader.drain_blocking(&mut visit) == 0 {},
    }
}

/// How many round trips fit a time, by trying some.
pub fn fitting(time: Duration, some: impl FnOnce(usize) -> Result<Distribution>) -> Result<usize> {
    let median = some(200)?.quantile(0.5);
    Ok((time.as_nanos() as f64 / median.max(1.0)) as usize).map(|count: usize| count.clamp(1_000, 1_000_000))
}
