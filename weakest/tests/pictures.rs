//! What a picture tells beside the steps: which call of the program, what it means to the scenario, the final look, rounds drawn once.

use std::sync::Arc;
use weakest::draw::svg;
use weakest::draw::text::{Colour, draw};
use weakest::engine::loom::LoomOptions;
use weakest::engine::shuttle::ShuttleOptions;
use weakest::explorer::ExplorerOptions;
use weakest::facade::{Atomic, Platform, sites};
use weakest::run::Verdict;
use weakest::suite::{Engine, Entry};
use weakest::trace::Trace;
use weakest::{Program, Scenario, call};

sites! {
    /// The position.
    LOOK: Load Relaxed, "to show";
    /// Another position.
    MOVE: Store Relaxed, "to show";
    /// The final look.
    FINAL: Load Relaxed, "to show";
}

/// Two threads move a position by one; the one loses the other's move.
struct Lost {
    /// How often the first thread looks in vain before.
    rounds: usize,
}

impl Scenario for Lost {
    fn program<P: Platform>(&self) -> Program {
        let position = Arc::new(P::AtomicU32::new("position", 0));
        let rounds = self.rounds;
        let mover = |name: &'static str, rounds: usize| {
            let position = position.clone();
            move || {
                for _ in 0..rounds {
                    position.load(&LOOK);
                }
                call(format!("{name} moves"), || {
                    let at = position.load(&LOOK);
                    position.store(&MOVE, at + 1);
                });
                vec![]
            }
        };
        let (one, other) = (mover("one", rounds), mover("other", 0));
        Program::new()
            .thread("one", one)
            .thread("other", other)
            .captions(|event| (event.site?.name == "MOVE").then(|| "a step to the right".into()))
            .finish(move |_| {
                assert_eq!(position.load(&FINAL), 2, "both moves count");
                "moved".into()
            })
    }
}

fn failure(scenario: Lost, engine: Engine) -> Trace {
    match Entry::new(scenario, engine).run(Default::default()).verdict {
        Verdict::Fail(trace) => *trace,
        other => panic!("{other}"),
    }
}

#[test]
fn calls_captions_and_the_final_look_are_drawn_by_every_engine() {
    for engine in [
        Engine::Explorer(ExplorerOptions::default()),
        Engine::Loom(LoomOptions::default()),
        Engine::Shuttle(ShuttleOptions::default()),
    ] {
        let name = engine.name();
        let trace = failure(Lost { rounds: 0 }, engine);
        let picture = draw(&trace, Colour::Off);
        for words in
            ["▸ one moves", "▸ other moves", "position ← 1 (a step to the right)", "FINAL Relaxed: position → 1"]
        {
            assert!(picture.contains(words), "{name}: {words} in {picture}");
        }
        assert!(svg::draw(&trace).contains("▸ one moves"), "{name}");
    }
}

#[test]
fn rounds_that_repeat_are_drawn_once() {
    let trace = failure(Lost { rounds: 40 }, Engine::Explorer(ExplorerOptions::default()));
    let picture = draw(&trace, Colour::Off);
    assert!(picture.contains("⋮ 39 more rounds like this before"), "{picture}");
    assert!(picture.lines().count() < 20, "{picture}");
}
