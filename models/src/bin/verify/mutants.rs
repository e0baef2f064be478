//! `cargo verify --mutants`: the logic mutated by machine.
//!
//! cargo-mutants changes one expression of `src/` after the other, and the project's tests and models must notice. It takes
//! hours, so it may be run file by file, and what it found is recorded in `models/mutants.json`, from which
//! `cargo verify --update` writes a table. Mutants that change nothing that anybody could observe are listed, with the
//! reason, in `models/equivalent-mutants.toml`.

mod record;

use crate::USAGE;
use record::{Mutant, Outcome, Record};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::{fs, io};

pub use record::{equivalents, table};

/// Where cargo-mutants works.
const FOLDER: &str = "target/mutants";

/// Who hunts mutants: each round takes those that the rounds before it have missed.
const ROUNDS: [&[&str]; 2] = [
    // The tests of the library that take little time.
    &[
        "--lib",
        "--test=accounts",
        "--test=bad_inputs",
        "--test=batches",
        "--test=create",
        "--test=damage",
        "--test=drain",
        "--test=peers",
        "--test=process_broker",
        "--test=process_forged",
        "--test=process_hostile",
        "--test=process_isolation",
        "--test=process_limits",
        "--test=process_mapped",
        "--test=records",
        "--test=reference",
        "--test=region",
        "--test=resources",
        "--test=state_machine",
        "--test=status",
        "--test=wait_async",
        "--test=wait_blocking",
        "--test=wait_descriptor",
        "--test=wakeups",
    ],
    // All of the library's tests, and the models.
    &["--lib", "--tests"],
];

/// Mutates the files that match (all of `src/` if there are none) and records what came of it.
pub fn run(files: &[String], shard: Option<&str>, jobs: usize) -> ExitCode {
    let Some(version) = version() else {
        eprintln!("this needs cargo-mutants: cargo install cargo-mutants --locked");
        return ExitCode::from(USAGE);
    };
    match hunt(&version, files, shard, jobs) {
        Ok(record) => verdict(&record),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn version() -> Option<String> {
    let output = Command::new("cargo").args(["mutants", "--version"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// How many mutants each of the files has.
fn all(files: &[String]) -> io::Result<BTreeMap<String, usize>> {
    #[derive(Deserialize)]
    struct Listed {
        file: String,
    }
    let mut command = Command::new("cargo");
    command.args(["mutants", "--list", "--json"]).args(files.iter().flat_map(|file| ["--file", file]));
    let output = command.stderr(Stdio::inherit()).output()?;
    let listed: Vec<Listed> = serde_json::from_slice(&output.stdout)?;
    let mut all = BTreeMap::new();
    listed.into_iter().for_each(|mutant| *all.entry(mutant.file).or_default() += 1);
    Ok(all)
}

/// All rounds, each recorded when it is over.
fn hunt(version: &str, files: &[String], shard: Option<&str>, jobs: usize) -> io::Result<Record> {
    let all = all(files)?;
    let mut record = Record::default();
    for (round, tests) in ROUNDS.iter().enumerate() {
        let mut command = Command::new("cargo");
        command.args(["mutants", "--no-shuffle", "--jobs", &jobs.to_string(), "--output", FOLDER]);
        command.args(files.iter().flat_map(|file| ["--file", file]));
        command.args(shard.iter().flat_map(|shard| ["--shard", shard]));
        if round > 0 {
            command.args(["--iterate", "--test-package", "iobring,iobring-models"]);
        }
        // For the build as well as for the test, so that no others are built.
        command.args(tests.iter().map(|test| format!("--cargo-arg={test}")));
        // Nobody debugs them, and they are linked a thousand times.
        command.envs([("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_PROFILE_TEST_DEBUG", "0")]);
        // Each job compiles in a folder of its own.
        command.env_remove("CARGO_TARGET_DIR");
        let status = command.status()?;
        // 2: some were missed; 3: some took too long. Anything else is no result.
        if !matches!(status.code(), Some(0 | 2 | 3)) {
            return Err(io::Error::other(format!("cargo mutants: {status}")));
        }
        let found = outcomes_of(&Path::new(FOLDER).join("mutants.out/outcomes.json"), round + 1 == ROUNDS.len())?;
        let missed = found.iter().any(|mutant| matches!(mutant.outcome, Outcome::Missed | Outcome::Undecided));
        record = Record::merge(version, &all, found)?;
        if !missed {
            break;
        }
    }
    Ok(record)
}

/// What cargo-mutants writes, as far as it is of interest.
#[derive(Deserialize)]
struct Document {
    outcomes: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    scenario: Scenario,
    summary: String,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant { name: String, file: String },
}

/// What came of each mutant; one that was missed is undecided if this was not the `last` round.
fn outcomes_of(path: &Path, last: bool) -> io::Result<Vec<Mutant>> {
    let document: Document = serde_json::from_str(&fs::read_to_string(path)?)?;
    let mutant = |entry: Entry| {
        let Scenario::Mutant { name, file } = entry.scenario else { return None };
        let outcome = match &*entry.summary {
            "CaughtMutant" => Outcome::Caught,
            "MissedMutant" if last => Outcome::Missed,
            "MissedMutant" => Outcome::Undecided,
            "Timeout" => Outcome::TimedOut,
            "Unviable" => Outcome::Unviable,
            // Such as a compiler that was killed when memory ran out: nothing is known of the mutant.
            other => {
                eprintln!("{name}: {other}, counts as not run");
                return None;
            }
        };
        Some(Mutant { name, file, outcome })
    };
    Ok(document.outcomes.into_iter().filter_map(mutant).collect())
}

/// Prints the table and the survivors; fails if one of them has no reason.
fn verdict(record: &Record) -> ExitCode {
    let survivors = record.survivors();
    let without = survivors.iter().filter(|survivor| survivor.reason.is_none()).count();
    for survivor in &survivors {
        println!(
            "{}: {}",
            survivor.mutant,
            survivor.reason.as_deref().unwrap_or(if survivor.undecided { "undecided" } else { "SURVIVED" })
        );
    }
    println!("{} mutants survived, {without} of them without a reason", survivors.len());
    if without == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
