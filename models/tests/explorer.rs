//! The explorer alone against every weakened ordering.

use iobring::protocol::sites;
use iobring_models::suite;
use weakest::run::{Changes, Mutant, Verdict};

/// How many states of the model in which it dies a mutant may live: a count, since times are other machines' and other loads'.
/// Most take a few hundred; that of `INTEREST_NEXT` shows only where nothing trusts control dependencies, and takes 505,445.
const STATES: u64 = 600_000;

#[test]
fn every_weakened_ordering_dies_soon() {
    let killers = suite::explorer_killers();
    for killer in &killers {
        let run = killer.run(Changes::default());
        assert!(run.verdict.passed(), "{} with every ordering as it ships: {:?}", run.scenario, run.verdict);
    }
    for site in sites::ALL {
        for order in site.weaker().iter().copied() {
            let changes = Changes { mutant: Some(Mutant { site: site.name, order }), death: None };
            let death = killers.iter().map(|killer| killer.run(changes)).find_map(|run| match run.verdict {
                Verdict::Fail(trace) => Some((run.scenario, run.states, trace.fault)),
                _ => None,
            });
            println!("{} {order}: {death:?}", site.name);
            let (model, states, _) = death.unwrap_or_else(|| panic!("{} weakened to {order} survives", site.name));
            let states = states.expect("the explorer counts states");
            assert!(states <= STATES, "{} weakened to {order} lives for {states} states of {model}", site.name);
        }
    }
}
