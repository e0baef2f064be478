//! `cargo verify --mutants`: the logic mutated by machine.
//!
//! cargo-mutants changes one expression of `src/` after the other, and the project's tests and models must notice. It takes
//! hours, so it may be run file by file, and goes on where it was stopped: what it finds is recorded in `models/mutants.json`
//! after each round, and a mutant that was caught in the source as it is now, or has a reason to survive every test, is not run
//! again. `cargo verify --update` writes
//! a table from the record. Mutants that change nothing that anybody could observe are listed, with the reason, in
//! `models/equivalent-mutants.toml`.

mod record;

use crate::USAGE;
use record::{Mutant, Outcome, Record};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::{fs, io};

pub use record::{equivalents, table};

/// Where cargo-mutants works.
const FOLDER: &str = "target/mutants";

/// The largest file that a mutant may make, in bytes. A region is a file, and one whose size nothing checks any more would take
/// all of the machine's memory.
const LARGEST_FILE: u64 = 4 << 30;

/// Some of the tests, and what they are for. Each round takes those mutants that the rounds before it have missed.
struct Round {
    /// What is run.
    tests: &'static [&'static str],
    /// The packages whose tests these are.
    packages: &'static str,
    /// The mutants that these tests may notice.
    concerns: fn(&Mutant) -> bool,
    /// What a mutant is that they miss.
    missed: Outcome,
}

