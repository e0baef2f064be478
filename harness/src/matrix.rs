//! The mutation matrix: every ordering weakened in turn, until a scenario fails.
//!
//! An ordering that no scenario kills is stronger than it needs to be, or the suite lacks the scenario that needs it. A kill
//! counts only if the same scenario passes under the same engine with every ordering as it ships.

use crate::facade::{Operation, Order, Site};
use crate::parallel;
use crate::run::{Changes, Mutant, Run, Verdict};
use crate::suite::Entry;
use crate::trace::Trace;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// How long a mutant is chased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chase {
    /// Until the first kill.
    #[default]
    UntilKilled,
    /// Through the whole suite.
    Always,
}

/// How the matrix is run.
#[derive(Clone, Debug)]
pub struct MatrixOptions {
    /// How long each mutant is chased.
    pub chase: Chase,
    /// On how many threads.
    pub workers: usize,
    /// Stop when this becomes true; what was not tried is undecided.
    pub stop: Arc<AtomicBool>,
    /// Counts mutants as they are decided, for a progress bar.
    pub progress: Arc<AtomicU64>,
}

impl Default for MatrixOptions {
    /// Until killed, on all cores.
    fn default() -> Self {
        MatrixOptions {
            chase: Chase::UntilKilled,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            stop: Arc::default(),
            progress: Arc::default(),
        }
    }
}

/// One scenario's kill of a mutant.
#[derive(Clone, Debug)]
pub struct Kill {
    /// The scenario.
    pub case: String,
    /// The engine.
    pub engine: &'static str,
    /// Executions until it failed.
    pub executions: u64,
    /// How it failed.
    pub trace: Trace,
    /// How to see it again, if the engine needs more than the command.
    pub replay: Option<String>,
    /// The declared pairs of the mutated site whose events, on another thread, are part of the failing execution.
    pub witnessed: BTreeSet<&'static str>,
}

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A scenario failed.
    Killed,
    /// Every scenario passed.
    Survived,
    /// No scenario failed, but not all were run to their end.
    Undecided,
}

/// One mutant's row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The site, with the ordering that ships.
    pub site: &'static Site,
    /// The ordering tried instead.
    pub order: Order,
    /// Who killed it: one at most unless chased always.
    pub killed_by: Vec<Kill>,
    /// What became of it.
    pub fate: Fate,
}

/// All mutants of a table of sites.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The suite with every ordering as it ships.
    pub baseline: Vec<Run>,
    /// A row for each mutant, in the table's order.
    pub rows: Vec<Row>,
}

impl Matrix {
    /// The mutants that every scenario passed.
    pub fn survivors(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.fate == Fate::Survived)
    }

    /// The declared pairings, site and pair, that take part in no kill of either's mutants.
    ///
    /// With [`Chase::UntilKilled`] a pairing may be missing only because another one killed the mutant first.
    pub fn unwitnessed(&self) -> Vec<(&'static str, &'static str)> {
        let witnessed: BTreeSet<(&str, &str)> = (self.rows.iter())
            .flat_map(|row| {
                row.killed_by.iter().flat_map(|kill| kill.witnessed.iter().map(|pair| (row.site.name, *pair)))
            })
            .collect();
        let sites: BTreeSet<_> = self.rows.iter().map(|row| (row.site.name, row.site.pairs_with)).collect();
        let declared = sites.iter().flat_map(|(site, pairs)| pairs.iter().map(|pair| (*site, *pair)));
        declared.filter(|&(a, b)| !witnessed.contains(&(a, b)) && !witnessed.contains(&(b, a))).collect()
    }
}

/// The orderings weaker than the shipped one that its operation may have.
pub fn weaker(site: &Site) -> impl Iterator<Item = Order> {
    let operation = site.operation;
    site.weaker().iter().copied().filter(move |order| match operation {
        Operation::Load => matches!(order, Order::Acquire | Order::Relaxed),
        Operation::Store => matches!(order, Order::Release | Order::Relaxed),
        _ => true,
    })
}

/// Runs every weaker ordering of every site against the suite, in the suite's order.
pub fn run(sites: &'static [Site], suite: &[Entry], options: &MatrixOptions) -> Matrix {
    let suite: Vec<Entry> = (suite.iter())
        .map(|entry| Entry { case: entry.case.clone(), engine: entry.engine.clone().stopped_by(&options.stop) })
        .collect();
    let baseline = parallel::map(&suite, options.workers, |entry| entry.run(Changes::default()));
    let sound: Vec<&Entry> =
        suite.iter().zip(&baseline).filter(|(_, run)| run.verdict.passed()).map(|(e, _)| e).collect();
    let complete = sound.len() == suite.len();
    let mutants: Vec<(&'static Site, Order)> =
        sites.iter().flat_map(|site| weaker(site).map(move |order| (site, order))).collect();
    let rows = parallel::map(&mutants, options.workers, |&(site, order)| {
        let row = chase(site, order, &sound, complete, options);
        options.progress.fetch_add(1, Relaxed);
        row
    });
    Matrix { baseline, rows }
}

fn chase(site: &'static Site, order: Order, suite: &[&Entry], mut complete: bool, options: &MatrixOptions) -> Row {
    let changes = Changes { mutant: Some(Mutant { site: site.name, order }), death: None };
    let mut killed_by = Vec::new();
    for entry in suite {
        let run = entry.run(changes);
        match run.verdict {
            Verdict::Fail(trace) => killed_by.push(Kill {
                case: run.scenario,
                engine: run.engine,
                executions: run.executions,
                witnessed: witnessed(site, &trace),
                trace: *trace,
                replay: run.replay,
            }),
            Verdict::Pass => {}
            _ => complete = false,
        }
        if !killed_by.is_empty() && options.chase == Chase::UntilKilled {
            break;
        }
    }
    let fate = match (killed_by.is_empty(), complete) {
        (false, _) => Fate::Killed,
        (true, true) => Fate::Survived,
        (true, false) => Fate::Undecided,
    };
    Row { site, order, killed_by, fate }
}

/// The pairs of `site` that stand in the trace on another lane than an event at `site`.
fn witnessed(site: &Site, trace: &Trace) -> BTreeSet<&'static str> {
    let lanes = |name: &str| -> BTreeSet<usize> {
        let there = trace.events.iter().filter(|event| event.site.is_some_and(|at| at.name == name));
        there.map(|event| event.thread).collect()
    };
    let own = lanes(site.name);
    let met = |pair: &&str| lanes(pair).iter().any(|lane| own.iter().any(|mine| mine != lane));
    site.pairs_with.iter().copied().filter(met).collect()
}
