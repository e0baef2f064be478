//! The quick level of `cargo verify`, as tests: so that `cargo test` alone notices a broken protocol.

use iobring::protocol::sites;
use iobring_models::suite::{self, Level};
use witness::matrix::{self, Chase, Fate, MatrixOptions};
use witness::run::{Changes, Verdict};
use witness::suite::Entry;
use witness::sweep::{self, SweepOptions};

/// Runs every model of an engine.
fn all_pass(engine: &str) {
    let entries: Vec<Entry> =
        suite::models(Level::Quick).into_iter().filter(|entry| entry.engine.name() == engine).collect();
    assert!(!entries.is_empty(), "no models for {engine}");
    for entry in entries {
        let run = entry.run(Changes::default());
        if let Verdict::Fail(trace) = &run.verdict {
            panic!("{engine}/{}:\n{}", run.scenario, witness::draw::text::draw(trace, Default::default()));
        }
        assert!(run.verdict.passed(), "{engine}/{}: {:?}", run.scenario, run.verdict);
    }
}

#[test]
fn loom_finds_nothing() {
    all_pass("loom");
}

#[test]
fn shuttle_finds_nothing() {
    all_pass("shuttle");
}

#[test]
fn the_explorer_finds_nothing() {
    all_pass("explorer");
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
fn every_death_is_survived() {
    let sweeps = sweep::run(&suite::sweeps(Level::Quick), &SweepOptions::default());
    assert!(!sweeps.is_empty());
    for sweep in sweeps {
        let failures: Vec<String> = sweep.failures().map(|(step, run)| format!("{step}: {:?}", run.verdict)).collect();
        assert!(sweep.passed(), "{} of {}: {failures:?}", sweep.name, sweep.case);
        assert!(sweep.steps.len() > 10, "{} of {} dies at {} steps only", sweep.name, sweep.case, sweep.steps.len());
    }
}
