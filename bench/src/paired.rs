//! Paired rounds: the ring and a peer in turn, so that what disturbs the machine disturbs both.

use crate::contender::Contender;
use crate::peer::Shape;
use crate::round_trip::{Distribution, fitting};
use anyhow::Result;
use core::time::Duration;

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How many pairs per cell.
    pub rounds: usize,
    /// How long one measurement of throughput should take.
    pub slice: Duration,
    /// How long a peer's round trips should take, all rounds together.
    pub trips: Duration,
}

impl Effort {
    /// What a first look needs, or what a figure to be quoted needs.
    pub fn new(quick: bool) -> Self {
        let ms = Duration::from_millis;
        if quick {
            Effort { rounds: 5, slice: ms(8), trips: ms(100) }
        } else {
            Effort { rounds: 15, slice: ms(20), trips: ms(500) }
        }
    }
}

/// What came of one cell. All times in ns per message.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The peer's median.
    pub peer: f64,
    /// The ring's median in the same rounds.
    pub ring: f64,
    /// The median of the rounds' ratios, peer over ring: above 1, the ring is faster.
    pub ratio: f64,
    /// The quartiles of those ratios.
    pub spread: (f64, f64),
}

/// Measures `peer` beside `ring`.
///
/// # Errors
/// If one of the two cannot be measured.
pub fn measure(ring: &dyn Contender, peer: &dyn Contender, shape: &Shape, effort: Effort) -> Result<Cell> {
    let messages = |contender: &dyn Contender| -> Result<usize> {
        let first = contender.throughput(shape, 2_000)?;
        Ok(((effort.slice.as_nanos() as f64 / first) as usize).clamp(1_000, 50_000_000))
    };
    let (ring_messages, peer_messages) = (messages(ring)?, messages(peer)?);
    let (mut rings, mut peers, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..effort.rounds {
        // Who goes first alternates.
        let (of_ring, of_peer) = if round % 2 == 0 {
            let of_ring = ring.throughput(shape, ring_messages)?;
            (of_ring, peer.throughput(shape, peer_messages)?)
        } else {
            let of_peer = peer.throughput(shape, peer_messages)?;
            (ring.throughput(shape, ring_messages)?, of_peer)
        };
        rings.push(of_ring);
        peers.push(of_peer);
        ratios.push(of_peer / of_ring);
    }
    Ok(Cell {
        peer: quantile(&mut peers, 0.5),
        ring: quantile(&mut rings, 0.5),
        ratio: quantile(&mut ratios, 0.5),
        spread: (quantile(&mut ratios, 0.25), quantile(&mut ratios, 0.75)),
    })
}

/// Something that makes so many round trips.
pub type Trips<'a> = &'a dyn Fn(usize) -> Result<Distribution>;

/// Measures the round trips of `peer` beside those of `ring`: the peer's times, and the median of the rounds' ratios of
/// medians, peer over ring.
///
/// # Errors
/// If one of the two cannot be measured.
pub fn trips(ring: Trips<'_>, peer: Trips<'_>, effort: Effort) -> Result<(Distribution, f64)> {
    let each = effort.trips / effort.rounds as u32;
    let (ring_trips, peer_trips) = (fitting(each, ring)?, fitting(each, peer)?);
    let (mut times, mut ratios) = (Vec::new(), Vec::new());
    for round in 0..effort.rounds {
        // Who goes first alternates.
        let (of_ring, of_peer) = if round % 2 == 0 {
            let of_ring = ring(ring_trips)?;
            (of_ring, peer(peer_trips)?)
        } else {
            let of_peer = peer(peer_trips)?;
            (ring(ring_trips)?, of_peer)
        };
        ratios.push(of_peer.quantile(0.5) / of_ring.quantile(0.5));
        times.push(of_peer);
    }
    Ok((Distribution::together(times), quantile(&mut ratios, 0.5)))
}

/// The value below which a share `q` of `values` lies. Sorts them.
pub fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = q * (values.len() - 1) as f64;
    let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
    low + (high - low) * at.fract()
}
