//! Which cells are measured.

use crate::contender::{self, Contender};
use crate::limits;
use crate::paired::{self, Effort};
use crate::peer::{Between, Shape, Waiting};
use crate::report::{Outcome, Report, RoundTrip, Row};
use crate::round_trip::Distribution;
use crate::scaling;
use indicatif::{ProgressBar, ProgressStyle};

/// The sizes of messages, in bytes.
pub const PAYLOADS: [usize; 6] = [16, 64, 256, 1024, 4096, 60_000];

/// Those that a quick look at processes and at blocking readers is content with.
const QUICK_PAYLOADS: [usize; 2] = [64, 4096];

/// What is to be measured.
pub struct Plan {
    pub payloads: Vec<usize>,
    pub writers: Vec<usize>,
    /// The size of the byte rings.
    pub capacity: usize,
    /// Only peers whose name contains this.
    pub only: String,
    pub rows_only: bool,
    /// Nothing but isolated writers.
    pub isolated: bool,
    pub quick: bool,
    pub effort: Effort,
}

impl Plan {
    /// Measures all of it.
    pub fn run(&self) -> Report {
        let ring = contender::ring();
        let wanted = contender::peers().into_iter().filter(|peer| peer.name().contains(&self.only));
        // First of all beside itself, which tells whether a kind of measurement measures anything.
        let peers: Vec<_> = core::iter::once(contender::ring()).chain(wanted).collect();
        let shapes = self.shapes();
        let bar = ProgressBar::new((shapes.len() * peers.len()) as u64);
        bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}").expect("a template"));
        let mut report = Report { left_out: contender::left_out(), ..Report::default() };
        for shape in &shapes {
            for peer in &peers {
                bar.set_message(format!("{} {} B", peer.name(), shape.payload));
                let outcome = self.cell(&*ring, &**peer, shape);
                report.rows.push(Row { peer: peer.name(), shape: *shape, outcome });
                bar.inc(1);
            }
        }
        if self.isolated || !self.rows_only {
            bar.set_message("isolated writers");
            self.isolated(&mut report.isolated);
        }
        if !self.rows_only {
            bar.set_message("scaling");
            report.scaling = scaling::measure(self.effort).map_err(|error| format!("{error:#}"));
            bar.set_message("round trips");
            for waiting in [Waiting::Polling, Waiting::Blocking] {
                self.round_trips(&*ring, &peers, waiting, &mut report.round_trips);
            }
        }
        bar.finish_and_clear();
        report
    }

    /// Isolated writers in processes of their own and a reader that sleeps, beside themselves and beside one socket that all
    /// writers share, whose reader receives a packet with each call.
    fn isolated(&self, rows: &mut Vec<Row>) {
        const WRITERS: [usize; 2] = [1, 10];
        let ring = contender::isolated();
        let payloads = self.payloads.iter().filter(|payload| !self.quick || QUICK_PAYLOADS.contains(payload));
        for &payload in payloads {
            for writers in WRITERS {
                let (waiting, between) = (Waiting::Blocking, Between::Processes);
                let shape = Shape { waiting, between, capacity: self.capacity, ..Shape::new(payload, writers) };
                for peer in [contender::isolated(), contender::socket()] {
                    rows.push(Row { peer: peer.name(), shape, outcome: self.cell(&*ring, &*peer, &shape) });
                }
            }
        }
    }

    fn shapes(&self) -> Vec<Shape> {
        let mut shapes = Vec::new();
        if self.isolated {
            return shapes;
        }
        for (waiting, between) in [
            (Waiting::Polling, Between::Threads),
            (Waiting::Polling, Between::Processes),
            (Waiting::Blocking, Between::Threads),
        ] {
            let main = (waiting, between) == (Waiting::Polling, Between::Threads);
            if self.rows_only && !main {
                continue;
            }
            let payloads =
                self.payloads.iter().filter(|payload| main || !self.quick || QUICK_PAYLOADS.contains(payload));
            for &writers in &self.writers {
                for batched in [false, true] {
                    let of = |&payload: &usize| Shape {
                        batched,
                        waiting,
                        between,
                        capacity: self.capacity,
                        ..Shape::new(payload, writers)
                    };
                    shapes.extend(payloads.clone().map(of));
                }
            }
        }
        shapes
    }

    fn cell(&self, ring: &dyn Contender, peer: &dyn Contender, shape: &Shape) -> Outcome {
        if let Some(why) = peer.refuses(shape) {
            return Outcome::Refused(why);
        }
        match paired::measure(ring, peer, shape, self.effort) {
            Ok(cell) => Outcome::Measured(cell),
            Err(error) => Outcome::Failed(format!("{error:#}")),
        }
    }

    /// The limit, and every peer, the ring itself first; each beside the ring.
    fn round_trips(
        &self,
        ring: &dyn Contender,
        peers: &[Box<dyn Contender>],
        waiting: Waiting,
        found: &mut Vec<RoundTrip>,
    ) {
        let (limit, name): (fn(usize) -> Distribution, _) = match waiting {
            Waiting::Polling => (limits::cache_line, "cache line"),
            Waiting::Blocking => (limits::futex, "futex"),
        };
        let shape = Shape { waiting, ..Shape::new(crate::round_trip::PAYLOAD, 1) };
        let mut beside = |peer: &'static str, measure: paired::Trips<'_>| {
            let of_ring = |count: usize| ring.round_trip(waiting, count);
            let (times, ratio) = match paired::trips(&of_ring, measure, self.effort) {
                Ok((times, ratio)) => (Ok(times), Some(ratio)),
                Err(error) => (Err(format!("{error:#}")), None),
            };
            found.push(RoundTrip { peer, waiting, times, ratio });
        };
        beside(name, &|count| Ok(limit(count)));
        for peer in peers.iter().filter(|peer| peer.refuses(&shape).is_none()) {
            beside(peer.name(), &|count| peer.round_trip(waiting, count));
        }
    }
}
