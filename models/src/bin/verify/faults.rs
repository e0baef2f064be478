//! `--faults`: seeds faults into a copy of the protocol core, and sees what finds them.
//!
//! All faults of `models/faults.toml` are spliced into one copy, under `target/faults`, which is built once; each is then in force
//! in a process of its own, which runs the generated programs and the models until one fails.

mod scratch;
mod seek;
mod splice;

pub use seek::seek;

use crate::cli::Cli;
use crate::table::Table;
use crate::work;
use indicatif::ProgressBar;
use seek::Found;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What became of a fault.
#[derive(Clone, Debug, Serialize)]
struct Fate {
    name: String,
    /// The program or the model that failed; nothing, if none did.
    found_by: Option<String>,
    /// At which level.
    level: Option<String>,
    /// How many programs were run before.
    programs: u64,
    /// How long it took.
    seconds: f64,
    /// What was said of it.
    says: Option<String>,
    harm: String,
}

#[derive(Serialize)]
struct Document<'a> {
    faults: Vec<&'a Fate>,
}

/// Seeds the faults, all or those whose name contains `name`.
pub fn command(cli: &Cli, name: Option<&str>, stop: &AtomicBool) -> ExitCode {
    match run(cli, name, stop) {
        Ok(fates) => tell(&fates),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli, name: Option<&str>, stop: &AtomicBool) -> Result<Vec<Fate>, String> {
    let faults = splice::read()?;
    let chosen: Vec<usize> =
        (0..faults.len()).filter(|&at| name.is_none_or(|text| faults[at].name.contains(text))).collect();
    if chosen.is_empty() {
        return Err(format!("no fault's name contains {:?}", name.unwrap_or_default()));
    }
    let program = work::while_ticking(&work::bars(), || "building with faults".into(), || scratch::build(&faults))?;
    if name.is_none() {
        // What fails anyway finds nothing.
        let none = seek::run(&program, None, cli.level(), stop)?;
        if let Some(by) = none.found_by {
            return Err(format!("with no fault in force, {by} fails: {}", none.says.unwrap_or_default()));
        }
    }
    let (next, fates) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let bar = work::bars().add(ProgressBar::new(chosen.len() as u64));
    std::thread::scope(|scope| {
        for _ in 0..work::workers() {
            scope.spawn(|| {
                while let Some(&at) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let fate = seek::run(&program, Some(at), cli.level(), stop).map(|found| fate(&faults[at], found));
                    let mut fates = fates.lock().unwrap_or_else(PoisonError::into_inner);
                    fates.insert(at, fate);
                    // Each at once: whoever stops this after an hour keeps what was found out.
                    if let Err(error) = write(cli, fates.values().flatten()) {
                        fates.insert(at, Err(error));
                    }
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    fates.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

fn fate(fault: &splice::Fault, found: Found) -> Fate {
    Fate {
        name: fault.name.clone(),
        level: found.found_by.as_ref().map(|_| found.level),
        found_by: found.found_by,
        programs: found.programs,
        seconds: found.seconds,
        says: found.says,
        harm: fault.harm.clone(),
    }
}

/// Keeps in the file of `--json`, if there is to be one, what became of these.
fn write<'a>(cli: &Cli, fates: impl Iterator<Item = &'a Fate>) -> Result<(), String> {
    let Some(path) = &cli.json else { return Ok(()) };
    let text =
        serde_json::to_string_pretty(&Document { faults: fates.collect() }).map_err(|error| error.to_string())?;
    std::fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))
}

fn tell(fates: &[Fate]) -> ExitCode {
    let row = |fate: &Fate| {
        vec![
            fate.name.clone(),
            fate.found_by.clone().unwrap_or_else(|| "NOTHING".into()),
            fate.level.clone().unwrap_or_default(),
            fate.programs.to_string(),
            format!("{:.1} s", fate.seconds),
        ]
    };
    println!("{}", Table::new(vec!["fault", "found by", "level", "programs", "time"], fates.iter().map(row).collect()));
    let lost: BTreeSet<&str> =
        fates.iter().filter(|fate| fate.found_by.is_none()).map(|fate| fate.name.as_str()).collect();
    let quick = fates.iter().filter(|fate| fate.level.as_deref() == Some("quick")).count();
    println!("\n{} faults, {} found, {quick} of them by what --quick runs", fates.len(), fates.len() - lost.len());
    if lost.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("NOT FOUND: {}", Vec::from_iter(lost).join(", "));
    ExitCode::FAILURE
}
