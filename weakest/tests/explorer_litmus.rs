//! The published litmus tests: each weak outcome is there or not as RC11's literature says, and the whole set of outcomes
//! is the one that the axioms give.

mod explorer_support;

use explorer_support::axioms::{Behaviour, behaviour};
use explorer_support::litmus::Instruction::{self, Add, Exchange, Fence, Load, Read, Store, Swap, Write};
use explorer_support::litmus::Litmus;
use weakest::explorer::{ExplorerOptions, Memory, Reductions, check};
use weakest::facade::Order::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use weakest::run::{Changes, Coverage, Verdict};
use weakest::trace::Fault;

const X: usize = 0;
const Y: usize = 1;
const Z: usize = 2;

/// What the literature says about a test's weak outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weak {
    Allowed,
    Forbidden,
}
use Weak::{Allowed, Forbidden};

/// Runs a test in every combination of reductions. `weak` is the outcome in question, `count` the number of all outcomes.
#[track_caller]
fn verdict<const N: usize>(name: &'static str, threads: [&[Instruction]; N], weak: &str, expected: Weak, count: usize) {
    let litmus = Litmus::new(name, threads);
    let Behaviour::Outcomes(axioms) = behaviour(&litmus) else { panic!("{name} has a data race") };
    for (local_steps, canonical_states) in [(true, true), (true, false), (false, true), (false, false)] {
        let reductions = Reductions { local_steps, canonical_states };
        let options = ExplorerOptions { reductions, ..Default::default() };
        let run = check(&litmus, Changes::default(), &options);
        assert!(run.verdict.passed(), "{name}: {:?}", run.verdict);
        assert_eq!(run.coverage, Coverage::Exhausted, "{name}");
        assert_eq!(
            run.outcomes.contains(weak),
            expected == Allowed,
            "{name}, {reductions:?}: {weak} in {:?}",
            run.outcomes
        );
        assert_eq!(run.outcomes.len(), count, "{name}: {:?}", run.outcomes);
        assert_eq!(run.outcomes, axioms, "{name}, {reductions:?}");
    }
}

