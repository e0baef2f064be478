//! Load buffering: the published tests with ARMv8's verdicts, random programs between an exact machine and RC11's axioms, and
//! agreement with the RC11 engine where nothing can be buffered.

mod explorer_support;

use explorer_support::axioms::{Behaviour, behaviour_with_load_buffering};
use explorer_support::dependent::Step::{self, Exchange, Fence, Load, Skip, Store, Update};
use explorer_support::dependent::Update::{Add, Swap};
use explorer_support::dependent::Value::{Just, Register};
use explorer_support::dependent::{Dependent, buffering, deciding, relaxed};
use explorer_support::dependent::{around, branching, coherent, exchanging, fencing};
use explorer_support::litmus::Instruction;
use explorer_support::litmus::{Litmus, site};
use explorer_support::promising::Machine;
use explorer_support::random::{Dice, Family, chain, program, system};
use std::collections::BTreeSet;
use std::sync::Arc;
use weakest::explorer::{ExplorerOptions, Memory, Often, Reductions, check};
use weakest::facade::Order::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use weakest::facade::{Atomic, Operation, Platform};
use weakest::run::{Changes, Coverage};
use weakest::trace::Fault;
use weakest::{Program, Scenario};

const X: usize = 0;
const Y: usize = 1;
const Z: usize = 2;

fn explored(scenario: &impl Scenario, memory: Memory, local_steps: bool, canonical_states: bool) -> BTreeSet<String> {
    let reductions = Reductions { local_steps, canonical_states };
    let options = ExplorerOptions { memory, reductions, workers: 1, ..Default::default() };
    let run = check(scenario, Changes::default(), &options);
    assert!(run.verdict.passed(), "{}: {:?}", scenario.name(), run.verdict);
    assert_eq!(run.coverage, Coverage::Exhausted, "{}", scenario.name());
    run.outcomes
}

/// What the literature says of a test's weak outcome on ARMv8.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Weak {
    Allowed,
    Forbidden,
    /// Forbidden by dependencies of control alone, so allowed where these are not trusted.
    ByControl,
}
use Weak::{Allowed, ByControl, Forbidden};

#[track_caller]
fn verdict<const N: usize>(name: &str, threads: [&[Step]; N], weak: &str, expected: Weak) {
    let litmus = Dependent::new(name, threads);
    let exact = Machine::new(&litmus, false).outcomes();
    assert_eq!(exact.contains(weak), expected == Allowed, "the exact machine, {name}: {exact:?}");
    for (local_steps, canonical_states) in [(true, true), (true, false), (false, true), (false, false)] {
        let found = explored(&litmus, Memory::Hardware, local_steps, canonical_states);
        assert_eq!(found.contains(weak), expected == Allowed, "{name}: {weak} in {found:?}");
        assert!(exact.is_subset(&found), "{name}: {:?} is missing", exact.difference(&found));
        let strict = explored(&litmus, Memory::HardwareStrict, local_steps, canonical_states);
        assert_eq!(strict.contains(weak), expected != Forbidden, "{name}, strict: {weak} in {strict:?}");
        assert!(found.is_subset(&strict), "{name}");
    }
}

fn load(register: usize, x: usize) -> Step {
    Load(register, x, Relaxed)
}
fn store(x: usize, value: u64) -> Step {
    Store(x, Just(value), Relaxed)
}
fn skip_if_zero(steps: usize) -> Step {
    Skip { register: 0, if_zero: true, steps }
}

