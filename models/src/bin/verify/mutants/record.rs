//! What became of the mutants, file by file, kept from run to run.

use crate::table::Table;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};
use xxhash_rust::xxh3::xxh3_64;

const RECORD: &str = "models/mutants.json";
const EQUIVALENT: &str = "models/equivalent-mutants.toml";

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A test failed.
    Caught,
    /// A test did not end.
    TimedOut,
    /// It does not compile.
    Unviable,
    /// The quick tests passed; the others have not had their try.
    Undecided,
    /// Every test passed.
    Missed,
}

/// One mutant.
pub struct Mutant {
    /// As cargo-mutants names it, with file and line.
    pub name: String,
    /// The mutated file.
    pub file: String,
    /// What became of it, if it was run.
    pub outcome: Option<Outcome>,
}

impl Mutant {
    /// Whether it was run, and no test has noticed it so far.
    pub fn is_open(&self) -> bool {
        self.outcome.is_some_and(Outcome::is_open)
    }
}

impl Outcome {
    fn is_open(self) -> bool {
        matches!(self, Outcome::Undecided | Outcome::Missed)
    }
}

/// The mutants of one file.
#[derive(Default, Serialize, Deserialize)]
struct File {
    tool: String,
    date: String,
    /// A hash of the source that was mutated, without its comments.
    source: String,
    /// How many mutants the file has.
    mutants: usize,
    /// Those that were run.
    outcomes: BTreeMap<String, Outcome>,
}

/// All files.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Record(BTreeMap<String, File>);

/// A mutant that nobody noticed.
pub struct Survivor {
    /// Its name, with file and line.
    pub mutant: String,
    /// Why it changes nothing, if that is known.
    pub reason: Option<String>,
    /// Whether some tests have not had their try yet.
    undecided: bool,
}

impl Survivor {
    /// Why it survived.
    pub fn why(&self) -> &str {
        match &self.reason {
            Some(reason) => reason,
            None if self.undecided => "undecided: not all tests have had their try",
            None => "SURVIVED",
        }
    }
}

#[derive(Deserialize)]
struct Equivalents {
    equivalent: Vec<Equivalent>,
}

#[derive(Deserialize)]
struct Equivalent {
    file: String,
    /// The mutant's name without its line, which changes too often.
    mutant: String,
    /// How many mutants of that name may survive.
    #[serde(default = "one")]
    count: usize,
    reason: String,
}

fn one() -> usize {
    1
}

impl Record {
    fn read() -> io::Result<Self> {
        match fs::read_to_string(RECORD) {
            Ok(text) => Ok(serde_json::from_str(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Record::default()),
            Err(error) => Err(error),
        }
    }

    /// What is known of the files that have these mutants, in the sources as they are, and of all others.
    pub fn of_these_sources(tool: &str, mutants: &[Mutant]) -> io::Result<Self> {
        let mut record = Record::read()?;
        let mut counts = BTreeMap::<_, usize>::new();
        mutants.iter().for_each(|mutant| *counts.entry(&mutant.file).or_default() += 1);
        let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        for (name, mutants) in counts {
            let source = hash(Path::new(name))?;
            let known = record.0.remove(name).filter(|file| file.source == source);
            let outcomes = known.map(|file| file.outcomes).unwrap_or_default();
            let file = File { tool: tool.into(), date: date[..10].into(), source, mutants, outcomes };
            record.0.insert(name.clone(), file);
        }
        Ok(record)
    }

    /// The mutant with what is known of it.
    pub fn recall(&self, mutant: &Mutant) -> Mutant {
        let outcome = self.0.get(&mutant.file).and_then(|file| file.outcomes.get(&mutant.name)).copied();
        Mutant { name: mutant.name.clone(), file: mutant.file.clone(), outcome }
    }

    /// The names of those that every test has missed, and for a known reason.
    pub fn settled(&self) -> BTreeSet<String> {
        let settled = self.survivors().into_iter().filter(|survivor| !survivor.undecided && survivor.reason.is_some());
        settled.map(|survivor| survivor.mutant).collect()
    }

    /// Adds what a run found, and writes the whole.
    pub fn enter(&mut self, found: Vec<Mutant>) -> io::Result<()> {
        for Mutant { name, file, outcome } in found {
            let outcomes = &mut self.0.entry(file).or_default().outcomes;
            outcome.and_then(|outcome| outcomes.insert(name, outcome));
        }
        fs::write(RECORD, serde_json::to_string_pretty(self)? + "\n")
    }

    /// The mutants that nobody noticed, with the reasons that are known.
    pub fn survivors(&self) -> Vec<Survivor> {
        let mut reasons = equivalent_mutants();
        let missed = self.0.iter().flat_map(|(file, entry)| entry.missed().map(move |missed| (file, missed)));
        missed
            .map(|(file, (mutant, outcome))| {
                let what = without_line(mutant);
                let known = reasons.iter_mut().find(|e| e.file == *file && e.mutant == what && e.count > 0);
                let reason = known.map(|equivalent| {
                    equivalent.count -= 1;
                    equivalent.reason.clone()
                });
                Survivor { mutant: mutant.into(), reason, undecided: outcome == Outcome::Undecided }
            })
            .collect()
    }
}

impl File {
    /// Those that no test has noticed so far.
    fn missed(&self) -> impl Iterator<Item = (&str, Outcome)> {
        let outcomes = self.outcomes.iter().map(|(name, &outcome)| (name.as_str(), outcome));
        outcomes.filter(|(_, outcome)| outcome.is_open())
    }

