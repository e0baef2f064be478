//! Whether the tables of a Markdown file are still what a run writes.
//!
//! The file holds what a run of the default level wrote. A run of any level checks what it can: the sites and the matrix
//! wholly, generated programs and what each memory needs at the default level, models and sweeps where it ran the same, and by name that none is missing and none is left over.

use crate::table::{self, Table};
use crate::{markdown, memories, mutants};
use iobring_models::programs::run::Outcome;
use iobring_models::suite::{self, Level};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use weakest::report::Results;
use weakest::run::Coverage;

/// The ways in which the tables of `path` differ from what this run found, one sentence each.
pub fn differences(
    path: &Path,
    level: Level,
    results: &Results,
    programs: &Option<Outcome>,
) -> io::Result<Vec<String>> {
    let mut differences = Vec::new();
    if !results.memories.is_empty() {
        let table = memories::table(&results.memories);
        whole("memories", &markdown::read(path, "memories")?, &table, &mut differences);
    }
    if results.models.is_empty() {
        return Ok(differences);
    }
    if let (Level::Default, Some(programs)) = (level, programs) {
        for (name, table) in [("programs", table::programs(programs)), ("pairs", table::pairs(programs))] {
            whole(name, &markdown::read(path, name)?, &table, &mut differences);
        }
    }
    let tables = [
        ("sites", table::sites()),
        ("matrix", table::matrix(results)),
        ("mutants", mutants::table()?),
        ("equivalent-mutants", mutants::equivalents()?),
    ];
    for (name, table) in tables {
        whole(name, &markdown::read(path, name)?, &table, &mut differences);
    }
    let written = markdown::read(path, "models")?;
    let sampled = |at: usize| matches!(results.models[at].coverage, Coverage::Sampled(_));
    part("models", &written, &table::models(&results.models), sampled, &mut differences);
    let name = |entry: &weakest::suite::Entry| format!("{} under {}", entry.case.name(), entry.engine.name());
    let there = written.iter().map(|row| format!("{} under {}", row[0], row[1])).collect();
    names("models", &there, |level| suite::models(level).iter().map(name).collect(), &mut differences);

    let written = markdown::read(path, "sweeps")?;
    part("sweeps", &written, &table::sweeps(&results.sweeps), |_| false, &mut differences);
    let there = written.iter().map(|row| row[0].clone()).collect();
    names("sweeps", &there, |level| suite::sweeps(level).iter().map(|e| e.case.name()).collect(), &mut differences);
    Ok(differences)
}

/// Both have the same rows in the same order.
fn whole(name: &str, written: &[Vec<String>], table: &Table, differences: &mut Vec<String>) {
    let found = table.lasting();
    for row in found.iter().filter(|row| !written.contains(row)) {
        differences.push(format!("{name}: not written: {}", row.join(" | ")));
    }
    for row in written.iter().filter(|row| !found.contains(row)) {
        differences.push(format!("{name}: no longer so: {}", row.join(" | ")));
    }
    if differences.is_empty() && *written != found {
        differences.push(format!("{name}: the rows are in another order"));
    }
}

/// Each row that this run found is written; of a `loose` one only the first two cells.
fn part(
    name: &str,
    written: &[Vec<String>],
    table: &Table,
    loose: impl Fn(usize) -> bool,
    differences: &mut Vec<String>,
) {
    for (at, row) in table.lasting().iter().enumerate() {
        let same = |other: &&Vec<String>| if loose(at) { other[..2] == row[..2] } else { *other == row };
        if !written.iter().any(|other| same(&other)) {
            differences.push(format!("{name}: not written: {}", row.join(" | ")));
        }
    }
}

/// Everything of the default level is written, and nothing that no level has.
fn names(
    table: &str,
    written: &BTreeSet<String>,
    of: impl Fn(Level) -> BTreeSet<String>,
    differences: &mut Vec<String>,
) {
    let all: BTreeSet<String> = [Level::Quick, Level::Default, Level::Full].into_iter().flat_map(&of).collect();
    differences.extend(of(Level::Default).difference(written).map(|name| format!("{table}: {name} is missing")));
    differences.extend(written.difference(&all).map(|name| format!("{table}: there is no {name} any more")));
}
