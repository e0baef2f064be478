//! A thread that dies: what the operating system does for it, and that it does no more.

mod common;

use std::sync::Arc;
use weakest::engine::loom::LoomOptions;
use weakest::engine::shuttle::ShuttleOptions;
use weakest::facade::native::{OWNER, OWNER_DIED, WAITERS};
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::run::{Changes, Death, Mutant, Run, Verdict};
use weakest::suite::{Engine, Entry};
use weakest::sweep::{self, SweepOptions};
use weakest::trace::{Action, Fault, Trace};
use weakest::{Outcomes, Program, Scenario};

sites! {
    /// Taking the lock.
    TAKE: CompareExchange Acquire, pairs with [GIVE], "the section of the last owner happens before ours";
    /// A look at a lock that is taken.
    LOOK: Load, "decides nothing";
    /// Marking the lock before sleeping.
    MARK: CompareExchange, "says only that somebody sleeps";
    /// Asleep.
    SLEEP: Wait, "orders nothing";
    /// Giving the lock up.
    GIVE: Rmw Release, pairs with [TAKE], "our section happens before the next owner's";
    /// Waking a sleeper.
    WAKE: Wake, "if the lock was marked";
    /// Looking into what the lock protects.
    COUNT: Read, "plain data";
    /// Changing what the lock protects.
    BUMP: Write, "plain data";
}

/// What is wrong with a lock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// It sleeps without marking the word.
    Unmarked,
    /// It tells the system that it is done before it has woken anybody.
    EarlyRetire,
}

struct Lock<P: Platform> {
    word: P::AtomicU32,
    count: P::Cell,
    flaw: Flaw,
}

impl<P: Platform> Lock<P> {
    fn bump(&self) {
        // SAFETY: the word lives as long as the scenario's threads; sections do not nest.
        let id = unsafe { P::announce(&self.word) };
        loop {
            let seen = self.word.load(&LOOK);
            if seen & OWNER == 0 {
                if self.word.compare_exchange(&TAKE, seen, id | (seen & WAITERS)).is_ok() {
                    break;
                }
                continue;
            }
            let marked = if self.flaw == Flaw::Unmarked { seen } else { seen | WAITERS };
            if seen == marked || self.word.compare_exchange(&MARK, seen, marked).is_ok() {
                P::wait(&self.word, &SLEEP, marked, None);
            }
        }
        let count = self.count.read(&COUNT);
        self.count.write(&BUMP, count + 1);
        let marked = self.word.swap(&GIVE, 0) & WAITERS != 0;
        if self.flaw == Flaw::EarlyRetire {
            P::retire();
        }
        if marked {
            P::wake(&self.word, &WAKE, 1);
        }
        if self.flaw != Flaw::EarlyRetire {
            P::retire();
        }
    }
}

/// Two threads bump a counter under a lock that survives its owner.
struct Bumps(Flaw);

impl Scenario for Bumps {
    fn name(&self) -> String {
        "bumps".into()
    }
    fn about(&self) -> String {
        "two threads bump a counter under a robust lock; one may die, the other does not wait for it for ever".into()
    }
    fn program<P: Platform>(&self) -> Program {
        let lock = Arc::new(Lock::<P> {
            word: P::AtomicU32::new("lock", 0),
            count: P::Cell::new("count", 0, 0),
            flaw: self.0,
        });
        let (mortal, survivor) = (lock.clone(), lock.clone());
        let body = |lock: Arc<Lock<P>>| {
            move || {
                lock.bump();
                Vec::new()
            }
        };
        Program::new().mortal("mortal", body(mortal)).thread("survivor", body(survivor)).finish(move |ends| {
            let left = lock.word.load(&LOOK);
            assert_eq!(left & OWNER, 0, "nobody holds the lock");
            let count = lock.count.read(&COUNT);
            assert!(count == 2 || (count == 1 && ends[0].died()), "{count} bumps");
            format!("{count} bumps{}", if left & OWNER_DIED != 0 { ", recovered" } else { "" })
        })
    }
}

/// A guard in the dying thread wants to tidy up. The dead do not.
struct Tidy;

