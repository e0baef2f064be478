//! Runs programs, and counts.

use super::choose::{self, Shape};
use super::feature::{Pair, Triple, all_pairs};
use super::program::{Program, Specified};
use crate::suite::Level;
use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use weakest::explorer::{self, ExplorerOptions};
use weakest::run::{Changes, Run, Verdict};

/// What came of the programs of a shape.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// The shape, in words.
    pub shape: String,
    /// How many programs were run.
    pub programs: u64,
    /// How many states they have.
    pub states: u64,
    /// How many things they may leave, according to the specification.
    pub answers: u64,
    /// Programs that may wait for ever according to the specification, and were not run.
    pub endless: u64,
    /// Programs that were stopped, because they have too many states: they count for nothing.
    pub cut: u64,
}

/// What came of all programs.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// By shape.
    pub tallies: Vec<Tally>,
    /// The pairs that met in a program that was explored to its end.
    pub covered: BTreeSet<Pair>,
    /// The triples that did.
    pub triples: HashSet<Triple>,
    /// The pairs that met in none.
    pub uncovered: BTreeSet<Pair>,
    /// The programs that did not pass.
    pub failures: Vec<Run>,
}

impl Outcome {
    /// How many programs were run.
    pub fn programs(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.programs).sum()
    }

    /// How many states they have.
    pub fn states(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.states).sum()
    }
}

/// How programs are run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// On so many cores.
    pub workers: usize,
    /// A program with more states than this is cut.
    pub most: u64,
    /// Only those whose line contains this.
    pub only: Option<String>,
    /// Whether to end with the first that fails.
    pub first: bool,
    /// Ends the run.
    pub stop: Arc<AtomicBool>,
    /// How many programs were run.
    pub progress: Arc<AtomicU64>,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            most: choose::most_states(Level::Quick),
            only: None,
            first: false,
            stop: Arc::default(),
            progress: Arc::default(),
        }
    }
}

/// Runs the programs of these shapes, and then looks for the pairs that are still missing.
pub fn run(shapes: &[Shape], plan: &Plan) -> Outcome {
    let mut outcome = Outcome::default();
    for shape in shapes {
        plan.run(shape, &mut outcome);
    }
    if plan.only.is_none() && !plan.over(&outcome) {
        outcome.uncovered = &all_pairs() - &outcome.covered;
        plan.complete(&mut outcome);
    }
    outcome
}

impl Plan {
    fn over(&self, outcome: &Outcome) -> bool {
        self.stop.load(Ordering::Relaxed) || self.first && !outcome.failures.is_empty()
    }

    /// Runs programs on all cores.
    fn run(&self, shape: &Shape, outcome: &mut Outcome) {
        if self.over(outcome) {
            return;
        }
        let (programs, most) = (Mutex::new(shape.programs()), shape.most_states());
        outcome.tallies.push(Tally { shape: shape.name().into(), ..Tally::default() });
        let shared = Mutex::new(outcome);
        let work = || {
            loop {
                let next = lock(&programs).next();
                let Some(program) = next else { break };
                if self.only.as_ref().is_none_or(|text| program.to_string().contains(text)) {
                    let one = self.run_one(program, most);
                    self.take(one, &mut lock(&shared));
                }
                if self.over(&lock(&shared)) {
                    break;
                }
            }
        };
        std::thread::scope(|scope| {
            (0..self.workers.max(1)).for_each(|_| {
                scope.spawn(work);
            });
        });
    }

    /// Looks for programs in which the missing pairs meet.
    fn complete(&self, outcome: &mut Outcome) {
        outcome.tallies.push(Tally { shape: "for pairs still missing".into(), ..Tally::default() });
        for pair in outcome.uncovered.clone() {
            for program in choose::with(pair) {
                if outcome.covered.contains(&pair) || self.over(outcome) {
                    break;
                }
                self.take(self.run_one(program, self.most), outcome);
            }
        }
        outcome.uncovered = &outcome.uncovered - &outcome.covered;
    }

    /// Runs a program; `None` if it may wait for ever. One that fails is told of as short as it may be.
    fn run_one(&self, program: Program, most: u64) -> Option<(Specified, Run)> {
        let (specified, run) = self.check(program, most)?;
        self.progress.fetch_add(1, Ordering::Relaxed);
        let fails = |run: &Run| matches!(run.verdict, Verdict::Fail(_));
        if !fails(&run) {
            return Some((specified, run));
        }
        let shorter = choose::shortened(specified.program().clone(), |program| {
            self.check(program.clone(), most).is_some_and(|(_, run)| fails(&run))
        });
        self.check(shorter, most)
    }

    fn check(&self, program: Program, most: u64) -> Option<(Specified, Run)> {
        let options = ExplorerOptions { stop: Some(self.stop.clone()), ..program.options(most) };
        let specified = Specified::new(program)?;
        let run = explorer::check(&specified, Changes::default(), &options);
        Some((specified, run))
    }

    fn take(&self, one: Option<(Specified, Run)>, outcome: &mut Outcome) {
        let tally = outcome.tallies.last_mut().expect("a shape");
        let Some((specified, run)) = one else {
            tally.endless += 1;
            return;
        };
        tally.programs += 1;
        tally.states += run.states.unwrap_or(0);
        tally.answers += specified.answers() as u64;
        match run.verdict {
            Verdict::Pass => {
                outcome.covered.extend(specified.program().pairs());
                outcome.triples.extend(specified.program().triples());
            }
            Verdict::Cut => tally.cut += 1,
            _ => outcome.failures.push(run),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