#[test]
fn load_buffering() {
    let weak = "1 | 1 [1,1]";
    let (plain, other) = ([load(0, X), store(Y, 1)], [load(0, Y), store(X, 1)]);
    let lb = |name: &str, first: &[Step], second: &[Step], expected| verdict(name, [first, second], weak, expected);
    lb("LB", &plain, &other, Allowed);
    lb("LB+data+po", &[load(0, X), Store(Y, Register(0), Relaxed)], &other, Allowed);
    lb(
        "LB+datas",
        &[load(0, X), Store(Y, Register(0), Relaxed)],
        &[load(0, Y), Store(X, Register(0), Relaxed)],
        Forbidden,
    );
    let branch = |x, y| [load(0, x), skip_if_zero(1), store(y, 1)];
    lb("LB+ctrl+po", &branch(X, Y), &other, Allowed);
    lb("LB+ctrls", &branch(X, Y), &branch(Y, X), Forbidden);
    lb("LB+rel+po", &[load(0, X), Store(Y, Just(1), Release)], &other, Allowed);
    lb("LB+rels", &[load(0, X), Store(Y, Just(1), Release)], &[load(0, Y), Store(X, Just(1), Release)], Forbidden);
    lb("LB+acq+po", &[Load(0, X, Acquire), store(Y, 1)], &other, Allowed);
    lb("LB+acqs", &[Load(0, X, Acquire), store(Y, 1)], &[Load(0, Y, Acquire), store(X, 1)], Forbidden);
    lb("LB+rel+acq", &[load(0, X), Store(Y, Just(1), Release)], &[Load(0, Y, Acquire), store(X, 1)], Forbidden);
    for order in [Acquire, Release, AcqRel, SeqCst] {
        let fenced = |x, y| [load(0, x), Fence(order), store(y, 1)];
        lb("LB+fences", &fenced(X, Y), &fenced(Y, X), Forbidden);
        lb("LB+fence+po", &fenced(X, Y), &other, Allowed);
    }
    let unfenced = |x, y| [load(0, x), Fence(Relaxed), store(y, 1)];
    lb("LB+no fences", &unfenced(X, Y), &unfenced(Y, X), Allowed);
}

#[test]
fn load_buffering_past_other_accesses() {
    let other = [load(0, Y), store(X, 1)];
    let lb = |name: &str, first: &[Step], weak, expected| verdict(name, [first, &other], weak, expected);
    lb("LB+rel between", &[load(0, X), Store(Z, Just(1), Release), store(Y, 1)], "1 | 1 [1,1,1]", Allowed);
    lb("LB+acq between", &[load(0, X), Load(1, Z, Acquire), store(Y, 1)], "1,0 | 1 [1,1,0]", Allowed);
    lb("LB+read between", &[load(0, X), load(1, Z), store(Y, 1)], "1,0 | 1 [1,1,0]", Allowed);
    // Of the same location, in order.
    lb("LB+same location", &[load(0, X), store(X, 2), store(Y, 1)], "1 | 1 [2,1]", Allowed);
    lb("LB+own write", &[load(0, X), load(1, Y), store(Y, 1)], "1,0 | 1 [1,1]", Allowed);
    lb("LB+own write, read", &[load(0, X), store(Y, 1), load(1, Y)], "1,1 | 1 [1,1]", Allowed);
    // Both halves of a read-modify-write may be early, or late.
    for update in [Swap, Add] {
        let amo = |order| [load(0, X), Update(1, Y, update, Just(1), order)];
        lb("LB+amo", &amo(Relaxed), "1,0 | 1 [1,1]", Allowed);
        lb("LB+amo acq", &amo(Acquire), "1,0 | 1 [1,1]", Allowed);
        lb("LB+amo rel", &amo(Release), "1,0 | 1 [1,1]", Allowed);
        let first = |order| [Update(0, X, update, Just(2), order), store(Y, 1)];
        let last = if update == Swap { "1 | 1 [2,1]" } else { "1 | 1 [3,1]" };
        lb("LB+amo first", &first(Relaxed), last, Allowed);
        lb("LB+amo rel first", &first(Release), last, Allowed);
    }
    // A compare-and-exchange that fails.
    lb("LB+cas", &[Exchange(0, X, 7, Just(2), AcqRel), store(Y, 1)], "1 | 1 [1,1]", Allowed);
}

