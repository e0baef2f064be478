//! A run that saw less than it claims is never a pass.

mod common;

use common::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use weakest::engine::loom::{self, LoomOptions};
use weakest::engine::shuttle::{self, ShuttleOptions};
use weakest::run::{Coverage, Verdict};

#[test]
fn a_cut_search_is_no_pass() {
    let options = LoomOptions { max_executions: Some(2), ..LoomOptions::default() };
    let run = loom::check(&Doorbell, AS_IT_IS, &options);
    assert!(matches!(run.verdict, Verdict::Cut), "{run:?}");
    assert_eq!(run.coverage, Coverage::Cut("limit of 2 executions".into()));
    assert_eq!(run.executions, 2);
}

#[test]
fn a_limit_that_is_not_reached_changes_nothing() {
    let free = loom::check(&Doorbell, AS_IT_IS, &LoomOptions::default());
    let options = LoomOptions { max_executions: Some(free.executions + 1), ..LoomOptions::default() };
    assert!(loom::check(&Doorbell, AS_IT_IS, &options).verdict.passed());
}

#[test]
fn a_bounded_search_says_so() {
    let options = LoomOptions { preemption_bound: Some(1), ..LoomOptions::default() };
    let run = loom::check(&Doorbell, AS_IT_IS, &options);
    assert!(run.verdict.passed());
    assert_eq!(run.coverage, Coverage::Bounded("preemptions ≤ 1".into()));
}

#[test]
fn too_few_executions_fail() {
    let free = loom::check(&Doorbell, AS_IT_IS, &LoomOptions::default()).executions;
    let least = |least_executions| {
        let options = LoomOptions { least_executions, ..LoomOptions::default() };
        loom::check(&Doorbell, AS_IT_IS, &options).verdict
    };
    assert!(least(free).passed());
    assert!(matches!(least(free + 1), Verdict::TooFew { expected } if expected == free + 1));
}

#[test]
fn an_unreached_outcome_fails() {
    let run = loom::check(&Promises, AS_IT_IS, &LoomOptions::default());
    assert!(matches!(&run.verdict, Verdict::Unreached(names) if *names == set(&["1"])), "{run:?}");
}

#[test]
fn a_hand_stops_a_run() {
    let stop = Arc::new(AtomicBool::new(true));
    let options = LoomOptions { stop: Some(stop.clone()), ..LoomOptions::default() };
    assert!(matches!(loom::check(&Doorbell, AS_IT_IS, &options).verdict, Verdict::Cut));
    let options = ShuttleOptions { stop: Some(stop), ..ShuttleOptions::default() };
    let run = shuttle::check(&Doorbell, AS_IT_IS, &options);
    assert!(matches!(run.verdict, Verdict::Cut));
    assert_eq!(run.executions, 0);
}

#[test]
fn progress_counts_executions() {
    let progress = Arc::new(AtomicU64::new(0));
    let options = LoomOptions { progress: Some(progress.clone()), ..LoomOptions::default() };
    let run = loom::check(&Doorbell, AS_IT_IS, &options);
    assert_eq!(progress.swap(0, Relaxed), run.executions);
    let options = ShuttleOptions { progress: Some(progress.clone()), iterations: 10, ..ShuttleOptions::default() };
    shuttle::check(&Doorbell, AS_IT_IS, &options);
    assert_eq!(progress.load(Relaxed), 10);
}

#[test]
fn a_crowd_is_too_much_for_loom_but_not_for_shuttle() {
    let threads = |count| loom::check(&Crowd(count), AS_IT_IS, &LoomOptions::default()).verdict;
    assert!(matches!(threads(0), Verdict::NotRun(_)));
    assert!(threads(5).passed());
    assert!(matches!(threads(6), Verdict::NotRun(why) if why == "loom takes 1 to 5 threads, not 6"));
    let options = ShuttleOptions { iterations: 10, ..ShuttleOptions::default() };
    assert!(shuttle::check(&Crowd(20), AS_IT_IS, &options).verdict.passed());
}
