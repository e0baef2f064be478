//! A declared pairing needs a kill in which both sides take part.

use std::sync::Arc;
use weakest::engine::loom::LoomOptions;
use weakest::facade::{Atomic, Cell, Platform, sites};
use weakest::matrix::{self, Chase, Matrix, MatrixOptions};
use weakest::suite::{Engine, Entry};
use weakest::{Program, Scenario};

sites! {
    /// Filling the slot.
    FILL: Write, "plain data";
    /// Saying that it is full.
    PUBLISH: Store Release, pairs with [SEE, GLIMPSE], "the slot was filled before";
    /// One way to see it.
    SEE: Load Acquire, pairs with [PUBLISH], "the slot is read after";
    /// The other way.
    GLIMPSE: Load, pairs with [PUBLISH], "ordered by the fence";
    /// What the other way needs.
    AFTER: Fence Acquire, "the slot is read after";
    /// Looking into the slot.
    TAKE: Read, "plain data";
}

/// One thread fills a slot, another looks into it once it is seen to be full.
struct Passing {
    by_fence: bool,
}

impl Scenario for Passing {
    fn name(&self) -> String {
        if self.by_fence { "by fence".into() } else { "by load".into() }
    }

    fn about(&self) -> String {
        "what was put into the slot is what is taken out".into()
    }

    fn program<P: Platform>(&self) -> Program {
        let shared = Arc::new((P::AtomicU32::new("full", 0), P::Cell::new("slot", 0, 0)));
        let (filler, by_fence) = (shared.clone(), self.by_fence);
        Program::new()
            .thread("filler", move || {
                filler.1.write(&FILL, 7);
                filler.0.store(&PUBLISH, 1);
                Vec::new()
            })
            .thread("taker", move || {
                let full = if by_fence { shared.0.load(&GLIMPSE) } else { shared.0.load(&SEE) };
                if by_fence {
                    P::fence(&AFTER);
                }
                if full == 1 { vec![shared.1.read(&TAKE)] } else { Vec::new() }
            })
    }
}

fn chased(by_fence: &[bool], chase: Chase) -> Matrix {
    let entry = |&by_fence| Entry::new(Passing { by_fence }, Engine::Loom(LoomOptions::default()));
    let suite: Vec<Entry> = by_fence.iter().map(entry).collect();
    matrix::run(ALL, &suite, &MatrixOptions { chase, ..MatrixOptions::default() })
}

#[test]
fn a_mutant_is_chased_further_for_a_pairing_that_its_first_kill_does_not_show() {
    let first = chased(&[false, true], Chase::UntilKilled);
    assert_eq!(first.survivors().count(), 0);
    assert_eq!(first.unwitnessed(), [("PUBLISH", "GLIMPSE")], "the first kill of PUBLISH has SEE");
    let further = chased(&[false, true], Chase::UntilWitnessed);
    let pairings = further.pairings();
    let witnesses: Vec<_> = pairings.iter().map(|p| (p.pair, p.witness.map(|(_, kill)| kill.case.as_str()))).collect();
    assert_eq!(witnesses, [("SEE", Some("by load")), ("GLIMPSE", Some("by fence"))]);
}

#[test]
fn a_pairing_that_no_scenario_shows_stays_without_a_witness() {
    assert_eq!(chased(&[false], Chase::UntilWitnessed).unwitnessed(), [("PUBLISH", "GLIMPSE")]);
}
