//! The tables: of models, of the matrix, of the sweeps, and of the sites themselves.
//!
//! Each is a header and rows of text, so that the terminal and Markdown show the same.

use comfy_table::presets;
use iobring::protocol::sites;
use iobring_models::programs::feature::{Pair, Triple};
use iobring_models::programs::run::{Outcome, Tally};
use std::collections::BTreeSet;
use std::fmt;
use weakest::matrix::{Fate, Kill, Matrix, Row};
use weakest::report::Results;
use weakest::run::Run;
use weakest::sweep::Sweep;

/// Columns that differ from machine to machine: for the terminal only.
const PASSING: [&str; 2] = ["per second", "time"];

/// A table of text.
pub struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl fmt::Display for Table {
    /// For a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(&self.header);
        table.add_rows(&self.rows);
        table.fmt(f)
    }
}

impl Table {
    /// A table of these columns.
    pub fn new(header: Vec<&'static str>, rows: Vec<Vec<String>>) -> Self {
        Table { header, rows }
    }

    /// For a Markdown file: what is the same wherever it is run.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let header = self.kept(&self.header);
        let rule = vec![String::from("---"); header.len()];
        [header, rule].iter().chain(&self.lasting()).map(|cells| line(cells)).collect()
    }

    /// The rows as a Markdown file has them.
    pub fn lasting(&self) -> Vec<Vec<String>> {
        self.rows.iter().map(|row| self.kept(row)).collect()
    }

    fn kept(&self, cells: &[impl ToString]) -> Vec<String> {
        let lasting = self.header.iter().zip(cells).filter(|(column, _)| !PASSING.contains(column));
        lasting.map(|(_, cell)| cell.to_string().replace('\n', " ")).collect()
    }
}

/// All models, one per row.
pub fn models(runs: &[Run]) -> Table {
    let row = |run: &Run| {
        vec![
            run.scenario.clone(),
            run.engine.into(),
            run.executions.to_string(),
            run.states.map_or_else(|| "-".into(), |states| states.to_string()),
            run.statistics.map_or_else(|| "-".into(), |taken| format!("{:.0}", taken.states_per_second)),
            run.statistics.map_or_else(|| "-".into(), |taken| format!("{:.0}", taken.bytes_per_state)),
            covered(run),
            run.verdict.to_string(),
            format!("{:.1} s", run.elapsed.as_secs_f64()),
        ]
    };
    Table {
        header: vec![
            "model",
            "engine",
            "executions",
            "states",
            "per second",
            "bytes each",
            "covered",
            "verdict",
            "time",
        ],
        rows: runs.iter().map(row).collect(),
    }
}

/// The generated programs, one shape per row.
pub fn programs(outcome: &Outcome) -> Table {
    let row = |tally: &Tally| {
        let Tally { shape, programs, states, answers, endless, cut } = tally;
        let mut row = vec![shape.clone()];
        row.extend([programs, states, answers, endless, cut].map(u64::to_string));
        row
    };
    let sum = |of: fn(&Tally) -> u64| outcome.tallies.iter().map(of).sum();
    let all = Tally {
        shape: "all".into(),
        programs: outcome.programs(),
        states: outcome.states(),
        answers: sum(|tally| tally.answers),
        endless: sum(|tally| tally.endless),
        cut: sum(|tally| tally.cut),
    };
    Table {
        header: vec!["shape", "programs", "states", "answers allowed", "may not end, not run", "cut"],
        rows: outcome.tallies.iter().chain([&all]).map(row).collect(),
    }
}

