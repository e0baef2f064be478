//! One call that makes a test of a protocol.
//!
//! ```no_run
//! # use weakest::{Program, Scenario, facade::Platform};
//! # weakest::facade::sites! { /// A load.
//! LOOK: Load Acquire, "to show"; }
//! # struct OneMessage;
//! # impl Scenario for OneMessage { fn program<P: Platform>(&self) -> Program { Program::new() } }
//! // #[test]
//! fn every_ordering_has_a_witness() {
//!     weakest::verify(ALL).scenario(OneMessage).run();
//! }
//! ```
//!
//! The explorer runs every scenario through all its states, and kills every mortal thread before each of its steps. Then each
//! ordering of the table is weakened in turn, and some scenario must fail. If anything is wrong the test panics with the
//! counterexample drawn, the reason in words, and the command that shows it again.

use crate::draw::text::{Colour, draw};
use crate::explorer::{ExplorerOptions, Often};
use crate::facade::Site;
use crate::matrix::{self, Chase, Fate, MatrixOptions, Row};
use crate::report::{Results, page};
use crate::run::{Changes, Coverage, Run, Verdict};
use crate::scenario::Scenario;
use crate::suite::{Case, Engine, Entry};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A scenario that is larger than this is cut, and fails: a test should end.
const MAX_STATES: u64 = 2_000_000;

/// loom's share, if it is given no limit.
#[cfg(feature = "loom")]
const PREEMPTIONS: usize = 3;

/// A protocol to be verified: its table of sites and its scenarios. Made by [`verify`].
#[must_use = "nothing is verified until it is run"]
pub struct Verification {
    sites: &'static [Site],
    cases: Vec<Arc<dyn Case>>,
    options: ExplorerOptions,
    others: Vec<Engine>,
    accepted: Vec<(&'static str, &'static str)>,
}

/// A test of the protocol with this table of sites. Add scenarios, then [`run`](Verification::run).
pub fn verify(sites: &'static [Site]) -> Verification {
    let options = ExplorerOptions {
        deaths: 1,
        spurious_wakes: Often::AtMost(1),
        max_states: Some(MAX_STATES),
        ..ExplorerOptions::default()
    };
    Verification { sites, cases: Vec::new(), options, others: Vec::new(), accepted: Vec::new() }
}

impl Verification {
    /// Adds a scenario.
    pub fn scenario(mut self, scenario: impl Scenario) -> Self {
        self.cases.push(Arc::new(scenario));
        self
    }

    /// Explores with other options than one death, one spurious wake-up and at most two million states.
    pub fn options(mut self, options: ExplorerOptions) -> Self {
        self.options = options;
        self
    }

    /// How many of the mortal threads may die in one execution.
    pub fn deaths(mut self, deaths: u8) -> Self {
        self.options.deaths = deaths;
        self
    }

    /// Runs the scenarios with another engine as well, such as loom or shuttle.
    ///
    /// loom without any limit ends in no time that one would wait for. If it is given none, of preemptions, executions or time, it is
    /// given three preemptions, and its runs say that they are bounded.
    pub fn also(mut self, engine: Engine) -> Self {
        let engine = match engine {
            #[cfg(feature = "loom")]
            Engine::Loom(options)
                if (options.preemption_bound, options.max_executions, options.max_time) == (None, None, None) =>
            {
                Engine::Loom(crate::engine::loom::LoomOptions { preemption_bound: Some(PREEMPTIONS), ..options })
            }
            other => other,
        };
        self.others.push(engine);
        self
    }

    /// Lets the ordering of `site` be stronger than any scenario needs, for this reason. A complaint if none is.
    pub fn accept(mut self, site: &'static Site, reason: &'static str) -> Self {
        self.accepted.push((site.name, reason));
        self
    }

    /// The scenarios with the engines that run them, the explorer first.
    pub fn suite(&self) -> Vec<Entry> {
        let engines = [Engine::Explorer(self.options.clone())].into_iter().chain(self.others.iter().cloned());
        let entries =
            |engine: Engine| self.cases.iter().map(move |case| Entry { case: case.clone(), engine: engine.clone() });
        engines.flat_map(entries).collect()
    }

    /// Runs everything: the scenarios, and if all of them pass, the matrix.
    pub fn results(&self) -> Results {
        let suite = self.suite();
        let models: Vec<Run> = suite.iter().map(|entry| entry.run(Changes::default())).collect();
        let reached = |site: &Site| models.iter().any(|run| run.reached.contains(site.name));
        let unreached = self.sites.iter().filter(|site| !reached(site)).map(|site| site.name).collect();
        let options = MatrixOptions { chase: Chase::UntilWitnessed, ..MatrixOptions::default() };
        // A failing scenario kills nothing: what it says about weaker orderings would mislead.
        let sound = models.iter().all(|run| run.verdict.passed());
        let matrix = sound.then(|| matrix::run(self.sites, &suite, &options));
        Results { models, matrix, unreached, ..Results::default() }
    }

