//! The results, as JSON has them, in the places of Markdown files that are marked for them:
//!
//! ```text
//! <!-- table: NAME -->
//! …replaced…
//! <!-- end -->
//! ```
//!
//! `NAME` is `machine`, `round-trips`, `scaling`, or a key of the JSON with the number of writers and the mode:
//! `rows-1-single`, `processes-2-batched`. The same tables are printed in the terminal.
//!
//! A `?` stands for what is not published, since the ring beside itself did not come out as 1.

use crate::json::is_quiet;
use crate::launches::{TOLERANCE, is_ring};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Writes the table of every place in `file`.
///
/// # Errors
/// If the file has no place, one without an end, or one for a table that there is not.
pub fn update(file: &Path, results: &Value) -> Result<()> {
    const BEGIN: &str = "<!-- table: ";
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut parts = text.split(BEGIN);
    let mut written = parts.next().unwrap_or_default().to_owned();
    let mut places = 0;
    for part in parts {
        let (name, rest) = part.split_once(" -->").context("a place whose name does not end")?;
        let (_, after) = rest.split_once("<!-- end -->").with_context(|| format!("{name} has no end"))?;
        let table = table(name, results).with_context(|| format!("there is no table {name}"))?;
        written += &format!("{BEGIN}{name} -->\n\n{table}\n<!-- end -->{after}");
        places += 1;
    }
    if places == 0 {
        bail!("{}: no place is marked by {BEGIN}", file.display());
    }
    fs::write(file, written).with_context(|| file.display().to_string())
}

/// Prints every table, and what failed.
pub fn print(results: &Value) {
    let mut names: Vec<String> = Vec::new();
    for key in ["rows", "processes", "blocking", "isolated"] {
        let rows = results[key].as_array().into_iter().flatten();
        let kinds = rows.filter_map(|row| Some((row["writers"].as_u64()?, row["mode"].as_str()?)));
        for (writers, mode) in kinds.collect::<BTreeSet<_>>() {
            names.push(format!("{key}-{writers}-{mode}"));
        }
    }
    for name in names.iter().map(String::as_str).chain(["round-trips", "scaling", "machine"]) {
        if let Some(table) = table(name, results) {
            println!("\n{name}\n\n{table}");
        }
    }
    for failed in results["failed"].as_array().into_iter().flatten() {
        println!("FAILED: {failed}");
    }
    for refused in results["refused"].as_array().into_iter().flatten() {
        println!("–: {}: {}", refused["peer"].as_str().unwrap_or("?"), refused["why"].as_str().unwrap_or("?"));
    }
    for peer in results["left_out"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        println!("{peer}: not in this build");
    }
}

fn table(name: &str, results: &Value) -> Option<String> {
    let mut table = match name {
        "machine" => return machine(results),
        "round-trips" => round_trips(results),
        "scaling" => scaling(results),
        _ => {
            let (rest, mode) = name.rsplit_once('-')?;
            let (key, writers) = rest.rsplit_once('-')?;
            throughput(results.get(key)?.as_array()?, writers.parse().ok()?, mode)
        }
    }?;
    if table.contains("| ? ") {
        table += &format!("\n`?`: the ring beside itself was not within 1 ± {TOLERANCE} there, so nothing is said.\n");
    }
    if !is_quiet(results) {
        table += "\n**Others used the machine meanwhile, or it is not known whether they did.**\n";
    }
    Some(table)
}

/// A measurement's ratio: both where launches fell into two groups; none where the yardstick failed.
fn ratio(item: &Value) -> String {
    if item["published"] == Value::Bool(false) && !is_ring(item) {
        return "?".into();
    }
    match item["modes"].as_array().map(Vec::as_slice) {
        Some([low, high]) => format!(
            "{low:.2} or {high:.2}",
            low = low.as_f64().unwrap_or(f64::NAN),
            high = high.as_f64().unwrap_or(f64::NAN)
        ),
        _ => item["ratio"].as_f64().map_or_else(|| "–".into(), |ratio| format!("{ratio:.2}")),
    }
}

