//! The one call, on a protocol of two sites and everything that can be wrong with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use weakest::engine::loom::LoomOptions;
use weakest::engine::shuttle::ShuttleOptions;
use weakest::facade::{Atomic, Cell, Platform, sites};
use weakest::suite::Engine;
use weakest::{Outcomes, Program, Scenario, verify};

sites! {
    /// The message.
    FILL: Write, "plain data";
    /// The flag that says the message is there.
    PUBLISH: Store Release, pairs with [LOOK], "the message is there before the flag";
    /// The reader's look at the flag.
    LOOK: Load Acquire, pairs with [PUBLISH], "the message is read after the flag";
    /// The message again.
    TAKE: Read, "plain data";
}

/// One message, published and perhaps seen.
struct Message;

impl Scenario for Message {
    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["seen", "not yet"])
    }

    fn program<P: Platform>(&self) -> Program {
        let shared = Arc::new((P::AtomicBool::new("flag", false), P::Cell::new("message", 0, 0)));
        let writer = shared.clone();
        Program::new()
            .mortal("writer", move || {
                writer.1.write(&FILL, 7);
                writer.0.store(&PUBLISH, true);
                vec![]
            })
            .thread("reader", move || if shared.0.load(&LOOK) { vec![shared.1.read(&TAKE)] } else { vec![] })
            .finish(|ends| match ends[1].notes() {
                [] => "not yet".into(),
                notes => {
                    assert_eq!(notes, [7], "the message as it was written");
                    "seen".into()
                }
            })
    }
}

#[test]
fn a_protocol_is_verified_by_every_engine() {
    verify(ALL)
        .scenario(Message)
        .also(Engine::Loom(LoomOptions::default()))
        .also(Engine::Shuttle(ShuttleOptions::default()))
        .run();
}

/// What the test says when it fails.
fn complaint(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).expect_err("it should have failed");
    payload.downcast_ref::<String>().expect("words").clone()
}

mod broken {
    weakest::facade::sites! {
        /// Never used.
        NOBODY: Fence SeqCst, "to be complained of";
    }
}

/// What is not needed: a message that nobody reads.
struct Unread;

impl Scenario for Unread {
    fn program<P: Platform>(&self) -> Program {
        let flag = P::AtomicBool::new("flag", false);
        Program::new().thread("writer", move || {
            flag.store(&PUBLISH, true);
            vec![flag.load(&LOOK).into()]
        })
    }
}

#[test]
fn what_is_stronger_than_needed_is_said() {
    let words = complaint(|| verify(ALL).scenario(Unread).run());
    assert!(words.contains("PUBLISH survives being weakened from Release to Relaxed"), "{words}");
    assert!(words.contains("the message is there before the flag"), "{words}");
    assert!(words.contains("FILL is reached by no scenario"), "{words}");
    assert!(words.contains("cargo test -p weakest -- --exact what_is_stronger_than_needed_is_said"), "{words}");
    let words = complaint(|| verify(ALL).scenario(Message).accept(&LOOK, "habit").run());
    assert!(words.contains("LOOK was accepted as stronger than needed, but it is not"), "{words}");
    let words = complaint(|| verify(broken::ALL).scenario(Message).run());
    assert!(words.contains("NOBODY is reached by no scenario"), "{words}");
}

/// What both sides order and nobody needs.
mod twice {
    weakest::facade::sites! {
        /// To be complained of, in one line.
        ADD: Rmw AcqRel, "a habit";
    }
}

struct Adds;

impl Scenario for Adds {
    fn program<P: Platform>(&self) -> Program {
        let count = P::AtomicU32::new("count", 0);
        Program::new().thread("adder", move || vec![count.fetch_add(&twice::ADD, 1).into()])
    }
}

#[test]
fn a_site_is_complained_of_once() {
    let words = complaint(|| verify(twice::ALL).scenario(Adds).run());
    assert!(words.contains("weakened from AcqRel to Acquire, and to Release, and to Relaxed: no"), "{words}");
}

#[test]
fn loom_without_a_limit_is_given_one() {
    let coverage =
        |options| verify(ALL).scenario(Message).also(Engine::Loom(options)).results().models[1].coverage.to_string();
    assert_eq!(coverage(LoomOptions::default()), "bounded: preemptions ≤ 3");
    assert_eq!(coverage(LoomOptions { max_executions: Some(u64::MAX), ..Default::default() }), "exhausted");
}

/// A message whose reader does not look.
struct Blind;

impl Scenario for Blind {
    fn program<P: Platform>(&self) -> Program {
        let shared = Arc::new(P::Cell::new("message", 0, 0));
        let writer = shared.clone();
        Program::new()
            .thread("writer", move || {
                writer.write(&FILL, 7);
                vec![]
            })
            .thread("reader", move || vec![shared.read(&TAKE)])
    }
}

#[test]
fn a_failure_is_drawn() {
    let words = complaint(|| verify(ALL).scenario(Blind).run());
    assert!(words.contains("Data race: writer at FILL"), "{words}");
    assert!(words.contains("It takes no stale read"), "{words}");
}

/// Uses a site for what it is not.
struct Misused;

impl Scenario for Misused {
    fn program<P: Platform>(&self) -> Program {
        let flag = P::AtomicBool::new("flag", false);
        Program::new().thread("writer", move || {
            flag.swap(&PUBLISH, true);
            vec![]
        })
    }
}

#[test]
fn a_site_is_what_it_is_declared_to_be() {
    let engines = [None, Some(Engine::Loom(LoomOptions::default())), Some(Engine::Shuttle(ShuttleOptions::default()))];
    for engine in engines {
        let verification = verify(ALL).scenario(Misused);
        let entry = match engine {
            Some(engine) => verification.also(engine).suite().remove(1),
            None => verification.suite().remove(0),
        };
        let run = entry.run(Default::default());
        let weakest::run::Verdict::Fail(trace) = run.verdict else { panic!("{}: {}", run.engine, run.verdict) };
        assert!(trace.message.contains("PUBLISH is declared Store"), "{}: {}", run.engine, trace.message);
    }
}

#[test]
fn what_an_engine_cannot_judge_has_not_survived() {
    use weakest::matrix::{self, Fate};
    let shuttle = Engine::Shuttle(ShuttleOptions { iterations: 20, ..Default::default() });
    let suite = [weakest::suite::Entry::new(Unread, shuttle)];
    let matrix = matrix::run(ALL, &suite, &Default::default());
    assert!(matrix.rows.iter().all(|row| row.fate == Fate::CannotTell), "{:?}", matrix.rows);
}
