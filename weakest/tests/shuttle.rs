//! The shuttle engine on litmus tests: what it finds, what it cannot, and that it finds it again.

mod common;

use common::*;
use weakest::Scenario;
use weakest::engine::shuttle::{Replay, ShuttleOptions, Strategy, check, replay, steer};
use weakest::facade::Order;
use weakest::run::{Changes, Coverage, Run, Verdict};
use weakest::trace::{Fault, Trace};

const STRATEGIES: [Strategy; 2] = [Strategy::Random, Strategy::Pct { depth: 3 }];

fn run(scenario: &impl Scenario, changes: Changes, strategy: Strategy) -> Run {
    check(scenario, changes, &ShuttleOptions { iterations: 200, strategy, seed: 7, ..ShuttleOptions::default() })
}

fn failure(run: &Run) -> &Trace {
    match &run.verdict {
        Verdict::Fail(trace) => trace,
        other => panic!("{}: {other:?}", run.scenario),
    }
}

#[test]
fn orderings_are_judged_although_execution_is_sequentially_consistent() {
    for strategy in STRATEGIES {
        let passed = run(&MessagePassing, AS_IT_IS, strategy);
        assert!(passed.verdict.passed(), "{passed:?}");
        assert_eq!(passed.executions, 200);
        assert_eq!(passed.outcomes, set(&["-", "7"]), "{strategy}");
        assert_eq!(passed.coverage, Coverage::Sampled(format!("{strategy}, 200 schedules, seed 0x7")));
        for site in ["PUBLISH", "SEE"] {
            let failed = run(&MessagePassing, weakened(site, Order::Relaxed), strategy);
            let trace = failure(&failed);
            assert_eq!(trace.fault, Fault::DataRace);
            let sites: Vec<_> = trace.culprits.iter().map(|&at| trace.events[at].site.unwrap().name).collect();
            assert_eq!(sites, ["FILL", "TAKE"]);
            assert!(failed.executions < 200);
        }
    }
}

#[test]
fn waiting_works_and_being_woken_orders_nothing() {
    for strategy in STRATEGIES {
        assert!(run(&Doorbell, AS_IT_IS, strategy).verdict.passed());
        assert_eq!(failure(&run(&Trusting, AS_IT_IS, strategy)).fault, Fault::DataRace);
        let failed = run(&LostWake, AS_IT_IS, strategy);
        assert_eq!(failure(&failed).fault, Fault::Deadlock);
        assert_eq!(failure(&failed).message, "asleep for ever: sleeper on bell");
    }
}

#[test]
fn store_buffering_is_out_of_reach() {
    for order in BARRIER.weaker() {
        assert!(run(&StoreBuffering, weakened("BARRIER", *order), Strategy::Random).verdict.passed());
    }
}

#[test]
fn a_failure_is_replayed_to_the_same_trace() {
    for strategy in STRATEGIES {
        let failed = run(&LostWake, AS_IT_IS, strategy);
        let schedule: Replay = failed.replay.as_deref().expect("a failure says how to see it again").parse().unwrap();
        let again = replay(&LostWake, AS_IT_IS, schedule);
        assert_eq!(format!("{:?}", failure(&failed)), format!("{:?}", failure(&again)));
        assert_eq!(again.replay, failed.replay);
    }
}

#[test]
fn the_seed_decides_everything() {
    let seeded = |seed| {
        let options = ShuttleOptions { seed, iterations: 50, ..ShuttleOptions::default() };
        check(&LostWake, AS_IT_IS, &options).replay
    };
    assert_eq!(seeded(1), seeded(1));
    assert_ne!(seeded(1), seeded(2));
}

#[test]
fn bytes_decide_the_schedule() {
    // The first task goes on `zeros` times, and then the last.
    let outcome = |zeros: usize| {
        let (run, events) = steer(&MessagePassing, AS_IT_IS, &[vec![0; zeros], vec![1; 64]].concat());
        assert!(run.verdict.passed(), "{run:?}");
        assert_eq!((run.executions, run.replay), (1, None));
        (run.outcomes, format!("{events:?}"))
    };
    assert_eq!(outcome(3), outcome(3));
    let outcomes: std::collections::BTreeSet<String> = (0..16).flat_map(|zeros| outcome(zeros).0).collect();
    assert_eq!(outcomes, set(&["-", "7"]), "every outcome has its bytes");
    // Without a byte it goes on at random, and the same way again.
    assert_eq!(steer(&Doorbell, AS_IT_IS, &[]).1.len(), steer(&Doorbell, AS_IT_IS, &[]).1.len());
    let failed = (0..=255).find_map(|byte| {
        let (run, events) = steer(&LostWake, AS_IT_IS, &[byte; 64]);
        (!run.verdict.passed()).then_some((run, events))
    });
    let (run, events) = failed.expect("some bytes lose the wake-up");
    assert_eq!((failure(&run).fault, events.len()), (Fault::Deadlock, 0));
}

#[test]
fn fences_and_release_sequences_are_followed() {
    assert!(run(&FencedPassing, AS_IT_IS, Strategy::Random).verdict.passed());
    for site in ["BEFORE", "AFTER"] {
        let failed = run(&FencedPassing, weakened(site, Order::Relaxed), Strategy::Random);
        assert_eq!(failure(&failed).fault, Fault::DataRace, "{site}");
    }
    assert!(run(&Relay, AS_IT_IS, Strategy::Random).verdict.passed());
    let failed = run(&Relay, weakened("PUBLISH", Order::Relaxed), Strategy::Random);
    assert_eq!(failure(&failed).fault, Fault::DataRace);
}

#[test]
fn assertions_outcomes_endless_loops_and_timeouts() {
    let failed = run(&Hopeful, AS_IT_IS, Strategy::Random);
    assert_eq!(failure(&failed).fault, Fault::Assertion);
    assert!(failure(&failed).message.contains("both were counted"), "{:?}", failure(&failed));
    let endless = run(&Forever, AS_IT_IS, Strategy::Random);
    assert!(matches!(endless.verdict, Verdict::Cut), "{endless:?}");
    assert!(endless.coverage.to_string().contains("cannot tell"), "{endless:?}");
    assert!(run(&Impatient, AS_IT_IS, Strategy::Random).verdict.passed());
}