/// Whether a program races, in the axioms' eyes and the explorer's.
fn races<const N: usize>(name: &'static str, threads: [&[Instruction]; N]) -> bool {
    let litmus = Litmus::new(name, threads);
    let run = check(&litmus, Changes::default(), &ExplorerOptions::default());
    let found = match &run.verdict {
        Verdict::Pass => false,
        Verdict::Fail(trace) if trace.fault == Fault::DataRace => true,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(found, behaviour(&litmus) == Behaviour::Races, "{name}");
    found
}

#[test]
fn message_passing() {
    let mp = |name, store, load, expected, count| {
        verdict(
            name,
            [&[Store(X, 1, Relaxed), Store(Y, 1, store)], &[Load(Y, load), Load(X, Relaxed)]],
            " | 1,0 [1,1]",
            expected,
            count,
        );
    };
    mp("MP+rlx+rlx", Relaxed, Relaxed, Allowed, 4);
    mp("MP+rel+rlx", Release, Relaxed, Allowed, 4);
    mp("MP+rlx+acq", Relaxed, Acquire, Allowed, 4);
    mp("MP+rel+acq", Release, Acquire, Forbidden, 3);
}

#[test]
fn message_passing_by_fences() {
    let mp = |name, first: Order, second: Order, expected, count| {
        verdict(
            name,
            [
                &[Store(X, 1, Relaxed), Fence(first), Store(Y, 1, Relaxed)],
                &[Load(Y, Relaxed), Fence(second), Load(X, Relaxed)],
            ],
            " | 1,0 [1,1]",
            expected,
            count,
        );
    };
    mp("MP+frel+facq", Release, Acquire, Forbidden, 3);
    mp("MP+facq+facq", Acquire, Acquire, Allowed, 4);
    mp("MP+frel+frel", Release, Release, Allowed, 4);
    mp("MP+fsc+fsc", SeqCst, SeqCst, Forbidden, 3);
    mp("MP+removed+facq", Relaxed, Acquire, Allowed, 4);
}

#[test]
fn store_buffering() {
    let sb = |name, fence: Option<Order>, expected, count| {
        let thread = |mine, other| -> Vec<Instruction> {
            [Some(Store(mine, 1, Release)), fence.map(Fence), Some(Load(other, Acquire))]
                .into_iter()
                .flatten()
                .collect()
        };
        verdict(name, [&thread(X, Y), &thread(Y, X)], "0 | 0 [1,1]", expected, count);
    };
    sb("SB", None, Allowed, 4);
    sb("SB+facqrel", Some(AcqRel), Allowed, 4);
    sb("SB+fsc", Some(SeqCst), Forbidden, 3);
    verdict(
        "SB+fsc+none",
        [&[Store(X, 1, Relaxed), Fence(SeqCst), Load(Y, Relaxed)], &[Store(Y, 1, Relaxed), Load(X, Relaxed)]],
        "0 | 0 [1,1]",
        Allowed,
        4,
    );
}

#[test]
fn of_an_asymmetric_pair_one_side_is_heavy() {
    use Instruction::{Heavy, Light};
    let sb = |name, first, second, expected, count| {
        let thread = |mine, fence, other| [Store(mine, 1, Relaxed), fence, Load(other, Relaxed)];
        verdict(name, [&thread(X, first, Y), &thread(Y, second, X)], "0 | 0 [1,1]", expected, count);
    };
    sb("SB+light+light", Light, Light, Allowed, 4);
    sb("SB+light+heavy", Light, Heavy, Forbidden, 3);
    sb("SB+heavy+heavy", Heavy, Heavy, Forbidden, 3);
    sb("SB+light+fsc", Light, Fence(SeqCst), Forbidden, 3);
    // A third thread's heavy fence does not stand in for what is missing between two light ones.
    verdict(
        "SB+light+light+heavy elsewhere",
        [&[Store(X, 1, Relaxed), Light, Load(Y, Relaxed)], &[Store(Y, 1, Relaxed), Light, Load(X, Relaxed)], &[Heavy]],
        "0 | 0 |  [1,1]",
        Allowed,
        4,
    );
    // A light half is no instruction, so by itself it neither releases nor acquires.
    verdict(
        "MP+light+light",
        [&[Store(X, 1, Relaxed), Light, Store(Y, 1, Relaxed)], &[Load(Y, Relaxed), Light, Load(X, Relaxed)]],
        " | 1,0 [1,1]",
        Allowed,
        4,
    );
}

#[test]
fn store_buffering_by_updates() {
    // Read-modify-writes of one word order what fences on two words would.
    verdict(
        "SB+rmw",
        [
            &[Store(X, 1, Relaxed), Add(Z, 1, AcqRel), Load(Y, Relaxed)],
            &[Store(Y, 1, Relaxed), Add(Z, 1, AcqRel), Load(X, Relaxed)],
        ],
        "0,0 | 1,0 [1,1,2]",
        Forbidden,
        4,
    );
}

#[test]
fn load_buffering_is_beyond_the_model() {
    verdict(
        "LB",
        [&[Load(X, Relaxed), Store(Y, 1, Relaxed)], &[Load(Y, Relaxed), Store(X, 1, Relaxed)]],
        "1 | 1 [1,1]",
        Forbidden,
        3,
    );
}

#[test]
fn coherence() {
    let rlx = Relaxed;
    verdict("CoRR", [&[Store(X, 1, rlx)], &[Load(X, rlx), Load(X, rlx)]], " | 1,0 [1]", Forbidden, 3);
    verdict("CoWW", [&[Store(X, 1, rlx), Store(X, 2, rlx)]], " [1]", Forbidden, 1);
    verdict("CoWR", [&[Store(X, 1, rlx), Load(X, rlx)], &[Store(X, 2, rlx)]], "0 |  [2]", Forbidden, 3);
    verdict("CoRW1", [&[Load(X, rlx), Store(X, 1, rlx)]], "1 [1]", Forbidden, 1);
    verdict("CoRW2", [&[Load(X, rlx), Store(X, 1, rlx)], &[Store(X, 2, rlx)]], "2 |  [2]", Forbidden, 3);
    verdict(
        "CoRR2",
        [&[Store(X, 1, rlx)], &[Store(X, 2, rlx)], &[Load(X, rlx), Load(X, rlx)], &[Load(X, rlx), Load(X, rlx)]],
        " |  | 1,2 | 2,1 [1]",
        Forbidden,
        72,
    );
}

#[test]
fn independent_reads_of_independent_writes() {
    let iriw = |name, store, load, fence: Option<Order>, expected, count| {
        let reader = |first, second| -> Vec<Instruction> {
            [Some(Load(first, load)), fence.map(Fence), Some(Load(second, load))].into_iter().flatten().collect()
        };
        verdict(
            name,
            [&[Store(X, 1, store)], &[Store(Y, 1, store)], &reader(X, Y), &reader(Y, X)],
            " |  | 1,0 | 1,0 [1,1]",
            expected,
            count,
        );
    };
    iriw("IRIW+rlx", Relaxed, Relaxed, None, Allowed, 16);
    iriw("IRIW+acq", Release, Acquire, None, Allowed, 16);
    iriw("IRIW+facqrel", Release, Acquire, Some(AcqRel), Allowed, 16);
    iriw("IRIW+fsc", Relaxed, Relaxed, Some(SeqCst), Forbidden, 15);
}

#[test]
fn two_plus_two_writes() {
    let both = |name, order, fence: Option<Order>, expected, count| {
        let thread = |first, second| -> Vec<Instruction> {
            [Some(Store(first, 1, order)), fence.map(Fence), Some(Store(second, 2, order))]
                .into_iter()
                .flatten()
                .collect()
        };
        verdict(name, [&thread(X, Y), &thread(Y, X)], " |  [1,1]", expected, count);
    };
    both("2+2W+rlx", Relaxed, None, Allowed, 4);
    both("2+2W+rel", Release, None, Allowed, 4);
    both("2+2W+fsc", Relaxed, Some(SeqCst), Forbidden, 3);
}

#[test]
fn write_to_read_causality() {
    let wrc = |name, store, load, expected, count| {
        verdict(
            name,
            [&[Store(X, 1, Relaxed)], &[Load(X, Relaxed), Store(Y, 1, store)], &[Load(Y, load), Load(X, Relaxed)]],
            " | 1 | 1,0 [1,1]",
            expected,
            count,
        );
    };
    wrc("WRC+rlx", Relaxed, Relaxed, Allowed, 8);
    wrc("WRC+rel+acq", Release, Acquire, Forbidden, 7);
    verdict(
        "ISA2",
        [
            &[Store(X, 1, Relaxed), Store(Y, 1, Release)],
            &[Load(Y, Acquire), Store(Z, 1, Release)],
            &[Load(Z, Acquire), Load(X, Relaxed)],
        ],
        " | 1 | 1,0 [1,1,1]",
        Forbidden,
        7,
    );
}

#[test]
fn release_sequences() {
    let through = |name, update, expected, count| {
        verdict(
            name,
            [&[Store(X, 1, Relaxed), Store(Y, 1, Release)], &[update], &[Load(Y, Acquire), Load(X, Relaxed)]],
            " | 1 | 11,0 [1,11]",
            expected,
            count,
        );
    };
    // A relaxed read-modify-write carries on what it read, whoever does it.
    through("MP+add", Add(Y, 10, Relaxed), Forbidden, 9);
    // A later plain store does not, not even the releasing thread's own (C++20; RC11 of 2017 still forbade this).
    verdict(
        "MP+own store",
        [&[Store(X, 1, Relaxed), Store(Y, 1, Release), Store(Y, 2, Relaxed)], &[Load(Y, Acquire), Load(X, Relaxed)]],
        " | 2,0 [1,2]",
        Allowed,
        5,
    );
    // A relaxed swap hands on the knowledge although it discards the value.
    verdict(
        "MP+swap",
        [&[Store(X, 1, Relaxed), Store(Y, 1, Release)], &[Swap(Y, 5, Relaxed)], &[Load(Y, Acquire), Load(X, Relaxed)]],
        " | 1 | 5,0 [1,5]",
        Forbidden,
        9,
    );
}

#[test]
fn atomicity_of_updates() {
    verdict("2 adds", [&[Add(X, 1, Relaxed)], &[Add(X, 1, Relaxed)]], "0 | 0 [1]", Forbidden, 2);
    verdict("2 exchanges", [&[Exchange(X, 0, 1, Relaxed)], &[Exchange(X, 0, 2, Relaxed)]], "0 | 0 [2]", Forbidden, 2);
    verdict("add and store", [&[Add(X, 1, Relaxed)], &[Store(X, 5, Relaxed)]], "0 |  [6]", Forbidden, 2);
    // A failed exchange is a relaxed load, and may be stale.
    verdict(
        "failed exchange",
        [&[Store(X, 1, Relaxed), Store(Y, 1, Release)], &[Load(Y, Relaxed), Exchange(X, 7, 8, AcqRel)]],
        " | 1,0 [1,1]",
        Allowed,
        4,
    );
    // A failed exchange does not acquire.
    verdict(
        "failed exchange does not acquire",
        [&[Store(X, 1, Relaxed), Store(Y, 1, Release)], &[Exchange(Y, 7, 8, AcqRel), Load(X, Relaxed)]],
        " | 1,0 [1,1]",
        Allowed,
        4,
    );
}

#[test]
fn fences_order_only_through_happens_before() {
    // RC11 forbids a cycle of fences through happens-before and coherence, not through relaxed reads alone: the two
    // outer threads' fences do not order this. A machine in which each fence joins one global view forbids it.
    verdict(
        "fences at the ends only",
        [
            &[Store(X, 1, Relaxed), Fence(SeqCst), Store(Y, 1, Relaxed)],
            &[Load(Y, Relaxed), Store(Z, 1, Relaxed)],
            &[Load(Z, Relaxed), Fence(SeqCst), Load(X, Relaxed)],
        ],
        " | 1 | 1,0 [1,1,1]",
        Allowed,
        8,
    );
    verdict(
        "RWC+fsc",
        [
            &[Store(X, 1, Relaxed)],
            &[Load(X, Relaxed), Fence(SeqCst), Load(Y, Relaxed)],
            &[Store(Y, 1, Relaxed), Fence(SeqCst), Load(X, Relaxed)],
        ],
        " | 1,0 | 0 [1,1]",
        Forbidden,
        7,
    );
    verdict(
        "W+RWC+fsc",
        [
            &[Store(X, 1, Relaxed), Store(Y, 1, Release)],
            &[Load(Y, Acquire), Fence(SeqCst), Load(Z, Relaxed)],
            &[Store(Z, 1, Relaxed), Fence(SeqCst), Load(X, Relaxed)],
        ],
        " | 1,0 | 0 [1,1,1]",
        Forbidden,
        7,
    );
}

#[test]
fn data_races() {
    let mp = |store, load| {
        let writer: &[Instruction] = &[Write(0, 1), Store(X, 1, store)];
        // The reader reads the word whatever it sees: a race unless a flag stops it, which a straight line cannot have.
        races("MP on data", [writer, &[Load(X, load), Read(0)]])
    };
    assert!(mp(Release, Acquire));
    assert!(races("two writes", [&[Write(0, 1)], &[Write(0, 2)]]));
    assert!(!races("two reads", [&[Read(0)], &[Read(0)]]));
    assert!(!races("two words", [&[Write(0, 1)], &[Write(1, 1)]]));
    assert!(races("write and read", [&[Read(0)], &[Write(0, 1)]]));
}

#[test]
fn sequential_consistency_has_no_weak_outcome() {
    let weak: [(&str, Litmus); 3] = [
        (
            " | 1,0 [1,1]",
            Litmus::new("MP", [&[Store(X, 1, Relaxed), Store(Y, 1, Relaxed)], &[Load(Y, Relaxed), Load(X, Relaxed)]]),
        ),
        (
            "0 | 0 [1,1]",
            Litmus::new("SB", [&[Store(X, 1, Relaxed), Load(Y, Relaxed)], &[Store(Y, 1, Relaxed), Load(X, Relaxed)]]),
        ),
        (
            " |  [1,1]",
            Litmus::new(
                "2+2W",
                [&[Store(X, 1, Relaxed), Store(Y, 2, Relaxed)], &[Store(Y, 1, Relaxed), Store(X, 2, Relaxed)]],
            ),
        ),
    ];
    for (outcome, litmus) in weak {
        let options = ExplorerOptions { memory: Memory::SequentiallyConsistent, ..Default::default() };
        let run = check(&litmus, Changes::default(), &options);
        assert!(run.verdict.passed());
        assert!(!run.outcomes.contains(outcome), "{}: {:?}", litmus.name, run.outcomes);
        assert_eq!(run.outcomes.len(), 3, "{}: {:?}", litmus.name, run.outcomes);
    }
}

/// The verdicts are those of Lahav and others, *Repairing Sequential Consistency in C/C++11*, PLDI 2017, and of herd7's `rc11.cat`.
#[test]
fn sequentially_consistent_accesses() {
    let sb = |name, first, second, expected, count| {
        verdict(
            name,
            [&[Store(X, 1, first), Load(Y, second)], &[Store(Y, 1, first), Load(X, second)]],
            "0 | 0 [1,1]",
            expected,
            count,
        );
    };
    sb("SB+sc+sc", SeqCst, SeqCst, Forbidden, 3);
    sb("SB+rel+sc", Release, SeqCst, Allowed, 4);
    sb("SB+sc+acq", SeqCst, Acquire, Allowed, 4);
    let iriw = |name, first, second, expected, count| {
        verdict(
            name,
            [
                &[Store(X, 1, SeqCst)],
                &[Load(X, first), Load(Y, second)],
                &[Load(Y, first), Load(X, second)],
                &[Store(Y, 1, SeqCst)],
            ],
            " | 1,0 | 1,0 |  [1,1]",
            expected,
            count,
        );
    };
    iriw("IRIW+sc", SeqCst, SeqCst, Forbidden, 15);
    iriw("IRIW-acq-sc", Acquire, SeqCst, Allowed, 16);
    verdict(
        "2+2W+sc",
        [&[Store(X, 1, SeqCst), Store(Y, 2, SeqCst)], &[Store(Y, 1, SeqCst), Store(X, 2, SeqCst)]],
        " |  [1,1]",
        Forbidden,
        3,
    );
    verdict(
        "R+sc",
        [&[Store(X, 1, SeqCst), Store(Y, 1, SeqCst)], &[Store(Y, 2, SeqCst), Load(X, SeqCst)]],
        " | 0 [1,2]",
        Forbidden,
        3,
    );
    verdict(
        "Z6.U",
        [
            &[Store(X, 1, SeqCst), Store(Y, 1, Release)],
            &[Add(Y, 1, SeqCst), Load(Y, Relaxed)],
            &[Store(Y, 3, SeqCst), Load(X, SeqCst)],
        ],
        " | 1,3 | 0 [1,3]",
        Allowed,
        20,
    );
    verdict(
        "SB, an access against a fence",
        [&[Store(X, 1, SeqCst), Load(Y, SeqCst)], &[Store(Y, 1, Relaxed), Fence(SeqCst), Load(X, Relaxed)]],
        "0 | 0 [1,1]",
        Forbidden,
        3,
    );
}

/// What a compare-and-exchange that fails has found is loaded as its failure's site says.
#[test]
fn failure_orderings() {
    let mp = |name, failure, expected, count| {
        verdict(
            name,
            [
                &[Store(X, 1, Relaxed), Store(Y, 1, Release)],
                &[Instruction::ExchangeElse(Y, 7, 8, Relaxed, failure), Load(X, Relaxed)],
            ],
            " | 1,0 [1,1]",
            expected,
            count,
        );
    };
    mp("MP+failure rlx", Relaxed, Allowed, 4);
    mp("MP+failure acq", Acquire, Forbidden, 3);
    mp("MP+failure sc", SeqCst, Forbidden, 3);
    let sb = |name, failure, expected, count| {
        verdict(
            name,
            [
                &[Store(X, 1, SeqCst), Instruction::ExchangeElse(Y, 7, 8, Relaxed, failure)],
                &[Store(Y, 1, SeqCst), Instruction::ExchangeElse(X, 7, 8, Relaxed, failure)],
            ],
            "0 | 0 [1,1]",
            expected,
            count,
        );
    };
    sb("SB+failure acq", Acquire, Allowed, 4);
    sb("SB+failure sc", SeqCst, Forbidden, 3);
}
