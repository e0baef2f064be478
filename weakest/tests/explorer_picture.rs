//! A fault that takes three threads and two stale reads: found, and drawn so that a reader sees it.
#![allow(missing_docs, reason = "the table of sites is public by its macro")]

use std::sync::Arc;
use weakest::draw::text::{Colour, draw};
use weakest::explorer::{ExplorerOptions, Memory, check};
use weakest::facade::{Atomic, Order, Platform, sites};
use weakest::run::{Changes, Mutant, Run, Verdict};
use weakest::trace::{Action, Fault};
use weakest::{Program, Scenario};

sites! {
    STORE: Store Relaxed, "announced by ANNOUNCE";
    ANNOUNCE: Store Release, pairs with [HEAR], "whoever hears of a copy finds it";
    HEAR: Load Acquire, pairs with [ANNOUNCE], "the copy was stored before it was announced";
    FETCH: Load Relaxed, "HEAR has seen it announced";
    FREE_AND_WAKE: Wake, "whoever sleeps";
    ASK: Load Relaxed, "nothing orders it";
    TELL: Store Relaxed, "nothing orders it";
}

/// Two keepers store a copy each and announce it. A reader that has heard of both takes the first copy, or should that be
/// missing, the second. It is without anything only if both reads are stale.
#[derive(Clone, Copy, Debug)]
struct Copies;

impl Scenario for Copies {
    fn name(&self) -> String {
        "copies".into()
    }
    fn about(&self) -> String {
        "two keepers announce a copy each; who has heard of both finds one at least".into()
    }
    fn program<P: Platform>(&self) -> Program {
        let names = [("first copy", "first announced"), ("second copy", "second announced")];
        let places =
            names.map(|(copy, announced)| Arc::new((P::AtomicU32::new(copy, 0), P::AtomicU32::new(announced, 0))));
        let mut program = Program::new();
        for (keeper, place) in places.iter().cloned().enumerate() {
            program = program.thread(format!("keeper {}", keeper + 1), move || {
                place.0.store(&STORE, 7);
                place.1.store(&ANNOUNCE, 1);
                Vec::new()
            });
        }
        program.thread("reader", move || {
            if places.iter().all(|place| place.1.load(&HEAR) == 1) {
                assert!(places.iter().any(|place| place.0.load(&FETCH) == 7), "both copies are missing");
            }
            Vec::new()
        })
    }
}

fn run(mutant: Option<Mutant>, memory: Memory) -> Run {
    let options = ExplorerOptions { memory, workers: 1, ..Default::default() };
    check(&Copies, Changes { mutant, death: None }, &options)
}

#[test]
fn two_stale_reads_of_three_threads_are_found_and_drawn() {
    assert!(run(None, Memory::ReleaseAcquire).verdict.passed(), "as it ships");
    for site in ["ANNOUNCE", "HEAR"] {
        let mutant = Some(Mutant { site, order: Order::Relaxed });
        assert!(run(mutant, Memory::Interleaved).verdict.passed(), "{site}: without stale reads nothing is to be seen");
        let Verdict::Fail(trace) = run(mutant, Memory::ReleaseAcquire).verdict else { panic!("{site} survives") };
        assert_eq!(trace.fault, Fault::Assertion);
        let stale = |action: &Action| matches!(action, Action::Read { stale: true, .. });
        let stale: Vec<_> = trace.events.iter().filter(|event| stale(&event.action)).collect();
        assert_eq!(stale.len(), 2, "{stale:?}");
        assert!(stale.iter().all(|event| event.thread == 2 && event.object.ends_with("copy")), "{stale:?}");
        let ignorant: Vec<_> = trace.ignorance.iter().filter(|i| i.thread == 2).map(|i| i.object.as_str()).collect();
        assert_eq!(ignorant, ["first copy", "second copy"], "what the reader may still not have seen");
        let picture = draw(&trace, Colour::Off);
        println!("{picture}");
        if site == "ANNOUNCE" {
            assert_eq!(picture, include_str!("explorer_picture.txt"));
        }
    }
}

/// A store that wakes is drawn with the value that it replaced, not with the number of the woken.
#[derive(Clone, Copy, Debug)]
struct Freed;

impl Scenario for Freed {
    fn name(&self) -> String {
        "freed".into()
    }
    fn about(&self) -> String {
        "a word is freed, and that is a failure".into()
    }
    fn program<P: Platform>(&self) -> Program {
        let word = P::AtomicU32::new("word", 77);
        Program::new().thread("owner", move || {
            panic!("{} woken", P::store_and_wake_all(&word, &FREE_AND_WAKE, 5));
        })
    }
}

#[test]
fn a_store_that_wakes_is_drawn_with_what_it_replaced() {
    let Verdict::Fail(trace) = check(&Freed, Changes::default(), &ExplorerOptions::default()).verdict else {
        panic!("it panics")
    };
    let updates = trace.events.iter().filter(|event| matches!(event.action, Action::Updated { .. }));
    assert_eq!(Vec::from_iter(updates.map(weakest::draw::words::action)), ["word: 77 ⇒ 5"]);
}

/// Each of two threads tells the other what it has been told: only hardware lets both hear it.
#[derive(Clone, Copy, Debug)]
struct Early;

impl Scenario for Early {
    fn name(&self) -> String {
        "early".into()
    }
    fn about(&self) -> String {
        "two threads ask and tell, and both have been told".into()
    }
    fn program<P: Platform>(&self) -> Program {
        let words = Arc::new([P::AtomicU32::new("left", 0), P::AtomicU32::new("right", 0)]);
        let mut program = Program::new();
        for own in 0..2 {
            let words = words.clone();
            program = program.thread(format!("thread {own}"), move || {
                let told = words[own].load(&ASK);
                words[1 - own].store(&TELL, 1);
                vec![told.into()]
            });
        }
        program.finish(|ends| {
            assert!(ends.iter().any(|end| end.notes() == [0]), "both have been told");
            "done".into()
        })
    }
}

#[test]
fn what_is_performed_early_is_marked_where_it_is_and_where_it_stands() {
    let options = ExplorerOptions { memory: Memory::Hardware, workers: 1, ..Default::default() };
    let Verdict::Fail(trace) = check(&Early, Changes::default(), &options).verdict else { panic!("it buffers") };
    let at = |wanted: fn(&Action) -> bool| trace.events.iter().position(|event| wanted(&event.action));
    let promise = at(|action| matches!(action, Action::Promised { .. })).expect("performed early");
    let kept = at(|action| matches!(action, Action::Kept { .. })).expect("kept");
    let picture = draw(&trace, Colour::Off);
    let line = |index: usize| {
        picture.lines().find(|line| line.trim_start_matches('⇠').trim().starts_with(&format!("{index} ")))
    };
    println!("{picture}");
    assert!(line(promise).is_some_and(|line| line.starts_with('⇠') && line.contains("performed early")), "{picture}");
    let said = format!("performed at #{promise}");
    assert!(line(kept).is_some_and(|line| line.starts_with('⇠') && line.contains(&said)), "{picture}");
    let svg = weakest::draw::svg::draw(&trace);
    assert!(
        svg.contains(&format!("class=\"keeps\" data-from=\"{promise}\" data-to=\"{kept}\"")),
        "an arrow joins the two"
    );
}
