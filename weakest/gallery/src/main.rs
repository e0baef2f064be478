//! `cargo gallery`: others' algorithms and others' bugs, as a table. Fails on any surprise.

use clap::Parser;
use comfy_table::{Table, presets};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;
use weakest_gallery::exhibits;
use weakest_gallery::judge::{Row, judge};

/// Runs the gallery: what is known good must pass, what is known bad must be found.
#[derive(Parser)]
#[command(name = "cargo gallery")]
struct Cli {
    /// Only the exhibits whose name contains this text.
    #[arg(long)]
    filter: Option<String>,
    /// Draw the counterexamples.
    #[arg(long)]
    draw: bool,
    /// Leave out what loom and shuttle say of what is bad.
    #[arg(long)]
    explorer: bool,
    /// Write the rows as JSON to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document<'a> {
    surprises: usize,
    rows: &'a [Row],
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let wanted = |name: &str| cli.filter.as_ref().is_none_or(|text| name.contains(text));
    let exhibits: Vec<_> = exhibits::all().into_iter().filter(|exhibit| wanted(exhibit.name)).collect();
    if exhibits.is_empty() {
        eprintln!("no exhibit's name contains {:?}", cli.filter.unwrap_or_default());
        return ExitCode::from(2);
    }
    let rows: Vec<Row> = exhibits.iter().flat_map(|exhibit| judge(exhibit, !cli.explorer)).collect();
    println!("{}", table(&rows));
    for row in rows.iter().filter(|row| row.engine == "explorer") {
        if let (true, Some(picture)) = (cli.draw || row.surprise.is_some(), &row.picture) {
            println!("\n{}\n\n{picture}", row.name);
        }
    }
    let surprises: Vec<&Row> = rows.iter().filter(|row| row.surprise.is_some()).collect();
    for row in &surprises {
        println!("SURPRISE: {}: {}", row.name, row.surprise.as_deref().unwrap_or_default());
    }
    if let Some(path) = &cli.json {
        let document = Document { surprises: surprises.len(), rows: &rows };
        let written = serde_json::to_string_pretty(&document).expect("rows are plain data");
        if let Err(error) = std::fs::write(path, written + "\n") {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    let (good, bad) = (
        exhibits.iter().filter(|exhibit| matches!(exhibit.known, weakest_gallery::Known::Good(_))).count(),
        exhibits.iter().filter(|exhibit| matches!(exhibit.known, weakest_gallery::Known::Bad(..))).count(),
    );
    println!("\n{good} known good, {bad} known bad, {} surprises", surprises.len());
    if surprises.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["algorithm", "known", "engine", "verdict", "states", "orderings", "seconds"]);
    for row in rows {
        table.add_row([
            if row.engine == "explorer" { row.name.clone() } else { String::new() },
            row.known.into(),
            row.engine.into(),
            row.verdict.clone(),
            row.states.to_string(),
            row.orderings.map_or(String::new(), |orderings| orderings.to_string()),
            format!("{:.2}", row.seconds),
        ]);
    }
    table
}
