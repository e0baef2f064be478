//! Scopes, of which only the result is remembered: with them and without, the same outcomes. Twins, points of a thread that are taken for one because trials tell no difference: with them and without, the same
//! outcomes; and where trials are fooled, the walks afterwards notice.
#![allow(missing_docs, reason = "the table of sites is public by its macro")]

mod explorer_support;

use explorer_support::litmus::Scoped;
use explorer_support::random::{Dice, Family, program, system};
use std::collections::BTreeSet;
use std::sync::Arc;
use weakest::explorer::{ExplorerOptions, Reductions, Statistics, explore};
use weakest::facade::{Atomic, Platform, sites};
use weakest::run::{Changes, Coverage, Run, Verdict};
use weakest::trace::Fault;
use weakest::{End, Program, Scenario};

/// Explores with twins and without.
fn both(scenario: &impl Scenario, deaths: u8) -> [(Run, Statistics); 2] {
    [true, false].map(|twins| {
        let reductions = Reductions { twins, ..Default::default() };
        let options = ExplorerOptions { reductions, deaths, workers: 1, ..Default::default() };
        explore(scenario, Changes::default(), &options)
    })
}

/// The outcomes, or that there is a race.
fn found(run: &Run) -> Option<&BTreeSet<String>> {
    match &run.verdict {
        Verdict::Fail(trace) if trace.fault == Fault::DataRace => None,
        Verdict::Pass if run.coverage == Coverage::Exhausted => Some(&run.outcomes),
        other => panic!("{other:?} of {}", run.scenario),
    }
}

const DIGESTS: [fn(&[u64]) -> u64; 5] = [
    |notes| notes.iter().sum::<u64>() % 2,
    |notes| notes.contains(&0).into(),
    |notes| notes.last().copied().unwrap_or(0),
    |notes| notes.iter().copied().max().unwrap_or(0),
    |notes| notes.windows(2).any(|pair| pair[0] > pair[1]).into(),
];

#[test]
fn random_programs_in_scopes() {
    let (mut with, mut without) = (0, 0);
    for seed in 0..600 {
        let dice = &mut Dice(seed);
        let family = Family { name: "scopes", fences: seed % 2 == 0, updates: seed % 3 != 0, data: seed % 7 == 0 };
        let (litmus, deaths) = if seed % 5 == 4 { (system(dice), 1) } else { (program(dice, family), 0) };
        let scoped = Scoped { litmus, length: 2 + seed as usize % 3, digest: dice.of(&DIGESTS), told: true };
        let [(twins, _), (exact, _)] = both(&scoped, deaths);
        assert_eq!(found(&twins), found(&exact), "seed {seed}: {scoped:?}");
        let [_, (untold, _)] = both(&Scoped { told: false, ..scoped.clone() }, deaths);
        assert_eq!(found(&untold), found(&exact), "seed {seed}, and without scopes: {scoped:?}");
        with += twins.states.expect("it counts states");
        without += exact.states.expect("it counts states");
    }
    println!("{with} states with twins, {without} without");
    assert!(with < without);
}

sites! {
    LOOK: Load Relaxed, "the scenario's own";
    SET: Store Relaxed, "the scenario's own";
}

/// One thread counts a location up. The other remembers what it saw at first, looks as often again, and tells what it
/// remembers only if it has seen every value on the way. No trial is likely to see them all in order.
#[derive(Clone, Copy, Debug)]
struct Secretive {
    values: u32,
}

impl Scenario for Secretive {
    fn name(&self) -> String {
        format!("{self:?}")
    }
    fn about(&self) -> String {
        "A thread remembers something and shows it only on the rarest of ways".into()
    }
    fn program<P: Platform>(&self) -> Program {
        let values = self.values;
        let secret = Arc::new(P::AtomicU32::new("secret", 0));
        let shown = Arc::new(P::AtomicU32::new("shown", 0));
        let (secrets, shows) = (secret.clone(), shown.clone());
        Program::new()
            .thread("reader", move || {
                vec![P::scope(|| {
                    let remembered = secrets.load(&LOOK);
                    let all = (1..=values).all(|value| shows.load(&LOOK) == value);
                    if all { u64::from(remembered) + 1 } else { 0 }
                })]
            })
            .thread("writer", move || {
                secret.store(&SET, 1);
                for value in 1..=values {
                    shown.store(&SET, value);
                }
                Vec::new()
            })
            .finish(|ends: &[End]| format!("{:?}", ends[0].notes()))
    }
}

#[test]
fn what_trials_miss_the_walks_find() {
    let mut doubts = 0;
    for values in 2..=7 {
        let [(twins, taken), (exact, _)] = both(&Secretive { values }, 0);
        assert_eq!(found(&exact).map(BTreeSet::len), Some(3), "nothing, or either secret");
        assert_eq!(found(&twins), found(&exact), "{values} values");
        doubts += taken.doubts;
    }
    assert!(doubts > 0, "trials were never fooled: the walks have not been tested");
}
