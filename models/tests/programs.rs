//! The generated programs of the quick level, and the specification by itself.

use iobring_models::programs::call::Call;
use iobring_models::programs::{Program, Start, Thread, choose, run};
use iobring_models::spec::Time;
use iobring_models::suite::Level;

fn program(threads: &[&[Call]], start: Start) -> Program {
    let thread = |calls: &&[Call]| Thread { calls: calls.to_vec(), mortal: false };
    Program { start, threads: threads.iter().map(thread).collect(), deaths: 0, restless: false, time: Time::AtWill }
}

const EMPTY: Start = Start { capacity: 48, index: 0, filled: 0, biased: false };

#[test]
fn every_program_leaves_what_the_specification_allows_and_every_pair_meets() {
    // The longest shape is left to `cargo verify`.
    let shapes: Vec<_> =
        choose::shapes(Level::Quick).into_iter().filter(|shape| shape.name() != "one thread, 3 calls").collect();
    let outcome = run::run(&shapes, &run::Plan::default());
    let failed: Vec<String> = outcome.failures.iter().map(|run| format!("{}: {}", run.scenario, run.verdict)).collect();
    assert_eq!(failed, [""; 0]);
    let uncovered: Vec<String> = outcome.uncovered.iter().map(ToString::to_string).collect();
    assert_eq!(uncovered, [""; 0], "pairs that meet in no program");
    assert!(outcome.programs() > 5_000, "{} programs only", outcome.programs());
}

#[test]
fn alone_a_thread_meets_a_plain_queue() {
    for calls in [&[Call::Write, Call::Drain, Call::Write][..], &[Call::Batch, Call::Look, Call::One]] {
        let answers = program(&[calls], EMPTY).answers().expect("nothing waits");
        assert_eq!(answers.len(), 1, "{calls:?}: {answers:?}");
    }
}

#[test]
fn both_sides_may_be_behind_at_once() {
    // The ring has room for one more record. The writer writes it and is refused another, since it has not seen that the
    // reader has given one back; the reader then sees nothing, since it has not seen what was written.
    let start = Start { filled: 1, ..EMPTY };
    let answers =
        program(&[&[Call::Write, Call::Write], &[Call::Drain, Call::Drain]], start).answers().expect("nothing waits");
    let behind = |notes: &Option<Vec<u64>>, what: &[u64]| notes.as_deref() == Some(what);
    assert!(
        answers
            .iter()
            .any(|answer| { behind(&answer.threads[0], &[201, 304]) && behind(&answer.threads[1], &[501, 91, 500]) }),
        "{answers:?}"
    );
}

#[test]
fn whoever_was_told_that_there_is_no_room_is_rung_for_once_there_is() {
    // Two records of 24 bytes fill the ring, and 32 are asked for: one that is given back will not do, two will.
    let full = Start { filled: 2, ..EMPTY };
    let rung = |calls: &[Call]| {
        let answers = program(&[calls], full).answers().expect("nothing waits");
        let mut rung: Vec<u64> = answers.iter().map(|answer| *answer.last.last().expect("a note")).collect();
        rung.sort();
        rung
    };
    assert_eq!(rung(&[Call::Ask]), [400, 401], "for nothing, or not at all");
    assert_eq!(rung(&[Call::Ask, Call::One]), [400, 401]);
    assert_eq!(rung(&[Call::Ask, Call::One, Call::One]), [401]);
    assert_eq!(rung(&[Call::Ask, Call::Refuse]), [401]);
}

#[test]
fn a_program_is_shortened_to_what_it_takes() {
    let long = program(&[&[Call::Write, Call::Drain, Call::Copy, Call::Look, Call::Write], &[Call::Long]], EMPTY);
    let fails = |program: &Program| {
        let calls: Vec<Call> = program.calls().collect();
        calls.contains(&Call::Drain) && calls.contains(&Call::Long)
    };
    assert_eq!(choose::shortened(long, fails), program(&[&[Call::Drain], &[Call::Long]], EMPTY));
}

#[test]
fn the_same_programs_are_drawn_every_time() {
    let drawn = || {
        let shapes = choose::shapes(Level::Quick);
        let longest = shapes.iter().find(|shape| shape.name() == "one thread, 8 calls").expect("a shape");
        longest.programs().take(100).collect::<Vec<Program>>()
    };
    assert_eq!(drawn(), drawn());
    assert!(drawn().iter().all(|program| choose::sensible(program) && program.calls().count() == 8));
}

#[test]
fn what_may_wait_for_ever_is_no_program() {
    assert!(program(&[&[Call::Wait]], EMPTY).answers().is_none());
    assert!(program(&[&[Call::Write], &[Call::Wait, Call::Drain, Call::Wait]], EMPTY).answers().is_none());
    assert!(program(&[&[Call::Write], &[Call::Wait]], EMPTY).answers().is_some());
    assert!(program(&[&[Call::Await]], Start { filled: 2, ..EMPTY }).answers().is_none());
}