/// A read that decides what is done next is done before all later writes, though these do not depend on it.
#[test]
fn what_decides_comes_first() {
    let weak = "1,0 | 1 [1,1,0]";
    let skips = |last: Step| [load(0, X), skip_if_zero(1), load(1, Z), last];
    let decides = |thread: usize| skips(store(thread, 1));
    verdict("LB+ctrl past", [&decides(Y), &[load(0, Y), store(X, 1)]], weak, Allowed);
    let other = [load(0, Y), skip_if_zero(1), load(1, Z), store(X, 1)];
    verdict("LB+ctrls past", [&decides(Y), &other], "1,0 | 1,0 [1,1,0]", ByControl);
    let other = [load(0, Y), Fence(Release), store(X, 1)];
    verdict("LB+ctrl past+fence", [&decides(Y), &other], weak, ByControl);
}

/// What comes before a write that has been performed reads nothing that comes after it; and a fence releases by it.
#[test]
fn what_lies_between_keeps_its_place() {
    let first = |between| [load(0, X), between, store(Y, 1)];
    let other = [Load(0, Y, Acquire), store(Z, 1), store(X, 1)];
    let weak = "1,1 | 1 [1,1,1]";
    verdict("LB+read between, late", [&first(load(1, Z)), &other], weak, Allowed);
    verdict("LB+acq between, late", [&first(Load(1, Z, Acquire)), &other], weak, Forbidden);
    let decides = Skip { register: 1, if_zero: true, steps: 1 };
    let first = [load(0, X), load(1, Z), decides, load(2, X), store(Y, 1)];
    verdict("LB+ctrl between, late", [&first, &other], "1,1,1 | 1 [1,1,1]", ByControl);
    let own: [&[Step]; 3] = [
        &[load(0, X), store(X, 1)],
        &[load(0, X), Store(Y, Register(0), Relaxed)],
        &[Load(0, Y, Acquire), store(X, 2)],
    ];
    verdict("LB+own location", own, "2 | 1 | 1 [1,1]", Forbidden);
    let first = [store(Z, 1), Fence(Release), load(0, X), store(Y, 1)];
    let other = [Load(0, Y, Acquire), load(1, Z), store(X, 1)];
    verdict("LB+released before", [&first, &other], "1 | 1,0 [1,1,1]", Forbidden);
    verdict("LB+released before", [&first, &other], "1 | 1,1 [1,1,1]", Allowed);
}

/// Nothing but load buffering is added.
#[test]
fn what_is_no_load_buffering() {
    let mp = |first: Step, second: Step, expected| {
        verdict("MP", [&[store(X, 1), first], &[second, load(1, X)]], " | 1,0 [1,1]", expected);
    };
    mp(store(Y, 1), load(0, Y), Allowed);
    mp(Store(Y, Just(1), Release), Load(0, Y, Acquire), Forbidden);
    mp(Store(Y, Just(1), Release), load(0, Y), Allowed);
    verdict("SB", [&[store(X, 1), load(0, Y)], &[store(Y, 1), load(0, X)]], "0 | 0 [1,1]", Allowed);
    let fenced = |x, y| [store(x, 1), Fence(SeqCst), load(0, y)];
    verdict("SB+fences", [&fenced(X, Y), &fenced(Y, X)], "0 | 0 [1,1]", Forbidden);
    verdict("CoRR", [&[store(X, 1)], &[load(0, X), load(1, X)]], " | 1,0 [1]", Forbidden);
    verdict("CoRW1", [&[load(0, X), store(X, 1)]], "1 [1]", Forbidden);
    verdict("S", [&[store(X, 2), Store(Y, Just(1), Release)], &[load(0, Y), store(X, 1)]], " | 1 [2,1]", Allowed);
}

