//! `cargo gallery`: others' algorithms and others' bugs, as a table. Fails on any surprise.

use clap::Parser;
use comfy_table::{Table, presets};
use shards::Document;
use std::path::PathBuf;
use std::process::ExitCode;
use weakest::shard::Shard;
use weakest_gallery::judge::{Row, judge};
use weakest_gallery::{exhibits, literature};

mod shards;
mod variants;

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
    /// Only part K of N, counted from 0.
    #[arg(long, value_name = "K/N", default_value_t = Shard::WHOLE)]
    shard: Shard,
    /// Run nothing, but put the JSON of all parts together; refuses an incomplete set.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["filter", "draw", "explorer", "shard", "variants"])]
    merge: Vec<PathBuf>,
    /// Instead, seed the bugs of `variants.toml` one by one, each of which must be found.
    #[arg(long, conflicts_with_all = ["draw", "explorer", "shard", "json"])]
    variants: bool,
    /// Instead, run the small programs of the literature, and compare with what others' tools say of them.
    #[arg(long, conflicts_with_all = ["draw", "explorer", "shard", "variants"])]
    literature: bool,
    /// With `--literature`: write the table as a page to this file.
    #[arg(long, value_name = "FILE", requires = "literature")]
    record: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.variants {
        return variants::command(cli.filter.as_deref());
    }
    if cli.literature {
        return literature(&cli);
    }
    if !cli.merge.is_empty() {
        return merge(&cli);
    }
    let wanted = |name: &str| cli.filter.as_ref().is_none_or(|text| name.contains(text));
    let exhibits: Vec<_> = exhibits::all().into_iter().filter(|exhibit| wanted(exhibit.name)).collect();
    if exhibits.is_empty() {
        eprintln!("no exhibit's name contains {:?}", cli.filter.unwrap_or_default());
        return ExitCode::from(2);
    }
    let names = exhibits.iter().map(|exhibit| exhibit.name.to_string()).collect();
    let exhibits = cli.shard.of(exhibits);
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
        let value = |row: &Row| serde_json::to_value(row).expect("rows are plain data");
        let (shard, surprises) = (cli.shard.to_string(), surprises.len());
        let document = Document { shard, exhibits: names, surprises, rows: rows.iter().map(value).collect() };
        if let Err(error) = document.write(path) {
            eprintln!("{error}");
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

/// Fails where what the explorer found is not what others' tools say that there is.
fn literature(cli: &Cli) -> ExitCode {
    let rows = literature::run(cli.filter.as_deref().unwrap_or_default(), u64::MAX, true);
    println!("{}\n\nThe graphs: {}", literature::table(&rows), literature::SOURCE);
    let surprises: Vec<_> = rows.iter().filter_map(literature::Row::surprise).collect();
    surprises.iter().for_each(|surprise| println!("SURPRISE: {surprise}"));
    let json = || serde_json::to_string_pretty(&rows).expect("rows are plain data");
    for (path, text) in [(&cli.json, json()), (&cli.record, literature::page(&rows))] {
        if let Some(path) = path
            && let Err(error) = std::fs::write(path, text)
        {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    if surprises.is_empty() && !rows.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Puts the parts together. Fails if they are no whole, or hold a surprise.
fn merge(cli: &Cli) -> ExitCode {
    let merged = shards::merge(&cli.merge).and_then(|whole| {
        cli.json.as_ref().map_or(Ok(()), |path| whole.write(path))?;
        Ok(whole)
    });
    match merged {
        Ok(whole) => {
            for row in whole.rows.iter().filter(|row| !row["surprise"].is_null()) {
                println!("SURPRISE: {}: {}", row["name"], row["surprise"]);
            }
            let (exhibits, rows, surprises) = (whole.exhibits.len(), whole.rows.len(), whole.surprises);
            println!("merged: {exhibits} exhibits, {rows} rows, {surprises} surprises");
            if surprises == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
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
