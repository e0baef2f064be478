//! The results as JSON, with stable keys: `models[].{name,engine,executions,exhausted,bound,verdict}`,
//! `programs.{count,states,cut,pairs,uncovered_pairs}`, `matrix[].{site,shipped,weakened,killed_by}`, `memories.NAME[]` like `matrix[]`,
//! `sweep[].{scenario,engine,step,outcome}`, and more beside them. `shard` has the whole plan where this is a part of it (see [`merge`](super::merge)).

use super::merge::Plan;
use super::{Programs, Results};
use crate::draw::text;
use crate::matrix::{Matrix, Pairing, Row};
use crate::run::{Coverage, Run};
use crate::sweep::Sweep;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

#[derive(Serialize)]
struct Document<'a> {
    verified: bool,
    partial: bool,
    complaints: Vec<String>,
    models: Vec<Model<'a>>,
    programs: Option<Generated<'a>>,
    matrix: Vec<Mutant<'a>>,
    pairings: Vec<Pair<'a>>,
    /// The matrix on each memory of the explorer's that was asked.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    memories: BTreeMap<&'static str, Vec<Mutant<'a>>>,
    sweep: Vec<Step<'a>>,
    reached: BTreeSet<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<&'a Part>,
}

/// Which part of which plan a document is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    /// Its number, from 0.
    pub part: usize,
    /// How many there are.
    pub parts: usize,
    /// The whole.
    pub plan: Plan,
}

/// Two sites declared to be two sides of one thing.
#[derive(Serialize)]
struct Pair<'a> {
    site: &'a str,
    pair: &'a str,
    witnessed: bool,
}

#[derive(Serialize)]
struct Model<'a> {
    name: &'a str,
    engine: &'a str,
    executions: u64,
    states: Option<u64>,
    states_per_second: Option<f64>,
    bytes_per_state: Option<f64>,
    transitions: Option<u64>,
    setting: &'a str,
    exhausted: bool,
    bound: Option<String>,
    verdict: &'static str,
    detail: String,
    outcomes: Vec<&'a str>,
    seconds: f64,
    replay: Option<&'a str>,
}

#[derive(Serialize)]
struct Generated<'a> {
    count: u64,
    states: u64,
    cut: u64,
    pairs: u64,
    uncovered_pairs: usize,
    uncovered: &'a [String],
}

#[derive(Serialize)]
struct Mutant<'a> {
    site: &'a str,
    shipped: &'static str,
    weakened: &'static str,
    fate: &'static str,
    killed_by: Vec<Killer<'a>>,
}

#[derive(Serialize)]
struct Killer<'a> {
    model: &'a str,
    engine: &'a str,
    executions: u64,
    fault: String,
    picture: String,
}

#[derive(Serialize)]
struct Step<'a> {
    scenario: &'a str,
    engine: &'a str,
    thread: &'a str,
    step: usize,
    before: Vec<&'static str>,
    outcome: String,
}

/// Writes the results to `path`.
pub fn write(path: &Path, results: &Results) -> io::Result<()> {
    let complaints = results.complaints();
    let reached = results.models.iter().chain(results.sweeps.iter().flat_map(|sweep| &sweep.steps));
    let document = Document {
        verified: complaints.is_empty() && !results.partial,
        partial: results.partial,
        complaints,
        models: results.models.iter().map(model).collect(),
        programs: results.programs.as_ref().map(generated),
        matrix: results.matrix.iter().flat_map(|matrix| matrix.rows.iter().map(mutant)).collect(),
        pairings: results.matrix.iter().flat_map(pairings).collect(),
        memories: (results.memories.iter())
            .map(|(memory, matrix)| (memory.name(), matrix.rows.iter().map(mutant).collect()))
            .collect(),
        sweep: results.sweeps.iter().flat_map(steps).collect(),
        reached: reached.flat_map(|run| run.reached.iter().copied()).collect(),
        shard: results.shard.as_ref(),
    };
    let mut file = File::create(path)?;
    serde_json::to_writer_pretty(&mut file, &document)?;
    writeln!(file)
}

fn model(run: &Run) -> Model<'_> {
    Model {
        name: &run.scenario,
        engine: run.engine,
        executions: run.executions,
        states: run.states,
        states_per_second: run.statistics.map(|taken| taken.states_per_second),
        bytes_per_state: run.statistics.map(|taken| taken.bytes_per_state),
        transitions: run.statistics.map(|taken| taken.transitions),
        setting: &run.setting,
        exhausted: run.coverage == Coverage::Exhausted,
        bound: (run.coverage != Coverage::Exhausted).then(|| run.coverage.to_string()),
        verdict: run.verdict.word(),
        detail: run.verdict.to_string(),
        outcomes: run.outcomes.iter().map(String::as_str).collect(),
        seconds: run.elapsed.as_secs_f64(),
        replay: run.replay.as_deref(),
    }
}

fn generated(programs: &Programs) -> Generated<'_> {
    Generated {
        count: programs.count,
        states: programs.states,
        cut: programs.cut,
        pairs: programs.pairs,
        uncovered_pairs: programs.uncovered.len(),
        uncovered: &programs.uncovered,
    }
}

fn mutant(row: &Row) -> Mutant<'_> {
    let killers = row.killed_by.iter().map(|kill| Killer {
        model: &kill.case,
        engine: kill.engine,
        executions: kill.executions,
        fault: format!("{:?}", kill.trace.fault),
        picture: text::draw(&kill.trace, Default::default()),
    });
    Mutant {
        site: row.site.name,
        shipped: row.site.order.name(),
        weakened: row.order.name(),
        fate: row.fate.word(),
        killed_by: killers.collect(),
    }
}

fn pairings(matrix: &Matrix) -> Vec<Pair<'static>> {
    let pair = |it: Pairing| Pair { site: it.site, pair: it.pair, witnessed: it.witness.is_some() };
    matrix.pairings().into_iter().map(pair).collect()
}

fn steps(sweep: &Sweep) -> impl Iterator<Item = Step<'_>> {
    sweep.steps.iter().enumerate().map(|(step, run)| Step {
        scenario: &sweep.case,
        engine: sweep.engine,
        thread: &sweep.name,
        step,
        before: run.killed_before.iter().copied().collect(),
        outcome: outcome(run),
    })
}

/// What became of a death: the outcomes if it was survived, otherwise the verdict.
pub(super) fn outcome(run: &Run) -> String {
    match run.verdict.passed() {
        true => Vec::from_iter(run.outcomes.iter().map(String::as_str)).join(", "),
        false => run.verdict.to_string(),
    }
}