    /// Runs everything, and says what was verified.
    ///
    /// If the environment variable `WEAKEST_PAGE` names a file, all of it is written there as an HTML page.
    ///
    /// # Panics
    /// If a scenario fails or is too large, an ordering is stronger than any scenario needs, a site is never reached, or a declared
    /// pair takes part in no kill.
    pub fn run(self) {
        let results = self.results();
        if let Some(file) = std::env::var_os("WEAKEST_PAGE") {
            let preface = page::Preface { title: test_name().unwrap_or("protocol".into()), ..Default::default() };
            std::fs::write(&file, page::draw(&preface, &results))
                .unwrap_or_else(|error| panic!("WEAKEST_PAGE={}: {error}", file.display()));
        }
        match self.judge(&results) {
            Ok(verified) => println!("{verified}"),
            Err(complaint) => panic!("{complaint}\nAgain: {}\n", command()),
        }
    }

    /// What was verified, or everything that is wrong.
    fn judge(&self, results: &Results) -> Result<String, String> {
        assert!(!self.cases.is_empty(), "nothing to verify: add a scenario");
        let failed: Vec<String> = results.models.iter().filter_map(failure).collect();
        if !failed.is_empty() {
            return Err(failed.join("\n"));
        }
        let matrix = results.matrix.as_ref().expect("all scenarios passed");
        let mut complaints = String::new();
        let mut left = String::new();
        let mut open: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
        for row in matrix.rows.iter().filter(|row| row.fate != Fate::Killed) {
            match self.accepted.iter().find(|(site, _)| *site == row.site.name) {
                Some((site, reason)) => left += &format!("  {site} could be {}: {reason}\n", row.order),
                None => open.entry((row.site.name, row.fate.word())).or_default().push(row),
            }
        }
        complaints.extend(open.values().map(|rows| survivors(rows) + "\n"));
        for (site, _) in &self.accepted {
            let killed = |row: &&Row| row.site.name == *site && row.fate != Fate::Killed;
            if !matrix.rows.iter().any(|row| killed(&row)) {
                complaints += &format!("{site} was accepted as stronger than needed, but it is not: take that back.\n");
            }
        }
        for site in &results.unreached {
            complaints += &format!("{site} is reached by no scenario.\n");
        }
        for (site, pair) in matrix.unwitnessed() {
            let accepted = self.accepted.iter().any(|(name, _)| [site, pair].contains(name));
            if !accepted {
                complaints += &format!("{site} is declared to pair with {pair}, but no kill shows the two at work.\n");
            }
        }
        if !complaints.is_empty() {
            return Err(complaints);
        }
        let (states, killed) = (results.models.iter().filter_map(|run| run.states).sum::<u64>(), matrix.rows.len());
        Ok(format!("verified: {} runs, {states} states, {killed} weaker orderings tried\n{left}", results.models.len()))
    }
}

/// Why a run is no pass, drawn where there is something to draw.
fn failure(run: &Run) -> Option<String> {
    let name = format!("{} ({})", run.scenario, run.engine);
    Some(match &run.verdict {
        Verdict::Pass => return None,
        Verdict::Fail(trace) => {
            let replay = run.replay.iter().map(|line| format!("Replay: {line}\n")).collect::<String>();
            format!("{name} fails.\n\n{}{replay}", draw(trace, Colour::Off))
        }
        Verdict::TooFew { expected } => format!(
            "{name}: only {} executions, and there must be at least {expected}: the engine has stopped trying some \
             interleavings, or the code does less than it did",
            run.executions
        ),
        Verdict::Unreached(outcomes) => format!(
            "{name}: the outcomes {outcomes:?} are listed and never happen; those that do are {:?}",
            run.outcomes
        ),
        Verdict::Cut => match &run.coverage {
            Coverage::Cut(why) => format!(
                "{name} was not searched to its end: {why}. Take fewer threads or fewer steps, say `P::retry` where a \
                 loop tries again, or allow more with `options`"
            ),
            coverage => format!("{name} was not searched to its end: {coverage}"),
        },
        Verdict::NotRun(why) => format!("{name} was not run: {why}"),
    })
}

/// The orderings of one site that nothing needs, in words.
fn survivors(rows: &[&Row]) -> String {
    let (site, shipped) = (rows[0].site.name, rows[0].site.order);
    let orders = rows.iter().map(|row| row.order.to_string()).collect::<Vec<_>>().join(", and to ");
    match rows[0].fate {
        Fate::Survived => format!(
            "{site} survives being weakened from {shipped} to {orders}: no scenario fails. Its reason is said to be: {}.\n\
             Ship the weaker ordering, or add a scenario that needs the stronger one (often: more rounds, so that memory is used \
             again), or `accept` it.",
            rows[0].site.reason
        ),
        Fate::CannotTell => format!("{site} weakened from {shipped} to {orders}: no engine that ran can tell."),
        _ => format!("{site} weakened from {shipped} to {orders}: not decided, not every run came to its end."),
    }
}

/// The running test, as the test harness names it.
fn test_name() -> Option<String> {
    std::thread::current().name().filter(|name| *name != "main").map(String::from)
}

/// How to see it again. The searches are deterministic.
fn command() -> String {
    match (test_name(), std::env::var("CARGO_PKG_NAME")) {
        (Some(test), Ok(package)) => format!("cargo test -p {package} -- --exact {test}"),
        _ => "the same command".into(),
    }
}
