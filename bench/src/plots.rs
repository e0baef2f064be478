//! The results, as JSON has them, as pictures: throughput over size, the distribution of round trips, growth.

use crate::launches::is_ring;
use anyhow::{Result, anyhow};
use plotters::coord::combinators::IntoLogRange;
use plotters::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

const SIZE: (u32, u32) = (900, 540);

/// Points by name.
type Lines<'a> = BTreeMap<&'a str, Vec<(f64, f64)>>;

/// Draws every picture into `folder`.
///
/// # Errors
/// If a file cannot be written.
pub fn draw(results: &Value, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for name in ["single", "batched"] {
        for writers in [1, 2] {
            let lines = throughput(results, writers, name);
            let title = format!("Messages per second, {writers} writer(s), {name}");
            let file = folder.join(format!("throughput-{writers}-{name}.svg"));
            lines_over(&file, &title, ("bytes per message", "messages per second"), &lines)?;
        }
    }
    for name in ["spinning", "blocking"] {
        let lines = latency(results, name);
        let title = format!("Round trips of 64 bytes, {name}");
        let file = folder.join(format!("round-trip-{name}.svg"));
        lines_over(&file, &title, ("one in so many is slower", "ns"), &lines)?;
    }
    let mut axes: BTreeMap<&str, Lines<'_>> = BTreeMap::new();
    for point in list(results, "scaling") {
        let (Some(axis), Some(mode)) = (point["axis"].as_str(), point["mode"].as_str()) else { continue };
        let at = point["x"].as_f64().zip(point["ns"].as_f64());
        axes.entry(axis).or_default().entry(mode).or_default().extend(at);
    }
    for (axis, lines) in axes {
        let file = folder.join(format!("scaling-{}.svg", axis.replace(' ', "-")));
        lines_over(&file, &format!("The ring over {axis}, 64 B"), (axis, "ns per message"), &lines)?;
    }
    Ok(())
}

fn list<'a>(results: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    results[key].as_array().into_iter().flatten()
}

fn throughput<'a>(results: &'a Value, writers: u64, mode: &str) -> Lines<'a> {
    let mut lines = Lines::new();
    let mut of_ring: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for row in list(results, "rows") {
        if (row["writers"].as_u64(), row["mode"].as_str()) != (Some(writers), Some(mode)) {
            continue;
        }
        let (Some(peer), Some(payload)) = (row["peer"].as_str(), row["payload"].as_u64()) else { continue };
        of_ring.entry(payload).or_default().extend(row["ring_ns"].as_f64());
        if !is_ring(row) {
            lines.entry(peer).or_default().extend(row["ns"].as_f64().map(|ns| (payload as f64, 1e9 / ns)));
        }
    }
    for (payload, mut times) in of_ring {
        let median = crate::paired::quantile(&mut times, 0.5);
        lines.entry("iobring").or_default().push((payload as f64, 1e9 / median));
    }
    lines
}

fn latency<'a>(results: &'a Value, waiting: &str) -> Lines<'a> {
    const INVERSES: [(&str, f64); 5] =
        [("p50", 2.0), ("p90", 10.0), ("p99", 100.0), ("p99.9", 1_000.0), ("p99.99", 10_000.0)];
    let trips = list(results, "round_trips").filter(|trip| trip["waiting"].as_str() == Some(waiting));
    let points = |trip: &Value| INVERSES.iter().filter_map(|&(key, n)| Some((n, trip[key].as_f64()?))).collect();
    trips.filter_map(|trip| Some((trip["peer"].as_str()?, points(trip)))).collect()
}

/// Lines on two logarithmic axes.
fn lines_over(file: &Path, title: &str, (x, y): (&str, &str), lines: &Lines<'_>) -> Result<()> {
    let all = || lines.values().flatten();
    let range = |of: fn(&(f64, f64)) -> f64| {
        let (low, high) = all().map(of).fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        (low * 0.8..high * 1.25).log_scale()
    };
    if lines.is_empty() {
        return Ok(());
    }
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    let failed = |error: &dyn core::fmt::Display| anyhow!("{}: {error}", file.display());
    root.fill(&WHITE).map_err(|error| failed(&error))?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 22))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(80)
        .build_cartesian_2d(range(|point| point.0), range(|point| point.1))
        .map_err(|error| failed(&error))?;
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .y_label_formatter(&|v| format!("{v:.0}"))
        .draw()
        .map_err(|e| failed(&e))?;
    for (i, (name, points)) in lines.iter().enumerate() {
        let ring = *name == "iobring";
        let color = if ring { BLACK.to_rgba() } else { Palette99::pick(i).to_rgba() };
        let style = color.stroke_width(if ring { 4 } else { 2 });
        let line = LineSeries::new(points.iter().copied(), style);
        chart
            .draw_series(line)
            .map_err(|error| failed(&error))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .draw()
        .map_err(|error| failed(&error))?;
    root.present().map_err(|error| failed(&error))
}
