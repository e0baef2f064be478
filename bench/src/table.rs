//! The report in the terminal.

use crate::peer::{Between, Waiting};
use crate::report::{Outcome, Report, RoundTrip, Row};
use crate::scaling::Curve;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use std::collections::BTreeSet;

/// Prints everything.
pub fn print(report: &Report) {
    for (waiting, between, title) in [
        (Waiting::Polling, Between::Threads, "threads, polling"),
        (Waiting::Polling, Between::Processes, "processes, polling"),
        (Waiting::Blocking, Between::Threads, "threads, blocking"),
    ] {
        let rows: Vec<&Row> = report.rows_of(waiting, between).collect();
        let kinds: BTreeSet<(usize, bool)> = rows.iter().map(|row| (row.shape.writers, row.shape.batched)).collect();
        for (writers, batched) in kinds {
            let mode = if batched { "batched" } else { "single" };
            println!(
                "\n{title}, {writers} writer(s), {mode}: ns per message; how much faster the ring was (quartiles)"
            );
            let of_kind = |row: &&Row| (row.shape.writers, row.shape.batched) == (writers, batched);
            println!("{}", throughput(&rows.iter().copied().filter(of_kind).collect::<Vec<_>>()));
        }
    }
    if !report.round_trips.is_empty() {
        println!("\nround trips of 64 bytes, ns");
        println!("{}", round_trips(&report.round_trips));
    }
    match &report.scaling {
        Ok(curves) => curves.iter().for_each(scaling),
        Err(why) => println!("\nscaling: FAILED: {why}"),
    }
    for peer in &report.left_out {
        println!("{peer}: not in this build");
    }
}

fn table(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn throughput(rows: &[&Row]) -> Table {
    let payloads: BTreeSet<usize> = rows.iter().map(|row| row.shape.payload).collect();
    let mut peers: Vec<&str> = Vec::new();
    for row in rows {
        if !peers.contains(&row.peer) {
            peers.push(row.peer);
        }
    }
    let header = payloads.iter().map(|payload| format!("{payload} B"));
    let mut table = table(core::iter::once("peer".to_owned()).chain(header).collect());
    let cell = |peer: &str, payload: usize| {
        let row = rows.iter().find(|row| row.peer == peer && row.shape.payload == payload);
        match row.map(|row| &row.outcome) {
            None => String::new(),
            Some(Outcome::Refused(why)) => (*why).to_owned(),
            Some(Outcome::Failed(why)) => format!("FAILED: {why}"),
            Some(Outcome::Measured(cell)) => {
                let (low, high) = cell.spread;
                format!("{:.1}  {:.2}x ({low:.2}-{high:.2})", cell.peer, cell.ratio)
            }
        }
    };
    for peer in peers {
        let cells = payloads.iter().map(|&payload| cell(peer, payload));
        table.add_row(core::iter::once(peer.to_owned()).chain(cells));
    }
    let ring = payloads.iter().map(|&payload| {
        let mut times: Vec<f64> = rows.iter().filter(|row| row.shape.payload == payload).filter_map(ring_ns).collect();
        if times.is_empty() { String::new() } else { format!("{:.1}", crate::paired::quantile(&mut times, 0.5)) }
    });
    table.add_row(core::iter::once("iobring".to_owned()).chain(ring));
    table
}

/// The ring's time beside a peer.
fn ring_ns(row: &&Row) -> Option<f64> {
    match &row.outcome {
        Outcome::Measured(cell) => Some(cell.ring),
        Outcome::Refused(_) | Outcome::Failed(_) => None,
    }
}

fn scaling(curve: &Curve) {
    println!("\nthe ring over {}, {}, 64 B: ns per message; over the first", curve.axis, curve.mode);
    let mut table = table([curve.axis, "ns", "over the first", "bytes each"].map(String::from).to_vec());
    for point in &curve.points {
        let bytes = point.bytes_each.map_or_else(String::new, |bytes| format!("{bytes:.0}"));
        table.add_row([point.x.to_string(), format!("{:.1}", point.ns), format!("{:.2}x", point.over_first), bytes]);
    }
    println!("{table}");
}

fn round_trips(trips: &[RoundTrip]) -> Table {
    let header = ["peer", "waiting", "50%", "90%", "99%", "99.9%", "99.99%", "over the ring's"];
    let mut table = table(header.map(String::from).to_vec());
    for trip in trips {
        let waiting = match trip.waiting {
            Waiting::Polling => "spinning",
            Waiting::Blocking => "blocking",
        };
        let mut cells = vec![trip.peer.to_owned(), waiting.to_owned()];
        match &trip.times {
            Ok(times) => cells.extend([0.5, 0.9, 0.99, 0.999, 0.9999].map(|q| format!("{:.0}", times.quantile(q)))),
            Err(why) => cells.extend([why.clone(), String::new(), String::new(), String::new(), String::new()]),
        }
        cells.push(trip.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}x")));
        table.add_row(cells);
    }
    table
}
