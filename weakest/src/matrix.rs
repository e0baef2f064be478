//! The mutation matrix: every ordering weakened in turn, until a scenario fails.
//!
//! An ordering that no scenario kills is stronger than it needs to be, or the suite lacks the scenario that needs it. A kill
//! counts only if the same scenario passes under the same engine with every ordering as it ships.

use crate::facade::{Order, Site};
use crate::parallel;
use crate::run::{Changes, Mutant, Run, Verdict};
use crate::shard::Shard;
use crate::suite::Entry;
use crate::trace::Trace;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// How long a mutant is chased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chase {
    /// Until the first kill.
    #[default]
    UntilKilled,
    /// Further, where the first kills leave a declared pairing without a witness: until one shows it.
    UntilWitnessed,
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
    /// Which of the mutants.
    pub shard: Shard,
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
            shard: Shard::WHOLE,
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
}

impl Kill {
    /// Whether both sites are part of the failing execution, on different threads.
    pub fn involves(&self, site: &str, pair: &str) -> bool {
        let lanes = |name: &str| -> BTreeSet<usize> {
            let there = self.trace.events.iter().filter(|event| event.site.is_some_and(|at| at.name == name));
            there.map(|event| event.thread).collect()
        };
        let (own, others) = (lanes(site), lanes(pair));
        others.iter().any(|lane| own.iter().any(|mine| mine != lane))
    }
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
    /// No scenario failed, but none was run by an engine that [judges](crate::suite::Engine::judges) this ordering.
    CannotTell,
}

impl Fate {
    /// In a word or two that stay the same.
    pub fn word(self) -> &'static str {
        match self {
            Fate::Killed => "killed",
            Fate::Survived => "survived",
            Fate::Undecided => "undecided",
            Fate::CannotTell => "cannot tell",
        }
    }
}

/// One mutant's row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The site, with the ordering that ships.
    pub site: &'static Site,
    /// The ordering tried instead.
    pub order: Order,
    /// Who killed it, the first one first.
    pub killed_by: Vec<Kill>,
    /// What became of it.
    pub fate: Fate,
    /// How many entries of the suite it was run against.
    pub tried: usize,
}

/// All mutants of a table of sites.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The table.
    pub sites: &'static [Site],
    /// What killed a mutant, or nothing did, with every ordering as it ships.
    pub baseline: Vec<Run>,
    /// A row for each mutant, in the table's order.
    pub rows: Vec<Row>,
}

/// Two sites that the table declares to be two sides of one thing.
#[derive(Clone, Copy, Debug)]
pub struct Pairing<'a> {
    /// The one that comes first in the table.
    pub site: &'static str,
    /// The other.
    pub pair: &'static str,
    /// A kill in which the two take part, with the mutant's row.
    pub witness: Option<(&'a Row, &'a Kill)>,
}

impl Matrix {
    /// The mutants that every scenario passed.
    pub fn survivors(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.fate == Fate::Survived)
    }

    /// The declared pairings, each once.
    ///
    /// A witness is a kill of a mutant of either site in whose failing execution both take part, on different threads.
    /// Where neither site has anything to weaken, the mutant may be any: the two are then ordered by a third.
    pub fn pairings(&self) -> Vec<Pairing<'_>> {
        let mut pairings: Vec<Pairing> = Vec::new();
        for site in self.sites {
            for &pair in site.pairs_with {
                if !pairings.iter().any(|other| other.site == pair && other.pair == site.name) {
                    pairings.push(Pairing { site: site.name, pair, witness: self.witness(site.name, pair) });
                }
            }
        }
        pairings
    }

    /// The declared pairings without a witness. With [`Chase::UntilKilled`] one may be missing only because another
    /// scenario killed the mutant first.
    pub fn unwitnessed(&self) -> Vec<(&'static str, &'static str)> {
        let without = self.pairings().into_iter().filter(|pairing| pairing.witness.is_none());
        without.map(|pairing| (pairing.site, pairing.pair)).collect()
    }

    fn witness(&self, site: &str, pair: &str) -> Option<(&Row, &Kill)> {
        self.witnesses(site, pair).into_iter().next()
    }

    /// All kills that are witness of a pairing.
    pub fn witnesses(&self, site: &str, pair: &str) -> Vec<(&Row, &Kill)> {
        let kills = |at: usize| self.rows[at].killed_by.iter().map(move |kill| (&self.rows[at], kill));
        let concerned = self.concerned(site, pair).into_iter().flat_map(kills);
        concerned.filter(|(_, kill)| kill.involves(site, pair)).collect()
    }

    /// The rows whose kills may be witness of a pairing.
    fn concerned(&self, site: &str, pair: &str) -> Vec<usize> {
        let two = |site_of: &Site| [site, pair].contains(&site_of.name);
        let weakened = self.sites.iter().any(|site| two(site) && !site.weaker().is_empty());
        (0..self.rows.len()).filter(|&at| !weakened || two(self.rows[at].site)).collect()
    }
}