impl Scenario for Tidy {
    fn name(&self) -> String {
        "tidy".into()
    }
    fn about(&self) -> String {
        "a guard's destructor stores a 2, which a killed thread does not come to".into()
    }
    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["2"])
    }
    fn program<P: Platform>(&self) -> Program {
        struct Guard<P: Platform>(Arc<P::AtomicU64>);
        impl<P: Platform> Drop for Guard<P> {
            fn drop(&mut self) {
                self.0.swap(&GIVE, 2);
            }
        }
        let word = Arc::new(P::AtomicU64::new("word", 0));
        let guarded = word.clone();
        Program::new()
            .mortal("guard", move || {
                let guard = Guard::<P>(guarded.clone());
                guard.0.swap(&GIVE, 1);
                Vec::new()
            })
            .finish(move |_| word.load(&LOOK).to_string())
    }
}

fn engines() -> [Engine; 2] {
    [Engine::Loom(LoomOptions::default()), Engine::Shuttle(ShuttleOptions::default())]
}

fn trace(run: &Run) -> &Trace {
    match &run.verdict {
        Verdict::Fail(trace) => trace,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_robust_lock_survives_its_owner() {
    for engine in engines() {
        let entry = Entry::new(Bumps(Flaw::None), engine);
        assert!(entry.run(Changes::default()).verdict.passed());
        let sweeps = sweep::run(&[entry], &SweepOptions::default());
        assert!(sweeps[0].passed(), "{:?}", sweeps[0].failures().next());
        assert!(sweeps[0].steps.len() >= 7, "{:?}", sweeps[0].steps);
        let recovered = |run: &Run| run.outcomes.contains("1 bumps, recovered");
        assert!(sweeps[0].steps.iter().any(recovered), "it may die holding the lock after the other is through");
    }
}

#[test]
fn nobody_is_woken_by_a_death_that_sees_no_mark() {
    for engine in engines() {
        let sweeps = sweep::run(&[Entry::new(Bumps(Flaw::Unmarked), engine)], &SweepOptions::default());
        let faults: Vec<_> = sweeps[0].failures().map(|(_, run)| trace(run).fault).collect();
        assert!(!faults.is_empty() && faults.iter().all(|fault| *fault == Fault::Deadlock), "{faults:?}");
    }
}

#[test]
fn a_wake_up_is_lost_between_an_early_retire_and_the_wake() {
    for engine in engines() {
        let sweeps = sweep::run(&[Entry::new(Bumps(Flaw::EarlyRetire), engine)], &SweepOptions::default());
        let failures: Vec<_> = sweeps[0].failures().collect();
        assert!(!failures.is_empty());
        for (_, run) in failures {
            assert_eq!(trace(run).fault, Fault::Deadlock);
            assert!(run.killed_before.contains("WAKE"), "{:?}", run.killed_before);
        }
    }
}

#[test]
fn the_system_releases_what_the_dead_has_done_and_the_next_owner_must_acquire_it() {
    let mutant = Some(Mutant { site: "TAKE", order: Order::Relaxed });
    // After BUMP and before GIVE: only the system's clean-up releases the section.
    for engine in engines() {
        let entry = Entry::new(Bumps(Flaw::None), engine);
        let before_give = (0..).find(|&step| {
            let run = entry.run(Changes { mutant: None, death: Some(Death { thread: 0, step }) });
            run.killed_before.contains("GIVE")
        });
        let death = before_give.map(|step| Death { thread: 0, step });
        let run = entry.run(Changes { mutant, death });
        assert_eq!(trace(&run).fault, Fault::DataRace);
        assert!(trace(&run).events.iter().any(|event| matches!(event.action, Action::CleanedUp { .. })));
    }
}

#[test]
fn destructors_of_the_dead_touch_nothing() {
    for engine in engines() {
        let entry = Entry::new(Tidy, engine);
        assert!(entry.run(Changes::default()).verdict.passed());
        let outcomes = |step| entry.run(Changes { mutant: None, death: Some(Death { thread: 0, step }) }).outcomes;
        assert_eq!(outcomes(0), ["0".to_string()].into());
        assert_eq!(outcomes(1), ["1".to_string()].into());
        assert_eq!(outcomes(2), ["2".to_string()].into(), "the thread is through");
    }
}

#[test]
fn no_death_falls_between_a_store_and_its_wake() {
    for engine in engines() {
        let entry = Entry::new(common::Handover, engine);
        assert!(entry.run(Changes::default()).verdict.passed());
        let sweeps = sweep::run(&[entry], &SweepOptions::default());
        let [before] = &sweeps[0].steps[..] else { panic!("one operation: {sweeps:?}") };
        assert_eq!(trace(before).fault, Fault::Deadlock, "killed before it, it wakes nobody");
    }
}
