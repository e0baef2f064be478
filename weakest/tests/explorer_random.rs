//! Random small programs: the explorer's outcomes are exactly those that the axioms allow, with every reduction and
//! without any.

mod explorer_support;

use explorer_support::axioms::{Behaviour, behaviour};
use explorer_support::litmus::Litmus;
use explorer_support::random::{Dice, Family, chain, program, sequential, system};
use weakest::explorer::{ExplorerOptions, Often, Reductions, check};
use weakest::run::{Changes, Coverage, Verdict};
use weakest::trace::Fault;

/// What the explorer finds, in the axioms' terms.
fn explored(litmus: &Litmus, reductions: Reductions) -> Behaviour {
    let options = ExplorerOptions { reductions, workers: 1, ..Default::default() };
    let run = check(litmus, Changes::default(), &options);
    match run.verdict {
        Verdict::Fail(trace) if trace.fault == Fault::DataRace => Behaviour::Races,
        Verdict::Pass if run.coverage == Coverage::Exhausted => Behaviour::Outcomes(run.outcomes),
        verdict => panic!("{verdict:?} of {litmus:?}"),
    }
}

fn compare(family: Family, seeds: u64) {
    compare_all(family.name, seeds, |dice| program(dice, family));
}

fn compare_all(name: &str, seeds: u64, program: impl Fn(&mut Dice) -> Litmus) {
    let (mut races, mut outcomes) = (0, 0);
    for seed in 0..seeds {
        let litmus = program(&mut Dice(seed));
        let expected = behaviour(&litmus);
        match &expected {
            Behaviour::Races => races += 1,
            Behaviour::Outcomes(all) => outcomes += all.len(),
        }
        for local_steps in [true, false] {
            for canonical_states in [true, false] {
                let reductions = Reductions { local_steps, canonical_states };
                let found = explored(&litmus, reductions);
                assert_eq!(found, expected, "family {name}, seed {seed}, {reductions:?}: {litmus:?}");
            }
        }
    }
    println!("{name}: {seeds} programs, {races} with races, {outcomes} outcomes");
}

#[test]
fn loads_and_stores() {
    compare(Family { name: "loads and stores", fences: false, updates: false, data: false }, 300);
}

#[test]
fn fences() {
    compare(Family { name: "fences", fences: true, updates: false, data: false }, 300);
}

#[test]
fn updates() {
    compare(Family { name: "updates", fences: false, updates: true, data: false }, 300);
}

#[test]
fn data() {
    compare(Family { name: "data", fences: true, updates: true, data: true }, 300);
}

#[test]
fn everything_with_fences() {
    compare(Family { name: "everything", fences: true, updates: true, data: false }, 300);
}

#[test]
fn chains_of_fences() {
    compare_all("chains", 600, chain);
}

#[test]
fn sequentially_consistent_accesses() {
    compare_all("sequential", 600, sequential);
}

/// The axioms know no operating system: here the search without any reduction is the judge.
#[test]
fn waits_wakes_and_deaths() {
    let (mut outcomes, mut states, mut fewest) = (0, 0, 0);
    for seed in 0..400 {
        let litmus = system(&mut Dice(seed));
        let explore = |local_steps, canonical_states| {
            let reductions = Reductions { local_steps, canonical_states };
            let options = ExplorerOptions {
                reductions,
                deaths: (seed % 3) as u8,
                spurious_wakes: if seed % 2 == 0 { Often::Never } else { Often::AtMost(1) },
                workers: 1,
                ..Default::default()
            };
            let run = check(&litmus, Changes::default(), &options);
            assert!(run.verdict.passed(), "seed {seed}: {:?} of {litmus:?}", run.verdict);
            (run.outcomes, run.states.expect("it counts states"))
        };
        let (expected, most) = explore(false, false);
        outcomes += expected.len();
        states += most;
        for (local_steps, canonical_states) in [(true, true), (true, false), (false, true)] {
            let (found, needed) = explore(local_steps, canonical_states);
            assert_eq!(found, expected, "seed {seed}, {local_steps}, {canonical_states}: {litmus:?}");
            if local_steps && canonical_states {
                fewest += needed;
            }
        }
    }
    println!("system: 400 programs, {outcomes} outcomes, {states} states without reductions, {fewest} with them");
}