    fn count(&self, of: &[Outcome]) -> usize {
        self.outcomes.values().filter(|outcome| of.contains(outcome)).count()
    }
}

fn equivalent_mutants() -> Vec<Equivalent> {
    let text = include_str!("../../../../equivalent-mutants.toml");
    toml::from_str::<Equivalents>(text).unwrap_or_else(|error| panic!("{EQUIVALENT}: {error}")).equivalent
}

/// `src/layout.rs:7:9: replace a with b in c` → `replace a with b in c`.
fn without_line(name: &str) -> &str {
    name.splitn(4, ':').nth(3).unwrap_or(name).trim()
}

/// Of the code alone, and of where it stands: what a comment says makes no mutant.
fn hash(file: &Path) -> io::Result<String> {
    let source = fs::read_to_string(file)?;
    let code = source.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    Ok(format!("{:016x}", xxh3_64(code.collect::<Vec<_>>().join("\n").as_bytes())))
}

/// What is known of each source file.
pub fn table() -> io::Result<Table> {
    let record = Record::read()?;
    let survivors = record.survivors();
    let with_reason: BTreeSet<&str> =
        survivors.iter().filter(|survivor| survivor.reason.is_some()).map(|s| s.mutant.as_str()).collect();
    let mut rows = Vec::new();
    for path in sources(Path::new("src"))? {
        let name = path.display().to_string();
        let Some(file) = record.0.get(&name) else {
            rows.push([name, "*not run*".into()].into_iter().chain(std::iter::repeat_n(String::new(), 7)).collect());
            continue;
        };
        let (equivalent, open): (Vec<_>, Vec<_>) = file.missed().partition(|(mutant, _)| with_reason.contains(mutant));
        let open = |as_what: Outcome| open.iter().filter(|(_, outcome)| *outcome == as_what).count().to_string();
        let run = match file.outcomes.len() {
            run if run == file.mutants => run.to_string(),
            run => format!("{run} of {}", file.mutants),
        };
        let source = if hash(&path)? == file.source { "this one" } else { "an older one" };
        rows.push(vec![
            name,
            run,
            file.count(&[Outcome::Caught, Outcome::TimedOut]).to_string(),
            file.count(&[Outcome::Unviable]).to_string(),
            equivalent.len().to_string(),
            open(Outcome::Undecided),
            open(Outcome::Missed),
            source.into(),
            format!("{}, {}", file.tool, file.date),
        ]);
    }
    let header = vec![
        "file",
        "mutants",
        "caught",
        "do not compile",
        "change nothing",
        "undecided",
        "survived",
        "source",
        "run with",
    ];
    Ok(Table::new(header, rows))
}

/// The mutants that change nothing, and why.
pub fn equivalents() -> io::Result<Table> {
    let row = |survivor: &Survivor| vec![format!("`{}`", survivor.mutant.replace('|', "\\|")), survivor.why().into()];
    let rows = Record::read()?.survivors().iter().map(row).collect();
    Ok(Table::new(vec!["mutant that nobody notices", "why"], rows))
}

/// The Rust files of a folder, in order.
fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files.extend(sources(&path)?),
            false if path.extension().is_some_and(|extension| extension == "rs") => files.push(path),
            false => {}
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::{File, Outcome, Record, equivalent_mutants, without_line};

    #[test]
    fn a_reason_covers_as_many_mutants_as_it_says() {
        let reasons = equivalent_mutants();
        assert!(reasons.iter().all(|equivalent| !equivalent.reason.is_empty()));
        let outcomes =
            [("src/a.rs:1:2: replace x with y", Outcome::Missed), ("src/a.rs:2:2: delete z", Outcome::Caught)];
        let file = File { outcomes: outcomes.map(|(name, outcome)| (name.into(), outcome)).into(), ..File::default() };
        let survivors = Record([("src/a.rs".into(), file)].into()).survivors();
        let names: Vec<_> = survivors.iter().map(|s| (without_line(&s.mutant), s.reason.as_deref())).collect();
        assert_eq!(names, [("replace x with y", None)]);
    }
}
