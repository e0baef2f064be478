//! `cargo bench-peers`: the ring beside what a user would pick instead.
//!
//! | module | holds |
//! |---|---|
//! | `peer`, `peers`, `contender` | what a transport must offer; the transports; the same as values |
//! | `throughput`, `round_trip`, `limits` | one measurement of each kind |
//! | `scaling` | how the ring's cost grows |
//! | `paired`, `plan` | rounds of pairs; which cells are measured |
//! | `launches`, `quiet` | medians over fresh processes; whether others use the machine meanwhile |
//! | `cores`, `crew`, `gate`, `shared` | where writers run, and how they start together |
//! | `report`, `json`, `markdown`, `plots`, `machine` | what was found, and showing it |

mod contender;
mod cores;
mod crew;
mod gate;
mod json;
mod launches;
mod limits;
mod machine;
mod markdown;
mod paired;
mod peer;
mod peers;
mod plan;
mod plots;
mod quiet;
mod report;
mod round_trip;
mod scaling;
mod shared;
mod throughput;

use anyhow::{Result, ensure};
use clap::Parser;
use serde_json::Value;
use std::path::PathBuf;

/// Measures the ring beside its peers, in paired rounds, over several launches.
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

    /// Only isolated writers, beside a bare socket
    #[arg(long, conflicts_with = "rows_only")]
    isolated: bool,

    /// Over how many fresh processes the medians are taken [default: 5; 3 with --quick]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=99))]
    launches: Option<u32>,

    /// Write results also if others used the machine meanwhile; they are marked
    #[arg(long)]
    anyway: bool,

    /// This is one of the launches: print its results
    #[arg(long, hide = true)]
    launch: bool,

    /// The size of the byte rings, in bytes: a power of two
    #[arg(long, value_name = "BYTES", default_value_t = peer::CAPACITY)]
    capacity: usize,

    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Measure nothing: take the results from this JSON of an earlier run
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
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
    if options.launch {
        println!("{}", json::of(&plan(options).run()));
        return Ok(());
    }
    if let Some(file) = &options.results {
        return write(&options, &serde_json::from_str(&std::fs::read_to_string(file)?)?);
    }
    if options.writes() && !options.anyway {
        let others = quiet::others_now()?;
        ensure!(
            others <= quiet::LIMIT,
            "others use {others:.2} processors, more than {}: what is measured now says little (--anyway does it all the same)",
            quiet::LIMIT
        );
    }
    println!("{}, {} cores, {}", machine::cpu(), cores::count(), machine::kernel());
    for (name, version) in contender::versions() {
        println!("  {name} {}", version.as_str().unwrap_or("of unknown version"));
    }
    println!("  a peer without a means for batches sends its messages one at a time in those rows too");
    let results = launches::run(options.launches.unwrap_or(if options.quick { 3 } else { 5 }) as usize)?;
    markdown::print(&results);
    write(&options, &results)
}

impl Options {
    /// Whether results are to be kept.
    fn writes(&self) -> bool {
        self.json.is_some() || self.plots.is_some() || !self.update.is_empty()
    }
}

fn plan(options: Options) -> plan::Plan {
    plan::Plan {
        payloads: options.payloads,
        writers: options.writers,
        capacity: options.capacity,
        only: options.only,
        rows_only: options.rows_only || options.isolated,
        isolated: options.isolated,
        quick: options.quick,
        effort: paired::Effort::new(options.quick),
    }
}

/// Puts the results where they are wanted, if they are worth it.
fn write(options: &Options, results: &Value) -> Result<()> {
    ensure!(
        !options.writes() || options.anyway || json::is_quiet(results),
        "others used the machine meanwhile, or it is not known whether they did ({} processors): nothing is written \
         (--anyway writes it, marked)",
        results["machine"]["others"]
    );
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(results)?)?;
    }
    for file in &options.update {
        markdown::update(file, results)?;
    }
    options.plots.as_ref().map_or(Ok(()), |folder| plots::draw(results, folder))
}
