//! The explorer alone against every weakened ordering.

use iobring::protocol::sites;
use iobring_models::suite;
use std::time::{Duration, Instant};
use weakest::run::{Changes, Mutant, Verdict};

/// How long a mutant may live.
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_weakened_ordering_dies_within_a_second() {
    let killers = suite::explorer_killers();
    for killer in &killers {
        let run = killer.run(Changes::default());
        assert!(run.verdict.passed(), "{} with every ordering as it ships: {:?}", run.scenario, run.verdict);
    }
    for site in sites::ALL {
        for order in site.weaker().iter().copied() {
            let changes = Changes { mutant: Some(Mutant { site: site.name, order }), death: None };
            let begun = Instant::now();
            let death = killers.iter().map(|killer| killer.run(changes)).find_map(|run| match run.verdict {
                Verdict::Fail(trace) => Some((run.scenario, run.states, trace.fault)),
                _ => None,
            });
            let elapsed = begun.elapsed();
            println!("{} {order}: {elapsed:?}, {death:?}", site.name);
            assert!(death.is_some(), "{} weakened to {order} survives", site.name);
            assert!(elapsed < SECOND, "{} weakened to {order} lives for {elapsed:?}", site.name);
        }
    }
}
