//! Sleep, loops and deaths: what ends, what never ends, and what a death leaves behind.
#![allow(missing_docs, reason = "the table of sites is public by its macro")]

mod explorer_support;

use explorer_support::ring::{Lockers, Retires};
use std::sync::Arc;
use std::time::Duration;
use weakest::explorer::{ExplorerOptions, Often, Time, check};
use weakest::facade::{Atomic, Platform, Wait, sites};
use weakest::run::{Changes, Coverage, Death, Run, Verdict};
use weakest::trace::Fault;
use weakest::{End, Outcomes, Program, Scenario};

sites! {
    FLAG_SET: Store Release, pairs with [FLAG_SEEN], "what was done before";
    FLAG_SEEN: Load Acquire, pairs with [FLAG_SET], "what was done before";
    SLEEP: Wait, "until the flag is set";
    WAKE: Wake, "whoever waits for the flag";
    DEAD_WROTE: Store Relaxed, "whoever is told of the death and calls for a heavy fence";
    DEAD_LIGHT: Fence SeqCst, "it is one of those that a heavy fence reaches";
    DEATH_TOLD: Store Relaxed, "nothing";
    DEATH_SEEN: Load Relaxed, "nothing";
    CALLS: Fence SeqCst, "everybody else";
    DEAD_READ: Load Relaxed, "ordered by the heavy fence";
}

/// How a thread waits for a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It looks again and again.
    Loop,
    /// It looks again and again, and says so.
    Retry,
    /// It looks so many times and gives up.
    Patience(u64),
    /// It sleeps while the flag is not set.
    Sleep { timed: bool },
}

/// One thread waits for a flag that another sets, or does not.
#[derive(Clone, Copy, Debug)]
struct Flag {
    way: Way,
    set: bool,
    wake: bool,
    outcomes: &'static [&'static str],
}

impl Scenario for Flag {
    fn name(&self) -> String {
        format!("{self:?}")
    }
    fn about(&self) -> String {
        "One thread waits for another's flag".into()
    }
    fn outcomes(&self) -> Outcomes {
        Outcomes::Exactly(self.outcomes.iter().map(|&outcome| outcome.to_string()).collect())
    }
    fn program<P: Platform>(&self) -> Program {
        let flag = Arc::new(P::AtomicU32::new("flag", 0));
        let (setter, Flag { way, set, wake, .. }) = (flag.clone(), *self);
        Program::new()
            .thread("waiter", move || {
                let seen = || flag.load(&FLAG_SEEN) == 1;
                vec![match way {
                    Way::Loop => loop {
                        if seen() {
                            break 1;
                        }
                    },
                    Way::Retry => P::retry(|| seen().then_some(1)),
                    Way::Patience(rounds) => (0..rounds).any(|_| seen()).into(),
                    Way::Sleep { timed } => {
                        let time = timed.then_some(Duration::from_secs(1));
                        match P::wait(&flag, &SLEEP, 0, time) {
                            Wait::Woken | Wait::Changed => 1,
                            Wait::TimedOut => 2,
                        }
                    }
                }]
            })
            .thread("setter", move || {
                if set {
                    setter.store(&FLAG_SET, 1);
                }
                if wake {
                    P::wake(&setter, &WAKE, 1);
                }
                Vec::new()
            })
            .finish(|ends: &[End]| format!("{}", ends[0].notes()[0]))
    }
}

fn run(scenario: Flag, options: &ExplorerOptions) -> Run {
    check(&scenario, Changes::default(), options)
}

#[track_caller]
fn passes(run: &Run) {
    assert!(run.verdict.passed(), "{}: {:?}", run.scenario, run.verdict);
    assert_eq!(run.coverage, Coverage::Exhausted);
}

#[track_caller]
fn fails(run: &Run, fault: Fault) {
    let Verdict::Fail(trace) = &run.verdict else { panic!("{}: {:?}", run.scenario, run.verdict) };
    assert_eq!(trace.fault, fault, "{}", trace.message);
}

#[test]
fn polling_ends_if_and_only_if_somebody_sets_the_flag() {
    let options = ExplorerOptions::default();
    for way in [Way::Loop, Way::Retry] {
        passes(&run(Flag { way, set: true, wake: false, outcomes: &["1"] }, &options));
        fails(&run(Flag { way, set: false, wake: false, outcomes: &["1"] }, &options), Fault::Livelock);
    }
}

#[test]
fn patience_runs_out() {
    let flag = Flag { way: Way::Patience(20), set: true, wake: false, outcomes: &["0", "1"] };
    passes(&run(flag, &ExplorerOptions::default()));
}

#[test]
fn an_outcome_too_many_and_one_too_few_are_told() {
    let patience = |outcomes| Flag { way: Way::Patience(3), set: true, wake: false, outcomes };
    fails(&run(patience(&["0"]), &ExplorerOptions::default()), Fault::Outcome);
    let few = run(patience(&["0", "1", "2"]), &ExplorerOptions::default());
    let Verdict::Unreached(missing) = few.verdict else { panic!("{:?}", few.verdict) };
    assert_eq!(missing.into_iter().collect::<Vec<_>>(), ["2"]);
}

#[test]
fn sleep_ends_by_a_wake_up_or_in_time() {
    let options = ExplorerOptions::default();
    let sleep = |timed, wake, outcomes| Flag { way: Way::Sleep { timed }, set: true, wake, outcomes };
    passes(&run(sleep(false, true, &["1"]), &options));
    // A store without a wake-up is a lost wake-up, also when sleepers may wake for no reason.
    fails(&run(sleep(false, false, &["1"]), &options), Fault::Deadlock);
    let spurious = ExplorerOptions { spurious_wakes: Often::Always, ..Default::default() };
    fails(&run(sleep(false, false, &["1"]), &spurious), Fault::Deadlock);
    passes(&run(sleep(true, false, &["1", "2"]), &options));
    let patient = ExplorerOptions { time: Time::Stands, ..Default::default() };
    fails(&run(sleep(true, false, &["1", "2"]), &patient), Fault::Deadlock);
}

