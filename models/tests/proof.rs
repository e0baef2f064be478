//! The quick level of `cargo verify`, as tests: so that `cargo test` alone notices a broken protocol.

use iobring::protocol::sites;
use iobring_models::suite::{self, Level};
use std::sync::LazyLock;
use weakest::matrix::{self, Chase, Fate, MatrixOptions};
use weakest::run::{Changes, Run, Verdict};
use weakest::suite::Entry;
use weakest::sweep::{self, Sweep, SweepOptions};

/// Runs every model of an engine.
fn run_all(engine: &str) -> Vec<Run> {
    let entries: Vec<Entry> =
        suite::models(Level::Quick).into_iter().filter(|entry| entry.engine.name() == engine).collect();
    assert!(!entries.is_empty(), "no models for {engine}");
    entries.iter().map(|entry| entry.run(Changes::default())).collect()
}

fn assert_passed(runs: &[Run]) {
    for run in runs {
        if let Verdict::Fail(trace) = &run.verdict {
            panic!("{}/{}:\n{}", run.engine, run.scenario, weakest::draw::text::draw(trace, Default::default()));
        }
        assert!(run.verdict.passed(), "{}/{}: {:?}", run.engine, run.scenario, run.verdict);
    }
}

/// Of these two, more than one test needs what came of them.
static LOOM: LazyLock<Vec<Run>> = LazyLock::new(|| run_all("loom"));
static SWEEPS: LazyLock<Vec<Sweep>> =
    LazyLock::new(|| sweep::run(&suite::sweeps(Level::Quick), &SweepOptions::default()));

#[test]
fn loom_finds_nothing() {
    assert_passed(&LOOM);
}

#[test]
fn shuttle_finds_nothing() {
    assert_passed(&run_all("shuttle"));
}

#[test]
fn the_explorer_finds_nothing() {
    assert_passed(&run_all("explorer"));
}

#[test]
fn no_weaker_ordering_survives_and_every_pairing_has_a_witness() {
    let options = MatrixOptions { chase: Chase::UntilWitnessed, ..MatrixOptions::default() };
    let matrix = matrix::run(sites::ALL, &suite::killers(), &options);
    let mutants: usize = sites::ALL.iter().map(|site| site.weaker().len()).sum();
    assert_eq!(matrix.rows.len(), mutants);
    for row in &matrix.rows {
        assert_eq!(row.fate, Fate::Killed, "{} weakened to {}", row.site.name, row.order);
    }
    assert_eq!(matrix.unwitnessed(), [], "declared pairings that take part in no kill");
}

#[test]
fn every_site_is_reached_by_a_model() {
    // A lock that is biased is the explorer's: under loom both halves of an asymmetric fence are full ones.
    let is_biased = |entry: &&Entry| entry.engine.name() == "explorer" && entry.case.name().ends_with("-biased");
    let biased: Vec<Run> =
        suite::models(Level::Quick).iter().filter(is_biased).map(|entry| entry.run(Changes::default())).collect();
    let runs: Vec<&Run> = LOOM.iter().chain(SWEEPS.iter().flat_map(|sweep| &sweep.steps)).chain(&biased).collect();
    assert_eq!(suite::unreached(runs.iter().copied()), [""; 0]);
    for (site, _) in suite::UNMODELLED {
        assert!(sites::ALL.iter().any(|other| other.name == site), "{site} is no site");
        assert!(!runs.iter().any(|run| run.reached.contains(site)), "{site} is modelled");
    }
}

#[test]
fn every_death_is_survived() {
    assert!(!SWEEPS.is_empty());
    for sweep in SWEEPS.iter() {
        let failures: Vec<String> = sweep.failures().map(|(step, run)| format!("{step}: {:?}", run.verdict)).collect();
        assert!(sweep.passed(), "{} of {}: {failures:?}", sweep.name, sweep.case);
        // Some threads are short; a scenario that is short altogether has lost its sweep.
        let longest = SWEEPS.iter().filter(|other| other.case == sweep.case).map(|other| other.steps.len()).max();
        assert!(longest > Some(10), "{}: {longest:?} steps only", sweep.case);
    }
}
