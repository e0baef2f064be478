//! Everything that was found, and what that amounts to.

use super::json::Part;
use crate::explorer::Memory;
use crate::matrix::{Fate, Matrix};
use crate::run::Run;
use crate::sweep::Sweep;

/// Programs that were generated, not written.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    /// How many were run.
    pub count: u64,
    /// How many states they have, all together.
    pub states: u64,
    /// How many were stopped on the way, and count for nothing.
    pub cut: u64,
    /// How many pairs of what programs are made of met in one that was explored to its end.
    pub pairs: u64,
    /// The pairs that met in none.
    pub uncovered: Vec<String>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Results {
    /// The models.
    pub models: Vec<Run>,
    /// The programs that were generated; `None` if they were not run. Those that failed are among the models.
    pub programs: Option<Programs>,
    /// How many models were not begun, because somebody stopped the run.
    pub not_begun: usize,
    /// The matrix of weakened orderings against loom and the explorer; `None` if it was not run.
    pub matrix: Option<Matrix>,
    /// The same mutants against shuttle, whose happens-before tracker judges orderings too: for information.
    pub sampled: Option<Matrix>,
    /// The same mutants against the explorer where no read is stale: which of them need weak memory to be seen. For
    /// information.
    pub interleaved: Option<Matrix>,
    /// The same mutants on one memory of the explorer's each: which orderings each of them needs. For information.
    pub memories: Vec<(Memory, Matrix)>,
    /// Whether only a part was asked for: then this is no proof, whatever passes.
    pub partial: bool,
    /// Which part of what this is, if several machines share it: what only the whole can show is then no complaint.
    pub shard: Option<Part>,
    /// The sites that no model reaches and should.
    pub unreached: Vec<&'static str>,
    /// The crash sweeps; empty if they were not run.
    pub sweeps: Vec<Sweep>,
}

impl Results {
    /// What keeps this from being a proof, one sentence each. Empty: verified.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let failed = self.models.iter().filter(|run| !run.verdict.passed()).count();
        if failed > 0 {
            complaints.push(format!("{failed} of {} models did not pass", self.models.len()));
        }
        if self.not_begun > 0 {
            complaints.push(format!("stopped: {} models were not begun", self.not_begun));
        }
        if let Some(uncovered) = self.programs.as_ref().map(|programs| &programs.uncovered)
            && let Some(first) = uncovered.first()
        {
            complaints.push(format!("{} pairs meet in no generated program, such as {first}", uncovered.len()));
        }
        if let Some(matrix) = &self.matrix {
            for row in matrix.survivors() {
                complaints.push(format!("{} weakened to {} survived", row.site.name, row.order));
            }
            let whole = self.shard.is_none();
            for (site, pair) in matrix.unwitnessed().into_iter().filter(|_| whole) {
                complaints.push(format!("{site} is declared to pair with {pair}, but no kill shows the two at work"));
            }
            let undecided = matrix.rows.iter().filter(|row| row.fate == Fate::Undecided).count();
            for row in matrix.rows.iter().filter(|row| row.fate == Fate::CannotTell) {
                complaints.push(format!("whether {} may be {} no engine that ran can tell", row.site.name, row.order));
            }
            if undecided > 0 {
                complaints.push(format!("{undecided} weakened orderings were not decided"));
            }
        }
        for (memory, matrix) in &self.memories {
            let undecided = matrix.rows.iter().filter(|row| row.fate == Fate::Undecided).count();
            if undecided > 0 {
                complaints.push(format!("{undecided} weakened orderings were not decided on {}", memory.name()));
            }
        }
        for site in &self.unreached {
            complaints.push(format!("no model reaches {site}"));
        }
        for sweep in self.sweeps.iter().filter(|sweep| !sweep.passed()) {
            let at: Vec<String> = sweep.failures().map(|(step, _)| step.to_string()).collect();
            complaints.push(match at.is_empty() {
                true => format!("the sweep of {} in {} did not end", sweep.name, sweep.case),
                false => {
                    format!("{} in {}: death before step {} is not survived", sweep.name, sweep.case, at.join(", "))
                }
            });
        }
        complaints
    }
}