/// What meets in generated programs that were explored to their end, by kind.
pub fn pairs(outcome: &Outcome) -> Table {
    let kind = |pair: &Pair| match pair {
        Pair::Then(..) => "a call, then another in the same thread",
        Pair::Beside(..) => "a call beside another thread's",
        Pair::In(..) => "a call in a circumstance",
        Pair::Both(..) => "two circumstances",
    };
    let kinds: BTreeSet<&str> = outcome.covered.iter().chain(&outcome.uncovered).map(kind).collect();
    let row = |name: &str| {
        let count = |pairs: &BTreeSet<Pair>| pairs.iter().filter(|pair| kind(pair) == name).count().to_string();
        vec![name.into(), count(&outcome.covered), count(&outcome.uncovered)]
    };
    let triples = Triple::KINDS.iter().enumerate().map(|(number, name)| {
        let count = outcome.triples.iter().filter(|triple| triple.kind() == number).count();
        vec![name.to_string(), count.to_string(), "not counted".into()]
    });
    Table {
        header: vec!["what meets", "covered", "not covered"],
        rows: kinds.into_iter().map(row).chain(triples).collect(),
    }
}

/// Every weakened ordering, and who killed it: first by loom or the explorer, then by shuttle; and whether it can be seen
/// without stale reads.
pub fn matrix(results: &Results) -> Table {
    let row = |row: &Row| {
        let in_other = |other: &Option<Matrix>| -> Option<Row> {
            let rows = &other.as_ref()?.rows;
            rows.iter().find(|other| other.site.name == row.site.name && other.order == row.order).cloned()
        };
        let also = in_other(&results.sampled).and_then(|row| row.killed_by.into_iter().next());
        vec![
            row.site.name.into(),
            row.site.order.to_string(),
            row.order.to_string(),
            match (row.fate, row.killed_by.first()) {
                (Fate::Killed, Some(kill)) => killer(kill),
                (Fate::Survived, _) => "SURVIVED".into(),
                _ => "UNDECIDED".into(),
            },
            also.as_ref().map_or_else(|| "-".into(), killer),
            match in_other(&results.interleaved).map(|row| (row.fate, row.killed_by)) {
                Some((Fate::Killed, by)) => {
                    by.first().map_or_else(String::new, |kill| format!("{:?}", kill.trace.fault))
                }
                Some((Fate::Survived, _)) => "survives".into(),
                _ => "-".into(),
            },
        ]
    };
    Table {
        header: vec!["site", "ships", "weakened to", "killed by", "and by sampling", "without stale reads"],
        rows: results.matrix.iter().flat_map(|matrix| matrix.rows.iter().map(row)).collect(),
    }
}

fn killer(kill: &Kill) -> String {
    format!("{}/{}: {:?}, execution {}", kill.engine, kill.case, kill.trace.fault, kill.executions.max(1))
}

/// The crash sweeps, one per row.
pub fn sweeps(sweeps: &[Sweep]) -> Table {
    let row = |sweep: &Sweep| {
        let outcomes: BTreeSet<&str> =
            sweep.steps.iter().flat_map(|run| run.outcomes.iter().map(String::as_str)).collect();
        vec![
            sweep.case.clone(),
            sweep.name.clone(),
            sweep.steps.len().to_string(),
            sweep.executions().to_string(),
            sweep.steps.first().map_or_else(String::new, |run| run.coverage.to_string()),
            Vec::from_iter(outcomes).join(", "),
            if sweep.passed() { "survived".into() } else { "NOT SURVIVED".into() },
        ]
    };
    Table {
        header: vec!["model", "who dies", "at each of steps", "executions", "covered", "outcomes", "verdict"],
        rows: sweeps.iter().map(row).collect(),
    }
}

/// The table of sites, as the source has it.
pub fn sites() -> Table {
    let row = |site: &weakest::facade::Site| {
        vec![
            format!("`{}`", site.name),
            format!("{:?}", site.operation),
            site.order.to_string(),
            site.pairs_with.iter().map(|pair| format!("`{pair}`")).collect::<Vec<_>>().join(", "),
            site.reason.into(),
        ]
    };
    Table {
        header: vec!["site", "operation", "ordering", "pairs with", "why"],
        rows: sites::ALL.iter().map(row).collect(),
    }
}

/// What was covered, and what could happen meanwhile.
fn covered(run: &Run) -> String {
    match run.setting.as_str() {
        "" => run.coverage.to_string(),
        setting => format!("{}; {setting}", run.coverage),
    }
}
