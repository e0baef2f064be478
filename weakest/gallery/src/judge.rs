//! An exhibit before its judges.

use crate::{Exhibit, Known};
use serde::Serialize;
use std::time::{Duration, Instant};
use weakest::draw::text::{Colour, draw};
use weakest::engine::loom::LoomOptions;
use weakest::engine::shuttle::ShuttleOptions;
use weakest::explorer::ExplorerOptions;
use weakest::matrix::{self, Chase, Fate, MatrixOptions};
use weakest::run::{Changes, Run, Verdict};
use weakest::suite::{Engine, Entry};

/// What one engine says of an exhibit.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The exhibit.
    pub name: String,
    /// `good` or `bad`.
    pub known: &'static str,
    /// `pass`, `fail`, `cut` and so on, as a run's verdict; with a fault's name after `fail`.
    pub verdict: String,
    /// The engine.
    pub engine: &'static str,
    /// States, if the engine has any; executions otherwise.
    pub states: u64,
    /// Of all runs, the matrix too.
    pub seconds: f64,
    /// How many weaker orderings were tried, and all but the listed ones killed.
    pub orderings: Option<usize>,
    /// Where the algorithm or its bug is from.
    pub source: &'static str,
    /// What should not be so; nothing if all is as known.
    pub surprise: Option<String>,
    /// The counterexample.
    pub picture: Option<String>,
}

/// A search this large is no example any more.
const MAX_STATES: u64 = 3_000_000;
/// A sampler's share, as shuttle's: executions on the explorer's machine, with its stale reads, but at random as Miri's are.
const SAMPLES: u64 = 1_000;
/// loom's share: it stops at the first failure, and here.
const EXECUTIONS: u64 = 5_000;

/// The explorer's row, which must be as known; and for what is bad, what loom, shuttle and a sampler say, for comparison.
pub fn judge(exhibit: &Exhibit, compare: bool) -> Vec<Row> {
    let explorer = Engine::Explorer(ExplorerOptions {
        deaths: exhibit.deaths,
        max_states: Some(MAX_STATES),
        ..ExplorerOptions::default()
    });
    let mut rows = vec![match &exhibit.known {
        Known::Good(_) => good(exhibit, &explorer),
        Known::Bad(..) => bad(exhibit, &explorer, true),
    }];
    if compare && matches!(exhibit.known, Known::Bad(..)) && exhibit.deaths == 0 {
        let loom = LoomOptions { preemption_bound: Some(3), max_executions: Some(EXECUTIONS), ..Default::default() };
        rows.push(bad(exhibit, &Engine::Loom(loom), false));
        rows.push(bad(exhibit, &Engine::Shuttle(ShuttleOptions::default()), false));
        let sampler = ExplorerOptions { samples: Some(SAMPLES), workers: 1, ..ExplorerOptions::default() };
        rows.push(Row { engine: "sampler", ..bad(exhibit, &Engine::Explorer(sampler), false) });
    }
    rows
}

fn entries(exhibit: &Exhibit, engine: &Engine) -> Vec<Entry> {
    exhibit.cases.iter().map(|case| Entry { case: case.clone(), engine: engine.clone() }).collect()
}

fn row(exhibit: &Exhibit, engine: &Engine, runs: &[Run], elapsed: Duration) -> Row {
    let worst = runs.iter().find(|run| !run.verdict.passed());
    let states = runs.iter().map(|run| run.states.unwrap_or(run.executions)).sum();
    let (verdict, picture) = match worst.map(|run| &run.verdict) {
        None => ("pass".into(), None),
        Some(Verdict::Fail(trace)) => (format!("fail: {:?}", trace.fault), Some(draw(trace, Colour::Off))),
        Some(other) => (other.word().into(), None),
    };
    Row {
        name: exhibit.name.into(),
        known: if matches!(exhibit.known, Known::Good(_)) { "good" } else { "bad" },
        verdict,
        engine: engine.name(),
        states,
        seconds: elapsed.as_secs_f64(),
        orderings: None,
        source: exhibit.source,
        surprise: None,
        picture,
    }
}

/// What is bad must fail as known, in one of its scenarios; the others need not.
fn bad(exhibit: &Exhibit, engine: &Engine, must: bool) -> Row {
    let Known::Bad(fault, mutant) = &exhibit.known else { unreachable!("asked of what is bad") };
    let begun = Instant::now();
    let mut runs = Vec::new();
    for entry in entries(exhibit, engine) {
        runs.push(entry.run(Changes { mutant: *mutant, death: None }));
        if matches!(runs[runs.len() - 1].verdict, Verdict::Fail(_)) {
            break;
        }
    }
    let mut row = row(exhibit, engine, &runs, begun.elapsed());
    let expected = format!("fail: {fault:?}");
    if must && row.verdict != expected {
        row.surprise = Some(format!("{} where {expected} is known", row.verdict));
    }
    row
}

/// What is good must pass, and none of its orderings may be stronger than needed but those that it lists.
fn good(exhibit: &Exhibit, engine: &Engine) -> Row {
    let Known::Good(stronger) = &exhibit.known else { unreachable!("asked of what is good") };
    let begun = Instant::now();
    let suite = entries(exhibit, engine);
    let runs: Vec<Run> = suite.iter().map(|entry| entry.run(Changes::default())).collect();
    let mut row = row(exhibit, engine, &runs, begun.elapsed());
    if row.verdict != "pass" {
        row.surprise = Some(format!("{} where it is known to be right", row.verdict));
        return row;
    }
    let mut surprises = Vec::new();
    for site in exhibit.sites.iter().filter(|site| runs.iter().all(|run| !run.reached.contains(site.name))) {
        surprises.push(format!("{site} is never reached"));
    }
    let options = MatrixOptions { chase: Chase::UntilKilled, ..MatrixOptions::default() };
    let matrix = matrix::run(exhibit.sites, &suite, &options);
    for mutant in &matrix.rows {
        let listed = stronger.iter().any(|(site, order, _)| *site == mutant.site.name && *order == mutant.order);
        match (mutant.fate, listed) {
            (Fate::Killed, false) | (Fate::Survived, true) => {}
            (fate, false) => surprises.push(format!("{} weakened to {}: {}", mutant.site, mutant.order, fate.word())),
            (fate, true) => surprises.push(format!(
                "{} weakened to {}: {}, and listed as stronger than needed",
                mutant.site,
                mutant.order,
                fate.word()
            )),
        }
    }
    row.orderings = Some(matrix.rows.len());
    row.seconds = begun.elapsed().as_secs_f64();
    row.surprise = (!surprises.is_empty()).then(|| surprises.join("; "));
    row
}
