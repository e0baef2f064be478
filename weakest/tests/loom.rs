//! The loom engine on litmus tests, and probes for the holes of loom that the platform is to close.

mod common;

use common::*;
use weakest::Scenario;
use weakest::engine::loom::{LoomOptions, check};
use weakest::facade::Order;
use weakest::run::{Changes, Coverage, Run, Verdict};
use weakest::trace::{Action, Fault, Trace};

fn run(scenario: &impl Scenario, changes: Changes) -> Run {
    check(scenario, changes, &LoomOptions::default())
}

fn failure(run: &Run) -> &Trace {
    match &run.verdict {
        Verdict::Fail(trace) => trace,
        other => panic!("{}: {other:?}", run.scenario),
    }
}

#[test]
fn message_passing_needs_both_orders() {
    let passed = run(&MessagePassing, AS_IT_IS);
    assert!(passed.verdict.passed(), "{passed:?}");
    assert_eq!(passed.coverage, Coverage::Exhausted);
    assert_eq!(passed.outcomes, set(&["-", "7"]));
    for site in ["PUBLISH", "SEE"] {
        let failed = run(&MessagePassing, weakened(site, Order::Relaxed));
        let trace = failure(&failed);
        assert_eq!(trace.fault, Fault::DataRace);
        let sites: Vec<_> = trace.culprits.iter().map(|&at| trace.events[at].site.unwrap().name).collect();
        assert_eq!(sites, ["FILL", "TAKE"]);
    }
}

#[test]
fn store_buffering_needs_its_fences() {
    let passed = run(&StoreBuffering, AS_IT_IS);
    assert!(passed.verdict.passed(), "{passed:?}");
    for order in BARRIER.weaker() {
        let failed = run(&StoreBuffering, weakened("BARRIER", *order));
        let trace = failure(&failed);
        assert_eq!(trace.fault, Fault::Outcome, "{order}");
        let stale = |event: &weakest::trace::Event| matches!(event.action, Action::Read { stale: true, .. });
        assert!(trace.events.iter().any(stale), "{trace:?}");
    }
}

#[test]
fn a_forgotten_load_hides_nothing() {
    let run = run(&Polling, AS_IT_IS);
    assert!(run.verdict.passed(), "{run:?}");
    assert!(run.executions >= 3, "{run:?}");
}

#[test]
fn a_doorbell_works() {
    let run = run(&Doorbell, AS_IT_IS);
    assert!(run.verdict.passed(), "{run:?}");
}

#[test]
fn being_woken_orders_nothing() {
    assert_eq!(failure(&run(&Trusting, AS_IT_IS)).fault, Fault::DataRace);
    for site in ["PUBLISH", "SEE"] {
        assert_eq!(failure(&run(&Doorbell, weakened(site, Order::Relaxed))).fault, Fault::DataRace, "{site}");
    }
}

#[test]
fn a_lost_wake_up_is_a_deadlock() {
    let failed = run(&LostWake, AS_IT_IS);
    let trace = failure(&failed);
    assert_eq!(trace.fault, Fault::Deadlock);
    assert_eq!(trace.message, "asleep for ever: sleeper on bell");
    let slept = |at: &usize| matches!(trace.events[*at].action, Action::Slept { .. });
    assert!(trace.culprits.iter().any(slept), "{trace:?}");
}

#[test]
fn fences_stand_in_for_either_side() {
    assert!(run(&FencedPassing, AS_IT_IS).verdict.passed());
    for site in ["BEFORE", "AFTER"] {
        assert_eq!(failure(&run(&FencedPassing, weakened(site, Order::Relaxed))).fault, Fault::DataRace, "{site}");
    }
}

#[test]
fn an_update_keeps_the_release_sequence() {
    let passed = run(&Relay, AS_IT_IS);
    assert!(passed.verdict.passed(), "{passed:?}");
    assert_eq!(passed.outcomes, set(&["-", "7"]));
    assert_eq!(failure(&run(&Relay, weakened("PUBLISH", Order::Relaxed))).fault, Fault::DataRace);
}

#[test]
fn readers_agree_on_independent_writes() {
    // Four threads: without a bound this takes minutes.
    let bounded = LoomOptions { preemption_bound: Some(2), ..LoomOptions::default() };
    let passed = check(&Independent, AS_IT_IS, &bounded);
    assert!(passed.verdict.passed(), "{passed:?}");
    assert_eq!(passed.outcomes.len(), 15, "all but one of 16: {:?}", passed.outcomes);
    let failed = check(&Independent, weakened("BARRIER", Order::AcqRel), &bounded);
    assert_eq!(failure(&failed).fault, Fault::Assertion);
}

/// Documents a hole: loom treats `SeqCst` accesses as `AcqRel`, so that correct code fails.
#[test]
fn seqcst_accesses_are_weaker_than_they_should_be() {
    assert_eq!(failure(&run(&SeqCstAccesses, AS_IT_IS)).fault, Fault::Outcome);
}

#[test]
fn a_timeout_fires_when_nothing_else_can_happen() {
    let run = run(&Impatient, AS_IT_IS);
    assert!(run.verdict.passed(), "{run:?}");
}

#[test]
fn an_assertion_fails_in_its_own_words() {
    let failed = run(&Hopeful, AS_IT_IS);
    let trace = failure(&failed);
    assert_eq!(trace.fault, Fault::Assertion);
    assert!(trace.message.contains("both were counted") && trace.message.contains("mod.rs:"), "{}", trace.message);
    assert_eq!(trace.threads, ["left", "right", "operating system", "end"]);
}

#[test]
fn whether_polling_for_ever_is_a_livelock_it_cannot_tell() {
    let run = run(&Forever, AS_IT_IS);
    assert!(matches!(run.verdict, Verdict::Cut), "{run:?}");
    assert!(run.coverage.to_string().contains("GET"), "{run:?}");
}

#[test]
fn failures_leave_the_engine_as_it_was() {
    let before = run(&Doorbell, AS_IT_IS);
    for _ in 0..20 {
        failure(&run(&LostWake, AS_IT_IS));
        failure(&run(&Trusting, AS_IT_IS));
        failure(&run(&Hopeful, AS_IT_IS));
    }
    let after = run(&Doorbell, AS_IT_IS);
    assert_eq!(before.executions, after.executions);
    assert!(after.verdict.passed());
}

#[test]
fn a_counterexample_is_as_calm_as_it_can_be() {
    // The search meets the late failure first, which takes a preemption more.
    let failed = run(&TwoWays, AS_IT_IS);
    let trace = failure(&failed);
    assert!(trace.message.starts_with("seen early"), "{trace:?}");
}

#[test]
fn no_store_slips_between_an_update_and_what_it_read() {
    let run = run(&Unlocking, AS_IT_IS);
    assert!(run.verdict.passed(), "{run:?}");
}

/// The shadows beside the atomics must not carry what they are touched by.
#[test]
fn hearsay_orders_nothing() {
    let run = run(&Hearsay, AS_IT_IS);
    assert!(run.verdict.passed(), "{run:?}");
}