/// Where RC11 allows more than hardware does, so does this memory: it forbids no more than RC11, but for what RC11 forbids
/// only as load buffering.
#[test]
fn what_rc11_allows_and_hardware_does_not() {
    let write_then_release = [store(X, 2), Store(Y, Just(1), Release)];
    let litmus = Dependent::new("S+data", [&write_then_release, &[load(0, Y), Store(X, Register(0), Relaxed)]]);
    let weak = " | 1 [2,1]";
    assert!(!Machine::new(&litmus, true).outcomes().contains(weak));
    for memory in [Memory::ReleaseAcquire, Memory::Hardware] {
        assert!(explored(&litmus, memory, true, true).contains(weak));
    }
}

/// LDAPR may read what an earlier STLR of its own thread has not performed yet, so later writes do not wait for what that
/// waits for.
#[test]
fn what_its_own_thread_has_not_performed_yet() {
    let threads: [&[Step]; 2] = [
        &[load(0, X), Store(Z, Just(1), Release), Load(1, Z, Acquire), store(Y, 1)],
        &[Load(0, Y, Acquire), store(X, 1)],
    ];
    let litmus = Dependent::new("LB+rel-rfi-acq", threads);
    let weak = "1,1 | 1 [1,1,1]";
    assert!(!Machine::new(&litmus, false).outcomes().contains(weak));
    assert!(Machine::new(&litmus, true).outcomes().contains(weak));
    assert!(explored(&litmus, Memory::Hardware, true, true).contains(weak));
}

/// The seeds of a family: more with `EXPLORER_SEEDS=N`.
fn seeds() -> std::ops::Range<u64> {
    0..std::env::var("EXPLORER_SEEDS").map_or(200, |seeds| seeds.parse().expect("a number"))
}

/// Contains what the exact machine finds, with LDAR and with LDAPR; and what hardware memory adds is there in many.
fn between(seeds: std::ops::Range<u64>, program: impl Fn(u64) -> Dependent) {
    let (mut buffered, mut exact_programs, mut outcomes) = (0, 0, 0);
    let (mut count, tried) = (0, seeds.end - seeds.start);
    // The exact machine goes through all orders of all writes.
    let small = |litmus: &Dependent| {
        let writes = |step: &&Step| !matches!(step, Load(..) | Fence(_) | Skip { .. });
        litmus.threads.iter().flatten().filter(writes).count() <= 4
    };
    for litmus in seeds.map(program).filter(small) {
        count += 1;
        let found = explored(&litmus, Memory::Hardware, true, true);
        let weak = Machine::new(&litmus, true).outcomes();
        let strong = Machine::new(&litmus, false).outcomes();
        for exact in [&weak, &strong] {
            let missing: Vec<_> = exact.difference(&found).collect();
            assert!(missing.is_empty(), "{}: {missing:?} of {litmus:?}", litmus.name);
        }
        let rc11 = explored(&litmus, Memory::ReleaseAcquire, true, true);
        assert!(rc11.is_subset(&found), "{}", litmus.name);
        let strict = explored(&litmus, Memory::HardwareStrict, true, true);
        assert!(found.is_subset(&strict), "{}", litmus.name);
        buffered += u64::from(rc11.len() < found.len());
        exact_programs += u64::from(found == weak);
        outcomes += found.len();
    }
    println!("{count} programs, {outcomes} outcomes, {buffered} buffer, {exact_programs} have no outcome too many");
    // Else the family is nearly empty, or is no test of buffering.
    assert!(3 * count >= tried && 10 * buffered >= count, "{count} of {tried} programs, {buffered} buffer");
}

#[test]
fn programs_that_buffer() {
    between(seeds(), |seed| buffering(seed, false));
}

#[test]
fn programs_that_depend() {
    between(seeds(), |seed| buffering(seed, true));
}

#[test]
fn programs_that_decide() {
    between(seeds(), deciding);
}

#[test]
fn programs_that_look_back_at_what_they_wrote() {
    between(seeds(), coherent);
}

#[test]
fn programs_that_branch_twice() {
    between(seeds(), branching);
}

