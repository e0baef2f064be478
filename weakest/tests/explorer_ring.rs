//! The explorer on a ring in miniature: exhausted sizes, every ordering weakened, deaths.

mod explorer_support;

use explorer_support::ring::{ALL, WaitingReader};
use weakest::explorer::{ExplorerOptions, Memory, Often, Reductions, check, explore};
use weakest::facade::Order;
use weakest::run::{Changes, Coverage, Mutant, Run, Verdict};
use weakest::trace::Fault;

fn ring(writers: u64, messages: u64, records: u64) -> WaitingReader {
    WaitingReader { writers, messages, records, mortal: false }
}

#[track_caller]
fn exhausted(run: &Run) {
    assert!(run.verdict.passed(), "{}: {:?}", run.scenario, run.verdict);
    assert_eq!(run.coverage, Coverage::Exhausted, "{}", run.scenario);
}

#[test]
fn small_rings_are_exhausted() {
    let states: Vec<Option<u64>> = [(1, 1), (1, 2), (1, 4), (2, 1)]
        .into_iter()
        .map(|(writers, messages)| {
            let scenario = ring(writers, messages, writers * messages);
            let run = check(&scenario, Changes::default(), &ExplorerOptions::default());
            exhausted(&run);
            run.states
        })
        .collect();
    // Exact, so that a change of the machine is noticed.
    assert_eq!(states, [60, 289, 1863, 3039].map(Some));
}

/// The sizes that plain search cannot reach, without any bound. Prints what they take.
#[test]
fn large_rings_are_exhausted() {
    for (writers, messages) in [(1, 8), (2, 2), (3, 1)] {
        let scenario = ring(writers, messages, writers * messages);
        let (run, taken) = explore(&scenario, Changes::default(), &ExplorerOptions::default());
        exhausted(&run);
        let states = run.states.expect("it counts states");
        println!(
            "{}: {states} states, {} transitions, {:.1?}, {:.0} states/s, {:.0} bytes per state, {} histories",
            run.scenario,
            taken.transitions,
            run.elapsed,
            states as f64 / run.elapsed.as_secs_f64(),
            taken.bytes_per_state,
            taken.histories,
        );
        // Every interleaving of the writers' messages arrives.
        let orders = [1, 6, 6][writers as usize - 1];
        assert_eq!(run.outcomes.len(), orders, "{:?}", run.outcomes);
    }
}

#[test]
fn the_outcomes_do_not_depend_on_the_reductions() {
    for scenario in [ring(1, 1, 1), ring(1, 2, 2)] {
        let full = check(&scenario, Changes::default(), &ExplorerOptions::default());
        exhausted(&full);
        let reductions = Reductions { local_steps: false, canonical_states: true };
        let run = check(&scenario, Changes::default(), &ExplorerOptions { reductions, ..Default::default() });
        exhausted(&run);
        assert_eq!(run.outcomes, full.outcomes);
        assert!(run.states > full.states);
    }
}

/// Every site of which some weaker ordering is wrong, with the first such ordering.
#[test]
fn every_ordering_that_matters_is_missed() {
    let scenarios = [ring(1, 2, 2), ring(2, 1, 2), ring(1, 2, 1)];
    // Weaker orderings that no execution of these scenarios tells from the shipped ones.
    let mut survivors = Vec::new();
    // LOCK_SWAP is in another scenario's mistake.
    for site in ALL.iter().filter(|site| site.name != "LOCK_SWAP") {
        for &order in site.weaker() {
            let changes = Changes { mutant: Some(Mutant { site: site.name, order }), death: None };
            let killer = scenarios.iter().find_map(|scenario| {
                let options = ExplorerOptions { max_states: Some(20_000), ..Default::default() };
                let run = check(scenario, changes, &options);
                matches!(run.verdict, Verdict::Fail(_)).then_some(run)
            });
            match killer {
                Some(run) => println!("{site} {order}: {} after {:?} states", run.scenario, run.states),
                None => survivors.push((site.name, order)),
            }
        }
    }
    println!("{survivors:?}");
    assert_eq!(survivors, [] as [(&str, Order); 0]);
}

#[test]
fn a_wake_up_lost_is_found() {
    // Without the fence's release half the reader may be woken and not see what it was woken for; without the mark's
    // acquire half it may miss what was published before the mark.
    let mutant = Mutant { site: "READER_MARK", order: Order::Relaxed };
    let run = check(&ring(1, 1, 1), Changes { mutant: Some(mutant), death: None }, &ExplorerOptions::default());
    let Verdict::Fail(trace) = run.verdict else { panic!("{:?}", run.verdict) };
    assert_eq!(trace.fault, Fault::Deadlock);
    let strong = ExplorerOptions { memory: Memory::SequentiallyConsistent, ..Default::default() };
    // It takes weak memory to go wrong.
    exhausted(&check(&ring(1, 1, 1), Changes { mutant: Some(mutant), death: None }, &strong));
}

#[test]
fn spurious_wake_ups_and_failures_change_nothing() {
    let plain = check(&ring(1, 2, 2), Changes::default(), &ExplorerOptions::default());
    let options = ExplorerOptions { spurious_wakes: Often::Always, weak_failures: Often::Always, ..Default::default() };
    let run = check(&ring(1, 2, 2), Changes::default(), &options);
    exhausted(&run);
    assert_eq!(run.outcomes, plain.outcomes);
    assert!(run.states > plain.states);
}

#[test]
fn a_limit_is_called_a_cut() {
    let options = ExplorerOptions { max_states: Some(100), ..Default::default() };
    let run = check(&ring(1, 2, 2), Changes::default(), &options);
    assert!(matches!(run.verdict, Verdict::Cut), "{:?}", run.verdict);
    assert!(matches!(run.coverage, Coverage::Cut(_)));
}
