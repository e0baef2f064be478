//! Virtual time: a limited wait that returns early, late or never is a fault.
#![allow(missing_docs, reason = "the table of sites is public by its macro")]

use std::sync::Arc;
use std::time::Duration;
use weakest::engine::{loom, shuttle};
use weakest::explorer::{self, ExplorerOptions, Time};
use weakest::facade::{Atomic, Platform, Wait, sites};
use weakest::run::{Changes, Run, Verdict};
use weakest::{Program, Scenario};

sites! {
    NAP: Wait, "nobody wakes it";
    SLEEP: Wait, "until woken or in time";
    WAKE: Wake, "for nothing";
}

const SECOND: Duration = Duration::from_secs(1);

/// How a waiter heeds its limit of two seconds, being woken for nothing after one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It sleeps until a moment.
    Deadline,
    /// It gives up when it is first woken.
    FirstWake,
    /// Its limit starts anew when it is woken.
    Anew,
    /// It forgets its limit when it is woken.
    Forgetful,
}

#[derive(Clone, Copy, Debug)]
struct Limited(Way);

impl Scenario for Limited {
    fn name(&self) -> String {
        format!("{self:?}")
    }
    fn about(&self) -> String {
        "one thread sleeps for two seconds, and is woken for nothing after one".into()
    }
    fn program<P: Platform>(&self) -> Program {
        let way = self.0;
        let word = Arc::new(P::AtomicU32::new("word", 0));
        let (own, waker) = (P::AtomicU32::new("own", 0), word.clone());
        Program::new()
            .thread("waiter", move || {
                let mut deadline = Some(P::now() + 2 * SECOND);
                while P::wait(&word, &SLEEP, 0, deadline) != Wait::TimedOut {
                    match way {
                        Way::Deadline => {}
                        Way::FirstWake => break,
                        Way::Anew => deadline = Some(P::now() + 2 * SECOND),
                        Way::Forgetful => deadline = None,
                    }
                }
                vec![P::now().as_secs()]
            })
            .thread("waker", move || {
                assert_eq!(P::wait(&own, &NAP, 0, Some(P::now() + SECOND)), Wait::TimedOut);
                P::wake(&waker, &WAKE, 1);
                Vec::new()
            })
            .finish(|ends| match ends[0].notes() {
                [0 | 1] => panic!("early"),
                [2] => "in time".into(),
                _ => "late".into(),
            })
    }
}

fn message(run: &Run) -> &str {
    match &run.verdict {
        Verdict::Fail(trace) => &trace.message,
        verdict => panic!("{}: {verdict:?}", run.scenario),
    }
}

#[test]
fn early_late_and_never_are_told_apart_when_time_passes_in_idleness() {
    let options = ExplorerOptions { time: Time::PassesInIdleness, ..Default::default() };
    let run = |way| explorer::check(&Limited(way), Changes::default(), &options);
    assert!(run(Way::Deadline).verdict.passed());
    assert!(message(&run(Way::FirstWake)).contains("early"));
    assert_eq!(Vec::from_iter(run(Way::Deadline).outcomes), ["in time"]);
    assert_eq!(Vec::from_iter(run(Way::Anew).outcomes), ["late"]);
    assert!(message(&run(Way::Forgetful)).contains("nobody is left to wake"));
}

#[test]
fn loom_lets_time_pass_in_idleness_too() {
    let run = |way| loom::check(&Limited(way), Changes::default(), &Default::default());
    assert!(run(Way::Deadline).verdict.passed(), "{:?}", run(Way::Deadline));
    assert!(message(&run(Way::FirstWake)).contains("early"));
    assert_eq!(Vec::from_iter(run(Way::Deadline).outcomes), ["in time"]);
    assert_eq!(Vec::from_iter(run(Way::Anew).outcomes), ["late"]);
    assert!(!run(Way::Forgetful).verdict.passed());
}

/// Where threads may be slow, nobody is to blame for being late; early is early still.
#[test]
fn early_is_told_when_time_passes_at_will() {
    let explored = |way| explorer::check(&Limited(way), Changes::default(), &ExplorerOptions::default());
    assert!(explored(Way::Deadline).verdict.passed());
    assert!(message(&explored(Way::FirstWake)).contains("early"));
    let sampled = |way| shuttle::check(&Limited(way), Changes::default(), &Default::default());
    assert!(sampled(Way::Deadline).verdict.passed());
    assert!(message(&sampled(Way::FirstWake)).contains("early"));
}
