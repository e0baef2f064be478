//! Executions at random instead of a search: they find what is easily met, and no outcome that is none.
#![allow(missing_docs, reason = "the table of sites is public by its macro")]

mod explorer_support;

use explorer_support::random::{Dice, Family, program};
use weakest::explorer::{ExplorerOptions, check};
use weakest::run::{Changes, Coverage, Verdict};
use weakest::trace::Fault;

#[test]
fn samples_are_executions() {
    let (mut fewer, mut races) = (0, 0);
    for seed in 0..100 {
        let dice = &mut Dice(seed);
        let family = Family { name: "samples", fences: seed % 2 == 0, updates: seed % 3 != 0, data: seed % 5 == 0 };
        let litmus = program(dice, family);
        let options = |samples| ExplorerOptions { samples, workers: 1, ..Default::default() };
        let [all, some] = [None, Some(50)].map(|samples| check(&litmus, Changes::default(), &options(samples)));
        match (&all.verdict, &some.verdict) {
            (Verdict::Fail(trace), Verdict::Pass) => assert_eq!(trace.fault, Fault::DataRace, "{litmus:?}"),
            (Verdict::Fail(all), Verdict::Fail(some)) => {
                races += 1;
                assert_eq!((all.fault, some.fault), (Fault::DataRace, Fault::DataRace), "{litmus:?}");
            }
            (Verdict::Pass, Verdict::Pass) => {
                assert!(
                    matches!(some.coverage, Coverage::Sampled(_)),
                    "a sample that claims more: {:?}",
                    some.coverage
                );
                assert!(some.outcomes.is_subset(&all.outcomes), "{litmus:?}");
                assert!(!some.outcomes.is_empty(), "executions without an outcome: {litmus:?}");
                fewer += u32::from(some.outcomes.len() < all.outcomes.len());
            }
            other => panic!("{other:?} of {litmus:?}"),
        }
    }
    assert!(fewer > 0 && races > 0, "{fewer} programs of which not all was seen, {races} races");
}