const ROUNDS: [Round; 3] = [
    // The tests of the library that take little time.
    Round {
        tests: &[
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
            "--test=process_idle",
            "--test=process_isolation",
            "--test=process_limits",
            "--test=process_mapped",
            "--test=process_watch",
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
        packages: "iobring",
        // Also what was missed before: there may be new tests.
        concerns: |mutant| mutant.outcome.is_none() || mutant.is_open(),
        missed: Outcome::Undecided,
    },
    // The models, which see nothing but the protocol.
    Round {
        tests: &["--lib", "--tests"],
        packages: "iobring-models",
        concerns: |mutant| mutant.is_open() && mutant.file.starts_with("src/protocol"),
        missed: Outcome::Undecided,
    },
    // All that there is beside the models: slow tests, what the fuzzers have found, campaigns.
    Round {
        tests: &["--lib", "--tests", "--no-default-features"],
        packages: "iobring,iobring-fuzz-bodies,iobring-campaigns",
        concerns: Mutant::is_open,
        missed: Outcome::Missed,
    },
];

/// Mutates the files (all of `src/` if there are none) and records what came of it.
pub fn run(files: &[String], shard: Option<&str>, jobs: usize) -> ExitCode {
    let Some(version) = version() else {
        eprintln!("this needs cargo-mutants: cargo install cargo-mutants --locked");
        return ExitCode::from(USAGE);
    };
    match limit_files().and_then(|()| hunt(&version, files, shard, jobs)) {
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

/// For this process and what it starts.
fn limit_files() -> io::Result<()> {
    let maximum = getrlimit(Resource::Fsize).maximum;
    let current = Some(LARGEST_FILE.min(maximum.unwrap_or(LARGEST_FILE)));
    Ok(setrlimit(Resource::Fsize, Rlimit { current, maximum })?)
}

/// The mutants of the files, or a part of them.
fn list(files: &[String], shard: Option<&str>) -> io::Result<Vec<Mutant>> {
    #[derive(Deserialize)]
    struct Listed {
        name: String,
        file: String,
    }
    let mut command = Command::new("cargo");
    command.args(["mutants", "--list", "--json"]).args(files.iter().flat_map(|file| ["--file", file]));
    command.args(shard.iter().flat_map(|shard| ["--shard", shard]));
    let output = command.stderr(Stdio::inherit()).output()?;
    let listed: Vec<Listed> = serde_json::from_slice(&output.stdout)?;
    Ok(listed.into_iter().map(|Listed { name, file }| Mutant { name, file, outcome: None }).collect())
}

/// All rounds, each recorded when it is over.
fn hunt(version: &str, files: &[String], shard: Option<&str>, jobs: usize) -> io::Result<Record> {
    let mut record = Record::of_these_sources(version, &list(files, None)?)?;
    let part = list(files, shard)?;
    for round in &ROUNDS {
        let settled = record.settled();
        let left = part.iter().filter(|mutant| !settled.contains(&mutant.name));
        let mutants = left.map(|mutant| record.recall(mutant)).filter(round.concerns).collect::<Vec<_>>();
        if mutants.is_empty() {
            continue;
        }
        println!("{} mutants, {}", mutants.len(), round.packages);
        let ended = round.hunt(&mutants, jobs)?;
        // Also of a round that was broken off.
        record.enter(outcomes(&Path::new(FOLDER).join("mutants.out/outcomes.json"), round.missed)?)?;
        // 2: some were missed; 3: some took too long. Anything else is no result.
        if !matches!(ended.code(), Some(0 | 2 | 3)) {
            return Err(io::Error::other(format!("cargo mutants: {ended}")));
        }
    }
    Ok(record)
}

impl Round {
    /// Runs the tests on each of the mutants.
    fn hunt(&self, mutants: &[Mutant], jobs: usize) -> io::Result<ExitStatus> {
        // What an earlier run has left there is not to be taken for this one's.
        match fs::remove_dir_all(FOLDER) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(FOLDER)?,
        }
        let mut command = Command::new("cargo");
        command.args(["mutants", "--no-shuffle", "--jobs", &jobs.to_string(), "--output", FOLDER]);
        command.args(["--test-package", self.packages]);
        command.args(mutants.iter().map(|mutant| format!("--re=^{}$", literally(&mutant.name))));
        // Fields left out of structures are tried whatever their names are (cargo-mutants 27.1): no others than of these files.
        let files: BTreeSet<_> = mutants.iter().map(|mutant| &mutant.file).collect();
        command.args(files.iter().flat_map(|file| ["--file", file]));
        // For the build as well as for the test, so that no others are built.
        command.args(self.tests.iter().map(|test| format!("--cargo-arg={test}")));
        // Nobody debugs them, and they are linked a thousand times.
        command.envs([("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_PROFILE_TEST_DEBUG", "0")]);
        // Each job compiles in a folder of its own.
        command.env_remove("CARGO_TARGET_DIR");
        command.status()
    }
}

/// A regular expression for this text.
fn literally(text: &str) -> String {
    let mut expression = String::new();
    for character in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(character) {
            expression.push('\\');
        }
        expression.push(character);
    }
    expression
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

/// What came of each mutant; `missed` of one that was missed.
fn outcomes(path: &Path, missed: Outcome) -> io::Result<Vec<Mutant>> {
    let document: Document = serde_json::from_str(&fs::read_to_string(path)?)?;
    let mutant = |entry: Entry| {
        let Scenario::Mutant { name, file } = entry.scenario else { return None };
        let outcome = match &*entry.summary {
            "CaughtMutant" => Outcome::Caught,
            "MissedMutant" => missed,
            "Timeout" => Outcome::TimedOut,
            "Unviable" => Outcome::Unviable,
            // Such as a compiler that was killed when memory ran out: nothing is known of the mutant.
            other => {
                eprintln!("{name}: {other}, counts as not run");
                return None;
            }
        };
        Some(Mutant { name, file, outcome: Some(outcome) })
    };
    Ok(document.outcomes.into_iter().filter_map(mutant).collect())
}

/// Prints the survivors; fails if one of them has no reason.
fn verdict(record: &Record) -> ExitCode {
    let survivors = record.survivors();
    let without = survivors.iter().filter(|survivor| survivor.reason.is_none()).count();
    for survivor in &survivors {
        println!("{}: {}", survivor.mutant, survivor.why());
    }
    println!("{} mutants survived, {without} of them without a reason", survivors.len());
    if without == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::literally;

    #[test]
    fn a_mutant_is_named_literally() {
        let name = "src/pair.rs:130:76: replace || with && in <impl A for B<'_>>::c -> Option<u64>";
        let expression = r"src/pair\.rs:130:76: replace \|\| with \&\& in <impl A for B<'_>>::c \-> Option<u64>";
        assert_eq!(literally(name), expression);
    }
}