#[test]
fn programs_that_exchange() {
    between(seeds(), exchanging);
}

#[test]
fn programs_with_fences() {
    between(seeds(), fencing);
}

#[test]
fn programs_of_three_in_a_ring() {
    between(seeds(), around);
}

/// Of relaxed loads and stores alone, exactly what hardware does.
#[test]
fn relaxed_programs() {
    for seed in seeds() {
        let litmus = relaxed(seed);
        let found = explored(&litmus, Memory::Hardware, true, true);
        assert_eq!(found, Machine::new(&litmus, false).outcomes(), "{litmus:?}");
    }
}

/// The program as the axioms have it, if they can say it.
fn straight(program: &Dependent) -> Option<Litmus> {
    let instruction = |step: &Step| {
        Some(match *step {
            Load(_, x, order) => Instruction::Load(x, order),
            Store(x, Just(value), order) => Instruction::Store(x, value, order),
            Update(_, x, Swap, Just(value), order) => Instruction::Swap(x, value, order),
            Update(_, x, Add, Just(value), order) => Instruction::Add(x, value, order),
            Exchange(_, x, current, Just(new), order) => Instruction::Exchange(x, current, new, order),
            Fence(order) => Instruction::Fence(order),
            _ => return None,
        })
    };
    let threads: Option<Vec<Vec<Instruction>>> =
        program.threads.iter().map(|steps| steps.iter().map(instruction).collect()).collect();
    Some(Litmus { name: "buffering", threads: threads?, mortal: false })
}

/// From above: RC11's axioms without the one that forbids load buffering; with all reductions and without any.
#[test]
fn between_the_axioms() {
    let family = |seed| Family { name: "axioms", fences: seed % 2 == 0, updates: seed % 3 != 0, data: false };
    let programs = (0..150).map(|seed| program(&mut Dice(seed), family(seed)));
    let rings = (0..150).filter_map(|seed| straight(&buffering(seed, false)));
    for litmus in programs.chain((0..80).map(|seed| chain(&mut Dice(seed)))).chain(rings) {
        let Behaviour::Outcomes(above) = behaviour_with_load_buffering(&litmus) else { unreachable!("no data") };
        let all: Vec<_> = [(true, true), (true, false), (false, true), (false, false)]
            .map(|(local, canonical)| explored(&litmus, Memory::Hardware, local, canonical))
            .into();
        assert!(all.iter().all(|found| *found == all[0]), "{litmus:?}: {all:?}");
        assert!(all[0].is_subset(&above), "{litmus:?}: {:?}", all[0].difference(&above));
    }
}

/// With waits, wakes and deaths, the search without any reduction is the judge.
#[test]
fn waits_wakes_and_deaths() {
    for seed in 0..150 {
        let litmus = system(&mut Dice(seed));
        let explore = |memory, local_steps, canonical_states| {
            let reductions = Reductions { local_steps, canonical_states };
            let options = ExplorerOptions {
                memory,
                reductions,
                deaths: (seed % 3) as u8,
                spurious_wakes: if seed % 2 == 0 { Often::Never } else { Often::AtMost(1) },
                workers: 1,
                ..Default::default()
            };
            let run = check(&litmus, Changes::default(), &options);
            assert!(run.verdict.passed(), "seed {seed}: {:?} of {litmus:?}", run.verdict);
            run.outcomes
        };
        let expected = explore(Memory::Hardware, false, false);
        for (local, canonical) in [(true, true), (true, false), (false, true)] {
            let found = explore(Memory::Hardware, local, canonical);
            assert_eq!(found, expected, "seed {seed}, {local}, {canonical}: {litmus:?}");
        }
        assert!(explore(Memory::ReleaseAcquire, true, true).is_subset(&expected), "seed {seed}");
    }
}

