//! The report as JSON, with keys that stay.
//!
//! `launches` adds, in the merged results: `machine.launches`, `machine.others` (how many processors others used during each),
//! `machine.quiet`; and to each measurement `launches` (the ratios, sorted), `modes` and `published`.
//!
//! `rows` is the yardstick: between threads, the reader polling. `blocking`, `processes` and `isolated` have the same keys; in the
//! last the ring is one whose writers are isolated.

use crate::machine;
use crate::paired::Cell;
use crate::peer::{Between, Waiting};
use crate::report::{Outcome, Report, RoundTrip, Row};
use crate::scaling::Curve;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The whole report.
pub fn of(report: &Report) -> Value {
    let measured = |waiting, between| report.rows_of(waiting, between).filter_map(row).collect::<Vec<_>>();
    let absent = report.rows.iter().chain(&report.isolated).filter_map(|row| match &row.outcome {
        Outcome::Failed(why) => Some(json!({ "peer": row.peer, "payload": row.shape.payload, "why": why })),
        Outcome::Measured(_) | Outcome::Refused(_) => None,
    });
    // Each reason once, not for every shape.
    let refused: BTreeSet<_> = (report.rows.iter())
        .filter_map(|row| match row.outcome {
            Outcome::Refused(why) => Some((row.peer, why)),
            Outcome::Measured(_) | Outcome::Failed(_) => None,
        })
        .collect();
    let trips = report.round_trips.iter().filter_map(|trip| {
        let why = trip.times.as_ref().err()?;
        Some(json!({ "peer": trip.peer, "payload": crate::round_trip::PAYLOAD, "why": why }))
    });
    let curves = report.scaling.as_ref().err().map(|why| json!({ "peer": "scaling", "why": why }));
    json!({
        "machine": machine::describe(),
        "versions": crate::contender::versions().into_iter().collect::<serde_json::Map<_, _>>(),
        "rows": measured(Waiting::Polling, Between::Threads),
        "blocking": measured(Waiting::Blocking, Between::Threads),
        "processes": measured(Waiting::Polling, Between::Processes),
        "isolated": report.isolated.iter().filter_map(row).collect::<Vec<_>>(),
        "round_trips": report.round_trips.iter().map(round_trip).collect::<Vec<_>>(),
        "scaling": report.scaling.iter().flatten().flat_map(curve).collect::<Vec<_>>(),
        "failed": absent.chain(trips).chain(curves).collect::<Vec<_>>(),
        "refused": refused.into_iter().map(|(peer, why)| json!({ "peer": peer, "why": why })).collect::<Vec<_>>(),
        "left_out": report.left_out,
    })
}

/// Whether the machine is known to have been quiet during all launches.
pub fn is_quiet(results: &Value) -> bool {
    results["machine"]["quiet"] == Value::Bool(true)
}

fn row(row: &Row) -> Option<Value> {
    let Outcome::Measured(Cell { peer, ring, ratio, spread }) = &row.outcome else {
        return None;
    };
    Some(json!({
        "peer": row.peer,
        "payload": row.shape.payload,
        "writers": row.shape.writers,
        "mode": if row.shape.batched { "batched" } else { "single" },
        "ns": peer,
        "ratio": ratio,
        "ring_ns": ring,
        "ratio_quartiles": [spread.0, spread.1],
    }))
}

fn curve(curve: &Curve) -> impl Iterator<Item = Value> {
    curve.points.iter().map(|point| {
        json!({
            "axis": curve.axis,
            "mode": curve.mode,
            "x": point.x,
            "ns": point.ns,
            "over_first": point.over_first,
            "bytes_each": point.bytes_each,
            "itself": curve.itself,
        })
    })
}

fn round_trip(trip: &RoundTrip) -> Value {
    let waiting = match trip.waiting {
        Waiting::Polling => "spinning",
        Waiting::Blocking => "blocking",
    };
    match &trip.times {
        Ok(times) => json!({
            "peer": trip.peer,
            "waiting": waiting,
            "p50": times.quantile(0.5),
            "p90": times.quantile(0.9),
            "p99": times.quantile(0.99),
            "p99.9": times.quantile(0.999),
            "p99.99": times.quantile(0.9999),
            "ratio": trip.ratio,
        }),
        Err(why) => json!({ "peer": trip.peer, "waiting": waiting, "why": why }),
    }
}