/// Lines of a table.
fn lines(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.into_iter().collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = format!("|{}\n", "---|".repeat(columns));
    rows.first().map(line).unwrap_or_default() + &rule + &rows.iter().skip(1).map(line).collect::<String>()
}

fn machine(results: &Value) -> Option<String> {
    let machine = results.get("machine")?.as_object()?;
    let versions = results.get("versions")?.as_object()?;
    let versions = versions.iter().map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or("?")));
    let facts = machine.iter().map(|(fact, value)| format!("{fact}: {}", value.to_string().trim_matches('"')));
    Some(format!("{}. {}.\n", facts.collect::<Vec<_>>().join("; "), versions.collect::<Vec<_>>().join(", ")))
}

/// Peers by message sizes: the ratio.
fn throughput(rows: &[Value], writers: u64, mode: &str) -> Option<String> {
    let rows: Vec<&Value> = (rows.iter())
        .filter(|row| row["writers"].as_u64() == Some(writers) && row["mode"].as_str() == Some(mode))
        .collect();
    let payloads: BTreeSet<u64> = rows.iter().filter_map(|row| row["payload"].as_u64()).collect();
    let mut peers: Vec<&str> = Vec::new();
    for row in &rows {
        let peer = row["peer"].as_str()?;
        if !peers.contains(&peer) {
            peers.push(peer);
        }
    }
    let of = |peer: &str, payload: u64| {
        rows.iter().find(|row| row["peer"].as_str() == Some(peer) && row["payload"].as_u64() == Some(payload))
    };
    let header = core::iter::once("peer".to_owned()).chain(payloads.iter().map(|payload| format!("{payload} B")));
    let body = peers.iter().map(|peer| {
        let cells = payloads.iter().map(|&payload| of(peer, payload).map_or_else(|| "–".into(), |row| ratio(row)));
        core::iter::once((*peer).to_owned()).chain(cells).collect()
    });
    let ring = payloads.iter().map(|&payload| {
        let mut times: Vec<f64> = peers.iter().filter_map(|peer| of(peer, payload)?["ring_ns"].as_f64()).collect();
        if times.is_empty() { "–".into() } else { format!("{:.1}", crate::paired::quantile(&mut times, 0.5)) }
    });
    let ring = core::iter::once("*iobring, ns per message*".to_owned()).chain(ring).collect();
    Some(lines(core::iter::once(header.collect()).chain(body).chain([ring])))
}

fn round_trips(results: &Value) -> Option<String> {
    const QUANTILES: [&str; 5] = ["p50", "p90", "p99", "p99.9", "p99.99"];
    let header =
        ["peer", "waiting"].into_iter().chain(QUANTILES).chain(["over the ring's"]).map(String::from).collect();
    let row = |trip: &Value| {
        let text = |key: &str| trip[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| trip[key].as_f64().map_or_else(|| "–".into(), |value| format!("{value:.0}"));
        [text("peer"), text("waiting")].into_iter().chain(QUANTILES.map(number)).chain([ratio(trip)]).collect()
    };
    let trips = results.get("round_trips")?.as_array().filter(|trips| !trips.is_empty())?;
    Some(lines(core::iter::once(header).chain(trips.iter().map(row))))
}

fn scaling(results: &Value) -> Option<String> {
    let header = ["over", "mode", "at", "ns per message", "over the first", "bytes each"].map(String::from).to_vec();
    let row = |point: &Value| {
        let text = |key: &str| point[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str, digits: usize| {
            point[key].as_f64().map_or_else(String::new, |value| format!("{value:.digits$}"))
        };
        let over_first = if point["published"] == Value::Bool(false) { "?".into() } else { number("over_first", 2) };
        let figures = [number("x", 0), number("ns", 1), over_first, number("bytes_each", 0)];
        [text("axis"), text("mode")].into_iter().chain(figures).collect()
    };
    let points = results.get("scaling")?.as_array().filter(|points| !points.is_empty())?;
    Some(lines(core::iter::once(header).chain(points.iter().map(row))))
}
