//! `cargo bench-peers`: the ring beside what a user would pick instead.
//!
//! | module | holds |
//! |---|---|
//! | `peer`, `peers`, `contender` | what a transport must offer; the transports; the same as values |
//! | `throughput`, `round_trip`, `limits` | one measurement of each kind |
//! | `scaling` | how the ring's cost grows |
//! | `paired`, `plan` | rounds of pairs; which cells are measured |
//! | `cores`, `crew`, `gate`, `shared` | where writers run, and how they start together |
//! | `report`, `table`, `json`, `markdown`, `plots`, `machine` | what was found, and showing it |

mod contender;
mod cores;
mod crew;
mod gate;
mod json;
mod limits;
mod machine;
mod markdown;
mod paired;
mod peer;
mod peers;
mod plan;
mod plots;
mod report;
mod round_trip;
mod scaling;
mod shared;
mod table;
mod throughput;

use anyhow::Result;
use clap::Parser;
use std::path::PathBuf;

/// Measures the ring beside its peers, in paired rounds.
#[derive(Debug, Parser)]
#[command(name = "cargo bench-peers", version)]
struct Options {
    /// Fewer and shorter rounds
    #[arg(long)]
    quick: bool,

    /// Only peers whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,

    /// Only messages of these sizes, in bytes, multiples of 8
    #[arg(long, value_name = "BYTES", value_delimiter = ',', default_values_t = plan::PAYLOADS)]
    payloads: Vec<usize>,

    /// Only these numbers of writers
    #[arg(long, value_name = "COUNT", value_delimiter = ',', default_values_t = [1, 2])]
    writers: Vec<usize>,

    /// Only the yardstick's rows: threads, polling, no round trips, no scaling
    #[arg(long)]
    rows_only: bool,

    /// The size of the byte rings, in bytes: a power of two
    #[arg(long, value_name = "BYTES", default_value_t = peer::CAPACITY)]
    capacity: usize,

    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Measure nothing: take the results from this JSON of an earlier run
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "plots"])]
    results: Option<PathBuf>,

    /// Write the tables into the places of these Markdown files that are marked for them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    update: Vec<PathBuf>,

    /// Draw the results as SVG
    #[arg(long, value_name = "FOLDER")]
    plots: Option<PathBuf>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(file) = &options.results {
        let results = serde_json::from_str(&std::fs::read_to_string(file)?)?;
        return options.update.iter().try_for_each(|file| markdown::update(file, &results));
    }
    let cores = cores::count();
    println!("{}, {cores} cores, {}, load {:.1}", machine::cpu(), machine::kernel(), machine::load()[0]);
    for (name, version) in contender::versions() {
        println!("  {name} {}", version.as_str().unwrap_or("of unknown version"));
    }
    println!("  a peer without a means for batches sends its messages one at a time in those rows too");

    let plan = plan::Plan {
        payloads: options.payloads,
        writers: options.writers,
        capacity: options.capacity,
        only: options.only,
        rows_only: options.rows_only,
        quick: options.quick,
        effort: paired::Effort::new(options.quick),
    };
    let report = plan.run();
    table::print(&report);
    let results = json::of(&report);
    if let Some(file) = options.json {
        std::fs::write(file, serde_json::to_string_pretty(&results)?)?;
    }
    for file in &options.update {
        markdown::update(file, &results)?;
    }
    if let Some(folder) = options.plots {
        plots::draw(&report, &folder)?;
    }
    Ok(())
}
