//! The explorer against loom and shuttle, on programs that all of them can take: what they see, it sees.

mod explorer_support;

use explorer_support::litmus::Instruction::{Add, Load};
use explorer_support::litmus::Litmus;
use explorer_support::random::{Dice, Family, program};
use std::collections::BTreeSet;
use weakest::engine::loom::{self, LoomOptions};
use weakest::engine::shuttle::{self, ShuttleOptions};
use weakest::explorer::{ExplorerOptions, Memory, check};
use weakest::facade::Order::{Acquire, Relaxed};
use weakest::run::{Changes, Run, Verdict};
use weakest::trace::Fault;

const PROGRAMS: u64 = 60;

fn programs() -> impl Iterator<Item = Litmus> {
    (0..PROGRAMS).map(|seed| {
        let family = Family { name: "agreement", fences: seed % 2 == 0, updates: seed % 3 == 0, data: seed % 5 == 0 };
        program(&mut Dice(seed), family)
    })
}

fn explored(litmus: &Litmus, memory: Memory) -> Run {
    check(litmus, Changes::default(), &ExplorerOptions { memory, workers: 1, ..Default::default() })
}

fn races(run: &Run) -> bool {
    matches!(&run.verdict, Verdict::Fail(trace) if trace.fault == Fault::DataRace)
}

/// What the threads read, without the final values: loom's final look may see a value that the same thread overwrote
/// (`x = 1; x = 2` beside `x = 3`, where it reports a final 1, which no order of the three allows).
fn reads(run: &Run) -> BTreeSet<&str> {
    run.outcomes.iter().map(|outcome| outcome.split(" [").next().expect("a first part")).collect()
}

#[test]
fn loom_sees_nothing_that_the_explorer_does_not() {
    let (mut equal, mut missed, mut cut, mut racing) = (0, 0, 0, 0);
    for litmus in programs() {
        let ours = explored(&litmus, Memory::ReleaseAcquire);
        let options = LoomOptions { max_executions: Some(2000), ..Default::default() };
        let theirs = loom::check(&litmus, Changes::default(), &options);
        if races(&ours) {
            racing += 1;
            continue;
        }
        let through = theirs.verdict.passed();
        assert!(through || matches!(theirs.verdict, Verdict::Cut), "{:?} of {litmus:?}", theirs.verdict);
        let (ours, theirs) = (reads(&ours), reads(&theirs));
        assert!(theirs.is_subset(&ours), "{litmus:?}: {theirs:?} and {ours:?}");
        if theirs == ours {
            equal += 1;
        } else if !through {
            cut += 1;
        } else {
            missed += 1;
            println!("loom misses {:?} of {litmus:?}", ours.difference(&theirs).collect::<Vec<_>>());
        }
    }
    println!("{equal} equal, {missed} where loom misses outcomes, {cut} cut, {racing} with races");
    assert!(equal > 0);
}

#[test]
fn shuttle_sees_nothing_that_sequential_consistency_does_not() {
    let mut equal = 0;
    for litmus in programs() {
        let ours = explored(&litmus, Memory::SequentiallyConsistent);
        let weak = explored(&litmus, Memory::ReleaseAcquire);
        if races(&ours) || races(&weak) {
            continue;
        }
        assert!(ours.outcomes.is_subset(&weak.outcomes), "{litmus:?}");
        let options = ShuttleOptions { iterations: 300, ..Default::default() };
        let theirs = shuttle::check(&litmus, Changes::default(), &options);
        assert!(theirs.verdict.passed(), "{:?} of {litmus:?}", theirs.verdict);
        assert!(theirs.outcomes.is_subset(&ours.outcomes), "{litmus:?}");
        equal += u32::from(theirs.outcomes == ours.outcomes);
    }
    println!("{equal} equal");
    assert!(equal > 0);
}

/// Loom's issues #166 and #392: bare loom runs this once (`holes.rs`).
#[test]
fn what_bare_loom_misses() {
    let forgotten = Litmus::new("a load forgotten", [&[Load(0, Relaxed), Add(0, 1, Relaxed)], &[Load(0, Acquire)]]);
    assert_eq!(reads(&explored(&forgotten, Memory::ReleaseAcquire)), BTreeSet::from(["0,0 | 0", "0,0 | 1"]));
}
