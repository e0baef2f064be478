//! Scopes, of which only the result is remembered: with them and without, the same outcomes.

mod explorer_support;

use explorer_support::litmus::Scoped;
use explorer_support::random::{Dice, Family, program, system};
use std::collections::BTreeSet;
use weakest::explorer::{ExplorerOptions, check};
use weakest::run::{Changes, Coverage, Run, Verdict};
use weakest::trace::Fault;

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
        let untold = Scoped { told: false, ..scoped.clone() };
        let options = ExplorerOptions { deaths, workers: 1, ..Default::default() };
        let [told, untold] = [&scoped, &untold].map(|scenario| check(scenario, Changes::default(), &options));
        assert_eq!(found(&told), found(&untold), "seed {seed}: {scoped:?}");
        with += told.states.expect("it counts states");
        without += untold.states.expect("it counts states");
    }
    println!("{with} states with scopes, {without} without");
    assert!(with < without);
}
