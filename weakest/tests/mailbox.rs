//! The example through matrix, sweep and pictures.

#[path = "../examples/mailbox.rs"]
mod mailbox;

use mailbox::{ALL, Letters, protocol};
use std::collections::BTreeSet;
use weakest::draw::text::{Colour, draw};
use weakest::engine::loom::LoomOptions;
use weakest::engine::shuttle::ShuttleOptions;
use weakest::facade::Platform;
use weakest::matrix::{self, Chase, Fate, MatrixOptions};
use weakest::run::{Changes, Verdict};
use weakest::suite::{Engine, Entry};
use weakest::sweep::{self, SweepOptions};
use weakest::trace::{Action, Fault};
use weakest::{Program, Scenario};

fn letters(count: u64, engine: Engine) -> Entry {
    Entry::new(Letters { count }, engine)
}

/// Letters of a sender for whom nobody hangs up when it dies.
struct Abandoned;

impl Scenario for Abandoned {
    fn name(&self) -> String {
        "abandoned".into()
    }

    fn about(&self) -> String {
        "the receiver waits for ever".into()
    }

    fn program<P: Platform>(&self) -> Program {
        Program { on_death: None, ..Letters { count: 1 }.program::<P>() }
    }
}

fn loom() -> Engine {
    Engine::Loom(LoomOptions::default())
}

fn shuttle() -> Engine {
    Engine::Shuttle(ShuttleOptions::default())
}

#[test]
fn each_engine_kills_every_mutant() {
    for engine in [loom(), shuttle()] {
        let suite = [letters(1, engine.clone()), letters(2, engine)];
        let matrix = matrix::run(ALL, &suite, &MatrixOptions::default());
        assert!(matrix.baseline.iter().all(|run| run.verdict.passed()));
        let mutants: Vec<_> = matrix.rows.iter().map(|row| (row.site.name, row.fate)).collect();
        let killed = ["SEND_LOOK", "SEND_PUBLISH", "RECEIVE_LOOK", "RECEIVE_FREE"].map(|site| (site, Fate::Killed));
        assert_eq!(mutants, killed);
        assert_eq!(matrix.unwitnessed(), []);
    }
}

#[test]
fn a_mutant_survives_a_suite_that_lacks_its_scenario() {
    let matrix = matrix::run(ALL, &[letters(1, loom())], &MatrixOptions::default());
    let survivors: Vec<_> = matrix.survivors().map(|row| row.site.name).collect();
    assert_eq!(survivors, ["SEND_LOOK", "RECEIVE_FREE"], "only a slot used twice needs them");
    assert_eq!(matrix.unwitnessed(), [("SEND_LOOK", "RECEIVE_FREE")]);
}

#[test]
fn a_mutant_that_was_not_tried_to_the_end_is_undecided() {
    let cut = Engine::Loom(LoomOptions { max_executions: Some(1), ..LoomOptions::default() });
    let matrix = matrix::run(ALL, &[letters(2, cut)], &MatrixOptions::default());
    assert!(matrix.rows.iter().all(|row| row.fate == Fate::Undecided), "{:?}", matrix.rows);
    assert_eq!(matrix.survivors().count(), 0);
}

#[test]
fn a_chase_through_the_whole_suite_finds_every_killer() {
    let options = MatrixOptions { chase: Chase::Always, ..MatrixOptions::default() };
    let matrix = matrix::run(ALL, &[letters(1, loom()), letters(2, shuttle())], &options);
    let publish = matrix.rows.iter().find(|row| row.site.name == "SEND_PUBLISH").unwrap();
    let killers: Vec<_> = publish.killed_by.iter().map(|kill| (kill.case.as_str(), kill.engine)).collect();
    assert_eq!(killers, [("letters-1", "loom"), ("letters-2", "shuttle")]);
    assert!(publish.killed_by[0].replay.is_none() && publish.killed_by[1].replay.is_some());
}

#[test]
fn the_sender_may_die_anywhere() {
    for engine in [loom(), shuttle()] {
        let sweeps = sweep::run(&[letters(1, engine)], &SweepOptions::default());
        let [sweep] = &sweeps[..] else { panic!("one mortal thread: {sweeps:?}") };
        assert!(sweep.passed(), "{sweep:?}");
        assert_eq!((sweep.thread, sweep.name.as_str()), (0, "sender"));
        let sites: Vec<_> = sweep.steps.iter().map(|run| run.killed_before.clone()).collect();
        assert_eq!(sites, ["SEND_LOOK", "SEND_FILL", "SEND_PUBLISH", "WAKE"].map(|site| BTreeSet::from([site])));
        let outcomes: Vec<_> = sweep.steps.iter().map(|run| run.outcomes.iter().next().unwrap().as_str()).collect();
        assert_eq!(outcomes, ["0 received", "0 received", "0 received", "1 received"]);
    }
}

#[test]
fn a_broken_recovery_is_found() {
    for engine in [loom(), shuttle()] {
        let entry = Entry::new(Abandoned, engine);
        assert!(entry.run(Changes::default()).verdict.passed(), "nobody dies");
        let sweeps = sweep::run(&[entry], &SweepOptions::default());
        assert!(!sweeps[0].passed());
        assert_eq!(sweeps[0].failures().count(), 4, "the receiver may be asleep at every step");
        for (_, run) in sweeps[0].failures() {
            let Verdict::Fail(trace) = &run.verdict else { panic!("{run:?}") };
            assert_eq!(trace.fault, Fault::Deadlock);
            assert!(trace.events.iter().any(|event| event.action == Action::Died));
        }
    }
}

#[test]
fn the_example_is_verified() {
    protocol().run();
}

#[test]
fn a_picture_tells_the_story() {
    let matrix = matrix::run(ALL, &protocol().suite(), &MatrixOptions::default());
    let publish = matrix.rows.iter().find(|row| row.site.name == "SEND_PUBLISH").unwrap();
    let picture = draw(&publish.killed_by[0].trace, Colour::Off);
    assert!(picture.starts_with("Data race: sender at SEND_FILL (#1) and receiver at RECEIVE_TAKE (#"), "{picture}");
    assert!(picture.contains("SEND_PUBLISH was weakened from Release to Relaxed."), "{picture}");
    let line = |start: &str| picture.lines().find(|line| line.starts_with(start)).map(str::to_string);
    assert!(line("! 1").is_some_and(|line| line.contains("SEND_FILL: slot[0] ← 1")), "{picture}");
    assert!(
        line("~ 2").is_some_and(|line| line.contains("SEND_PUBLISH Relaxed (ships Release): state: 0 ⇒ 1")),
        "{picture}"
    );
    assert!(!picture.contains('\x1b'));
    assert!(draw(&publish.killed_by[0].trace, Colour::On).contains("\x1b[31m! 1"), "culprits are red");
}
