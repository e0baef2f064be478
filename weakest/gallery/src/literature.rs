//! The small programs by which the literature measures such tools, and what others say of them.
//!
//! GenMC counts execution graphs; its own tests state how many there are, under RC11 and where everything is sequentially consistent.
//! In a program whose every
//! read tells which write it read from, and whose writes are ordered by that, there are as many graphs as there are ways in which
//! the values read can come out. So its figures judge this explorer: it must find exactly as many. loom is asked for the same.

mod programs;

use comfy_table::{Table, presets};
use programs::{Entry, Literature};
use serde::Serialize;
use weakest::engine::loom::LoomOptions;
use weakest::explorer::{ExplorerOptions, Memory};
use weakest::run::{Changes, Coverage, Run};
use weakest::suite::{self, Engine};

/// Where the figures of execution graphs are from.
pub const SOURCE: &str =
    "GenMC 0.11.0, tests/correct/synthetic/*/expected.{rc11,sc}.mo.in (github.com/MPI-SWS/genmc, commit b03f01e)";

/// A search this large is stopped, and says so.
const MAX_STATES: u64 = 3_000_000;
/// Likewise.
const EXECUTIONS: u64 = 200_000;
/// loom takes five, its own among them.
const LOOMS_THREADS: usize = 4;

/// One program of one size.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The program's name in the literature.
    pub name: &'static str,
    /// Its size.
    pub size: usize,
    /// Whether everything is sequentially consistent, instead of as RC11 has it.
    pub sequential: bool,
    /// GenMC's execution graphs.
    pub graphs: u64,
    /// Whether there are as many outcomes as graphs.
    pub comparable: bool,
    /// What the explorer says.
    pub explorer: Answer,
    /// What loom says; nothing of more threads than it takes.
    pub loom: Option<Answer>,
}

/// What an engine says of it.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// How many ways there are in which the values read came out.
    pub outcomes: usize,
    /// States, if the engine has any; executions otherwise.
    pub effort: u64,
    /// How long it took.
    pub seconds: f64,
    /// Whether it came to its end.
    pub complete: bool,
}

impl Answer {
    fn of(run: &Run) -> Self {
        Answer {
            outcomes: run.outcomes.len(),
            effort: run.states.unwrap_or(run.executions),
            seconds: run.elapsed.as_secs_f64(),
            complete: run.coverage == Coverage::Exhausted,
        }
    }

    fn outcomes(&self) -> String {
        if self.complete { self.outcomes.to_string() } else { format!("{} (cut)", self.outcomes) }
    }
}

impl Row {
    /// What should not be so.
    pub fn surprise(&self) -> Option<String> {
        let (name, size, graphs, found) = (self.name, self.size, self.graphs, self.explorer.outcomes as u64);
        if self.comparable && self.explorer.complete && found != graphs {
            return Some(format!("{name}({size}): {found} outcomes where there are {graphs} execution graphs"));
        }
        (found > graphs)
            .then(|| format!("{name}({size}): {found} outcomes, which is more than {graphs} execution graphs"))
    }
}

/// Asks the explorer, and if `compare`, loom, about all programs whose name contains `filter` and that have at most so many graphs.
pub fn run(filter: &str, most: u64, compare: bool) -> Vec<Row> {
    let wanted = |entry: &&Entry| entry.kind.name().contains(filter) && entry.graphs <= most;
    programs::ALL_PROGRAMS.iter().filter(wanted).map(|entry| row(entry, compare)).collect()
}

fn row(entry: &Entry, compare: bool) -> Row {
    let &Entry { kind, size, graphs, sequential } = entry;
    let ask = |engine: Engine| suite::Entry::new(Literature { kind, size }, engine).run(Changes::default());
    let memory = if sequential { Memory::SequentiallyConsistent } else { Memory::ReleaseAcquire };
    let explorer =
        ask(Engine::Explorer(ExplorerOptions { memory, max_states: Some(MAX_STATES), ..Default::default() }));
    let loom = compare && !sequential && kind.threads(size) <= LOOMS_THREADS;
    let loom = loom.then(|| ask(Engine::Loom(LoomOptions { max_executions: Some(EXECUTIONS), ..Default::default() })));
    Row {
        name: kind.name(),
        size,
        sequential,
        graphs,
        comparable: kind.is_comparable(),
        explorer: Answer::of(&explorer),
        loom: loom.as_ref().map(Answer::of),
    }
}

/// As a page.
pub fn page(rows: &[Row]) -> String {
    format!(
        "# The programs of the literature\n\nWritten by `cargo gallery --literature --record FILE`. The threads note every value they \
         read; an outcome is what all of them noted. Where that tells the whole execution graph there must be as many outcomes as \
         graphs; elsewhere (≤) there may be fewer. The explorer is cut at {MAX_STATES} states, loom, without a bound on preemptions, at \
         {EXECUTIONS} executions; `-` is more threads than loom takes. Seconds are one run's on whatever machine wrote this.\n\n{}\n\n\
         Graphs: {SOURCE}.\n",
        table(rows)
    )
}

/// As a table.
pub fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "program",
        "GenMC: graphs",
        "explorer: outcomes",
        "states",
        "seconds",
        "loom: outcomes",
        "executions",
        "seconds",
    ]);
    for row in rows {
        let graphs = if row.comparable { row.graphs.to_string() } else { format!("≤ {}", row.graphs) };
        let loom = |of: fn(&Answer) -> String| row.loom.as_ref().map_or("-".into(), of);
        table.add_row([
            format!("{}({}){}", row.name, row.size, if row.sequential { ", SC" } else { "" }),
            graphs,
            row.explorer.outcomes(),
            row.explorer.effort.to_string(),
            format!("{:.2}", row.explorer.seconds),
            loom(Answer::outcomes),
            loom(|answer| answer.effort.to_string()),
            loom(|answer| format!("{:.2}", answer.seconds)),
        ]);
    }
    table
}