/// Where every read acquires or every write releases, hardware memory is RC11.
#[test]
fn where_nothing_buffers() {
    for seed in 0..150 {
        let family = Family { name: "no buffering", fences: true, updates: true, data: seed % 2 == 0 };
        let mut litmus = program(&mut Dice(seed), family);
        for instruction in litmus.threads.iter_mut().flatten() {
            use Instruction::{Exchange, Load, Store, Swap};
            match instruction {
                Load(_, order) if seed % 3 == 0 => *order = Acquire,
                Store(_, _, order) if seed % 3 != 0 => *order = Release,
                Swap(_, _, order) | Instruction::Add(_, _, order) | Exchange(_, _, _, order) => *order = AcqRel,
                _ => {}
            }
        }
        // A failed exchange is a relaxed load.
        if seed % 3 == 0 && litmus.threads.iter().flatten().any(|step| matches!(step, Instruction::Exchange(..))) {
            continue;
        }
        let options = |memory| ExplorerOptions { memory, workers: 1, ..Default::default() };
        let rc11 = check(&litmus, Changes::default(), &options(Memory::ReleaseAcquire));
        let hardware = check(&litmus, Changes::default(), &options(Memory::Hardware));
        assert_eq!(rc11.verdict.word(), hardware.verdict.word(), "{litmus:?}");
        if rc11.verdict.passed() {
            assert_eq!((rc11.outcomes, rc11.states), (hardware.outcomes, hardware.states), "{litmus:?}");
        }
    }
}

/// A race that only a buffered store brings about.
#[test]
fn a_race_by_load_buffering() {
    use Instruction::{Load, Read, Store, Write};
    let litmus =
        Litmus::new("LB+race", [&[Load(X, Relaxed), Store(Y, 1, Relaxed), Write(0, 1)], &[Load(Y, Acquire), Read(0)]]);
    let options = ExplorerOptions { memory: Memory::Hardware, workers: 1, ..Default::default() };
    let run = check(&litmus, Changes::default(), &options);
    let weakest::run::Verdict::Fail(trace) = run.verdict else { panic!("{:?}", run.verdict) };
    assert_eq!(trace.fault, Fault::DataRace);
}

/// Interrupts are precise: whoever dies has done nothing of what comes after.
#[test]
fn the_dead_have_promised_nothing() {
    use Instruction::{Load, Store};
    let mut litmus = Litmus::new(
        "LB+death",
        [
            &[Load(X, Relaxed), Store(Z, 1, Release), Store(Y, 1, Relaxed)],
            &[Load(Y, Relaxed), Instruction::Fence(Release), Store(X, 1, Relaxed)],
        ],
    );
    litmus.mortal = true;
    for (local_steps, canonical_states) in [(true, true), (false, false)] {
        let reductions = Reductions { local_steps, canonical_states };
        let memory = Memory::Hardware;
        let options = ExplorerOptions { memory, reductions, deaths: 2, workers: 1, ..Default::default() };
        let run = check(&litmus, Changes::default(), &options);
        assert!(run.verdict.passed(), "{:?}", run.verdict);
        let wrong: Vec<_> = run.outcomes.iter().filter(|outcome| outcome.ends_with("1,0]")).collect();
        assert!(wrong.is_empty(), "y is written, and z before it is not: {wrong:?}");
        assert!(run.outcomes.contains("1 | 1 [1,1,1]"), "{:?}", run.outcomes);
    }
}

/// A thread that cannot keep its promise any more accuses nobody: two that want one lock, of which each would write.
#[derive(Clone, Copy)]
struct OneOfTwo;

impl Scenario for OneOfTwo {
    fn name(&self) -> String {
        "one of two".into()
    }

    fn about(&self) -> String {
        "whoever gets the lock does not see what the other would have written".into()
    }

