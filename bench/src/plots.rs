//! The report as pictures: throughput over size, and the distribution of round trips.

use crate::peer::Waiting;
use crate::report::{Outcome, Report};
use anyhow::{Result, anyhow};
use plotters::coord::combinators::IntoLogRange;
use plotters::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

const SIZE: (u32, u32) = (900, 540);

/// Points by name.
type Lines = BTreeMap<&'static str, Vec<(f64, f64)>>;

/// Draws every picture into `folder`.
///
/// # Errors
/// If a file cannot be written.
pub fn draw(report: &Report, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for (batched, name) in [(false, "single"), (true, "batched")] {
        for writers in [1, 2] {
            let lines = throughput(report, writers, batched);
            let title = format!("Messages per second, {writers} writer(s), {name}");
            let file = folder.join(format!("throughput-{writers}-{name}.svg"));
            lines_over(&file, &title, ("bytes per message", "messages per second"), &lines)?;
        }
    }
    for (waiting, name) in [(Waiting::Polling, "spinning"), (Waiting::Blocking, "blocking")] {
        let lines = latency(report, waiting);
        let title = format!("Round trips of 64 bytes, {name}");
        let file = folder.join(format!("round-trip-{name}.svg"));
        lines_over(&file, &title, ("one in so many is slower", "ns"), &lines)?;
    }
    let mut axes: BTreeMap<&str, Lines> = BTreeMap::new();
    for curve in report.scaling.iter().flatten() {
        let points = curve.points.iter().map(|point| (point.x as f64, point.ns)).collect();
        axes.entry(curve.axis).or_default().insert(curve.mode, points);
    }
    for (axis, lines) in axes {
        let file = folder.join(format!("scaling-{}.svg", axis.replace(' ', "-")));
        lines_over(&file, &format!("The ring over {axis}, 64 B"), (axis, "ns per message"), &lines)?;
    }
    Ok(())
}

fn throughput(report: &Report, writers: usize, batched: bool) -> Lines {
    let mut lines = Lines::new();
    let mut of_ring: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for row in report.main_rows() {
        if (row.shape.writers, row.shape.batched) != (writers, batched) {
            continue;
        }
        if let Outcome::Measured(cell) = &row.outcome {
            lines.entry(row.peer).or_default().push((row.shape.payload as f64, 1e9 / cell.peer));
            of_ring.entry(row.shape.payload).or_default().push(cell.ring);
        }
    }
    for (payload, mut times) in of_ring {
        let median = crate::paired::quantile(&mut times, 0.5);
        lines.entry("iobring").or_default().push((payload as f64, 1e9 / median));
    }
    lines
}

fn latency(report: &Report, waiting: Waiting) -> Lines {
    let trips = report.round_trips.iter().filter(|trip| trip.waiting == waiting);
    let points = |trip: &crate::report::RoundTrip| {
        let times = trip.times.as_ref().ok()?;
        let inverses = [2.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0];
        Some(inverses.map(|n: f64| (n, times.quantile(1.0 - 1.0 / n))).to_vec())
    };
    trips.filter_map(|trip| Some((trip.peer, points(trip)?))).collect()
}

/// Lines on two logarithmic axes.
fn lines_over(file: &Path, title: &str, (x, y): (&str, &str), lines: &Lines) -> Result<()> {
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