/// The suite. What a scenario does with every ordering as it ships is looked at when somebody asks for the first time: most mutants die
/// in the first few.
struct Suite {
    entries: Vec<Entry>,
    baseline: Vec<OnceLock<Run>>,
}

impl Suite {
    fn new(entries: &[Entry], stop: &Arc<AtomicBool>) -> Self {
        let stoppable =
            |entry: &Entry| Entry { case: entry.case.clone(), engine: entry.engine.clone().stopped_by(stop) };
        let entries: Vec<Entry> = entries.iter().map(stoppable).collect();
        Suite { baseline: entries.iter().map(|_| OnceLock::new()).collect(), entries }
    }

    /// An entry's run with every ordering as it ships.
    fn unmutated(&self, at: usize) -> &Run {
        self.baseline[at].get_or_init(|| self.entries[at].run(Changes::default()))
    }

    /// Whether an entry passes unmutated.
    fn is_sound(&self, at: usize) -> bool {
        self.unmutated(at).verdict.passed()
    }

    /// Whether an entry is known to pass whatever the ordering at a site: no execution of it comes there.
    fn never_comes_to(&self, at: usize, site: &Site) -> bool {
        let unmutated = self.unmutated(at);
        !self.entries[at].engine.heeds_what_is_never_done()
            && unmutated.verdict.passed()
            && !unmutated.reached.contains(site.name)
    }

    /// What became of a mutant that nothing killed.
    fn fate_of_the_living(&self, row: &Row) -> Fate {
        let all = 0..self.entries.len();
        match row.fate {
            _ if !all.clone().all(|at| self.is_sound(at)) => Fate::Undecided,
            Fate::Undecided => Fate::Undecided,
            _ if all.into_iter().any(|at| self.entries[at].engine.judges(row.site, row.order)) => Fate::Survived,
            _ => Fate::CannotTell,
        }
    }

    /// Runs what the row's mutant has not been tried against yet, until a kill is `enough`.
    fn chase(&self, row: &mut Row, enough: impl Fn(&Kill) -> bool) {
        let changes = Changes { mutant: Some(Mutant { site: row.site.name, order: row.order }), death: None };
        while row.tried < self.entries.len() {
            let at = row.tried;
            row.tried += 1;
            if self.never_comes_to(at, row.site) {
                continue;
            }
            let run = self.entries[at].run(changes);
            match run.verdict {
                // Where it fails unmutated it kills nothing.
                Verdict::Fail(trace) if self.is_sound(at) => {
                    let Run { scenario: case, engine, executions, replay, .. } = run;
                    row.fate = Fate::Killed;
                    row.killed_by.push(Kill { case, engine, executions, trace: *trace, replay });
                    if enough(&row.killed_by[row.killed_by.len() - 1]) {
                        break;
                    }
                }
                Verdict::Fail(_) | Verdict::Pass => {}
                _ if row.fate != Fate::Killed => row.fate = Fate::Undecided,
                _ => {}
            }
        }
    }
}

/// Runs every weaker ordering of every site against the suite, in the suite's order.
pub fn run(sites: &'static [Site], suite: &[Entry], options: &MatrixOptions) -> Matrix {
    let suite = Suite::new(suite, &options.stop);
    let mutants: Vec<(&'static Site, Order)> =
        sites.iter().flat_map(|site| site.weaker().iter().map(move |order| (site, *order))).collect();
    let mutants = options.shard.of(mutants);
    let rows = parallel::map(&mutants, options.workers, |&(site, order)| {
        let mut row = Row { site, order, killed_by: Vec::new(), fate: Fate::Survived, tried: 0 };
        suite.chase(&mut row, |_| options.chase != Chase::Always);
        options.progress.fetch_add(1, Relaxed);
        row
    });
    let mut matrix = Matrix { sites, baseline: Vec::new(), rows };
    for row in matrix.rows.iter_mut().filter(|row| row.fate != Fate::Killed) {
        row.fate = suite.fate_of_the_living(row);
    }
    if options.chase == Chase::UntilWitnessed {
        for (site, pair) in matrix.unwitnessed() {
            for at in matrix.concerned(site, pair) {
                if matrix.witness(site, pair).is_none() {
                    suite.chase(&mut matrix.rows[at], |kill| kill.involves(site, pair));
                }
            }
        }
    }
    matrix.baseline = suite.baseline.into_iter().filter_map(OnceLock::into_inner).collect();
    matrix
}