    fn program<P: Platform>(&self) -> Program {
        let atoms: Arc<Vec<P::AtomicU32>> =
            Arc::new(["x", "y", "lock"].map(|label| P::AtomicU32::new(label, 0)).into());
        let locked =
            |atoms: &[P::AtomicU32]| atoms[2].compare_exchange(site(Operation::CompareExchange, Acquire), 0, 1).is_ok();
        let (first, second, third) = (atoms.clone(), atoms.clone(), atoms);
        Program::new()
            .thread("first", move || {
                let seen = first[0].load(site(Operation::Load, Relaxed));
                if locked(&first) {
                    first[1].store(site(Operation::Store, Relaxed), 1);
                }
                vec![seen.into()]
            })
            .thread("second", move || {
                if locked(&second) {
                    assert_eq!(second[1].load(site(Operation::Load, Relaxed)), 0, "nobody else has the lock");
                }
                Vec::new()
            })
            .thread("third", move || {
                third[0].store(site(Operation::Store, Relaxed), 1);
                Vec::new()
            })
            .finish(|_| "fine".into())
    }
}

#[test]
fn who_cannot_keep_a_promise_accuses_nobody() {
    for memory in [Memory::Hardware, Memory::HardwareStrict] {
        let options = ExplorerOptions { memory, workers: 1, ..Default::default() };
        let run = check(&OneOfTwo, Changes::default(), &options);
        assert!(run.verdict.passed(), "{memory:?}: {:?}", run.verdict);
    }
}

/// A wish that is granted once, as of a reader's bell: the reader says what it wants, marks the lock's word, and looks at the
/// record once more before it goes; the writer publishes, gives the lock up, and if it met the mark, takes the wish.
///
/// That the writer's swap reads the newest wish is no order: hardware that performs the swap's write early, and reads late,
/// may have taken the wish before it was made. Without an acquire after the mark, RC11 sees nothing wrong.
#[derive(Clone, Copy)]
struct Wish {
    /// Whether the writer acquires the mark before it takes the wish.
    acquires: bool,
}

impl Scenario for Wish {
    fn name(&self) -> String {
        format!("wish, {}", if self.acquires { "acquired" } else { "taken blindly" })
    }

    fn about(&self) -> String {
        "the reader makes a wish twice, the second after a record; the writer grants each once".into()
    }

    fn program<P: Platform>(&self) -> Program {
        let acquires = self.acquires;
        let labels = ["wish", "mark", "bell"];
        let atoms: Arc<Vec<P::AtomicU32>> = Arc::new(labels.map(|label| P::AtomicU32::new(label, 0)).into());
        let (reader, writer) = (atoms.clone(), atoms.clone());
        let rmw = |order| site(Operation::Rmw, order);
        Program::new()
            .thread("reader", move || {
                // The wish is released by the mark.
                reader[0].fetch_or(rmw(Relaxed), 1);
                reader[1].swap(rmw(AcqRel), 1);
                vec![reader[2].load(site(Operation::Load, Acquire)).into()]
            })
            .thread("writer", move || {
                let order = if acquires { AcqRel } else { Release };
                let marked = writer[1].swap(rmw(order), 0);
                let wished = writer[0].swap(rmw(Relaxed), 0);
                vec![marked.into(), wished.into()]
            })
            .finish(|ends| {
                let (marked, wished) = (ends[1].notes()[0], ends[1].notes()[1]);
                if marked == 1 && wished == 0 { "the wish is overlooked".into() } else { "fine".into() }
            })
    }
}

#[test]
fn a_wish_is_overlooked_only_if_nothing_orders_it() {
    let overlooked = |acquires, memory| {
        let options = ExplorerOptions { memory, workers: 1, ..Default::default() };
        check(&Wish { acquires }, Changes::default(), &options).outcomes.contains("the wish is overlooked")
    };
    for memory in [Memory::ReleaseAcquire, Memory::Hardware, Memory::HardwareStrict] {
        assert!(!overlooked(true, memory), "{memory:?}");
        assert_eq!(overlooked(false, memory), memory != Memory::ReleaseAcquire, "{memory:?}");
    }
}