#[test]
fn who_lives_gets_the_lock() {
    let lockers = Lockers { mortal: 2, immortal: 1, retires: Retires::Last };
    for deaths in [0, 1, 2] {
        let run = check(&lockers, Changes::default(), &ExplorerOptions { deaths, ..Default::default() });
        passes(&run);
        println!("{deaths} deaths: {:?} states, {:?}, {:?}", run.states, run.elapsed, run.outcomes);
        assert_eq!(run.killed_before.is_empty(), deaths == 0);
    }
}

#[test]
fn a_wake_up_that_dies_with_its_waker_is_found() {
    let lockers = Lockers { mortal: 1, immortal: 1, retires: Retires::TooEarly };
    passes(&check(&lockers, Changes::default(), &ExplorerOptions::default()));
    let mortal = ExplorerOptions { deaths: 1, ..Default::default() };
    fails(&check(&lockers, Changes::default(), &mortal), Fault::Deadlock);
}

#[test]
fn a_numbered_death_is_one_of_the_deaths() {
    let lockers = Lockers { mortal: 1, immortal: 1, retires: Retires::TooEarly };
    let verdicts: Vec<Run> = (0..20)
        .map(|step| {
            let changes = Changes { mutant: None, death: Some(Death { thread: 0, step }) };
            check(&lockers, changes, &ExplorerOptions::default())
        })
        .take_while(|run| !run.killed_before.is_empty())
        .collect();
    let fatal: Vec<_> = verdicts.iter().filter(|run| !run.verdict.passed()).collect();
    // Before the wake-up, and nowhere else.
    assert_eq!(fatal.len(), 1, "{verdicts:?}");
    assert!(fatal[0].killed_before.contains("LOCK_WAKE"), "{:?}", fatal[0].killed_before);
    fails(fatal[0], Fault::Deadlock);
}

/// A setter that may die, and a hook that sets the flag in its stead.
#[derive(Clone, Copy, Debug)]
struct Heir;

impl Scenario for Heir {
    fn name(&self) -> String {
        "heir".into()
    }
    fn about(&self) -> String {
        "one thread sleeps until another sets a flag, or whoever notices that it died".into()
    }
    fn program<P: Platform>(&self) -> Program {
        let flag = Arc::new(P::AtomicU32::new("flag", 0));
        let (setter, heir) = (flag.clone(), flag.clone());
        Program::new()
            .thread("waiter", move || {
                while flag.load(&FLAG_SEEN) == 0 {
                    P::wait(&flag, &SLEEP, 0, None);
                }
                vec![flag.load(&FLAG_SEEN).into()]
            })
            .mortal("setter", move || {
                P::store_and_wake_all(&setter, &WAKE, 1);
                Vec::new()
            })
            .on_death(move |dead| {
                assert_eq!(dead, 1, "the setter");
                P::store_and_wake_all(&heir, &WAKE, 2);
            })
            .finish(|ends: &[End]| format!("{:?}", ends[0].notes()))
    }
}

#[test]
fn what_happens_on_a_death_happens() {
    let outcomes = |deaths| {
        let run = check(&Heir, Changes::default(), &ExplorerOptions { deaths, ..Default::default() });
        passes(&run);
        run.outcomes.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(outcomes(0), ["[1]"]);
    assert_eq!(outcomes(1), ["[1]", "[2]"]);
}

/// A thread stores, and may die; somebody is told of its death, calls for a heavy fence and looks for the store.
#[derive(Clone, Copy, Debug)]
struct Testament;

impl Scenario for Testament {
    fn name(&self) -> String {
        "testament".into()
    }
    fn about(&self) -> String {
        "what a dead thread stored is there after a heavy fence".into()
    }
    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["nothing told"])
    }
    fn program<P: Platform>(&self) -> Program {
        let (left, told) = (Arc::new(P::AtomicU32::new("left", 0)), Arc::new(P::AtomicU32::new("told", 0)));
        let (written, tells) = (left.clone(), told.clone());
        Program::new()
            .mortal("testator", move || {
                P::light_fence(&DEAD_LIGHT);
                written.store(&DEAD_WROTE, 1);
                // Something that it may not get to any more.
                written.load(&DEAD_READ);
                vec![]
            })
            .thread("heir", move || {
                if told.load(&DEATH_SEEN) == 0 {
                    return vec![];
                }
                P::heavy_fence(&CALLS);
                vec![1, left.load(&DEAD_READ).into()]
            })
            .on_death(move |_| tells.store(&DEATH_TOLD, 1))
            .finish(|ends| {
                match (&ends[0], ends[1].notes()) {
                    (_, []) => "nothing told",
                    (End::Died { after }, [1, 1]) if *after >= 2 => "told, and there",
                    (End::Died { after }, [1, 0]) if *after < 2 => "told, and never stored",
                    (end, notes) => panic!("{end:?}: {notes:?}"),
                }
                .into()
            })
    }
}

#[test]
fn a_heavy_fence_reaches_what_the_dead_have_done() {
    let run = check(&Testament, Changes::default(), &ExplorerOptions { deaths: 1, ..Default::default() });
    assert!(run.verdict.passed(), "{:?}", run.verdict);
}
