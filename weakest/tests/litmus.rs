//! Pairings as litmus tests: cut out of failing executions, down to what the orderings are for.
#![allow(missing_docs, reason = "the table of sites is public by its macro")]

use std::sync::Arc;
use weakest::explorer::{ExplorerOptions, Memory};
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::litmus::{self, Dialect, Test};
use weakest::matrix::{self, Chase, MatrixOptions};
use weakest::suite::{Engine, Entry};
use weakest::{Program, Scenario};

sites! {
    FILL: Write, "ordered by PUBLISH";
    TAKE: Read, "ordered by SEEN";
    COUNT: Rmw Relaxed, "a figure";
    PUBLISH: Store Release, pairs with [SEEN], "whoever sees it finds the slot filled";
    SEEN: Load Acquire, pairs with [PUBLISH], "the slot is read afterwards";
    WISH: Store Relaxed, "ordered by WISH_FENCE";
    WISH_FENCE: Fence SeqCst, pairs with [LOOK_FENCE], "either sees the other";
    LOOK: Load Relaxed, "ordered by a fence";
    LOOK_FENCE: Fence SeqCst, pairs with [WISH_FENCE], "either sees the other";
}

/// A slot is filled and published, beside a figure that has nothing to do with it.
struct OneSlot;

impl Scenario for OneSlot {
    fn program<P: Platform>(&self) -> Program {
        let (slot, flag, figure) =
            (P::Cell::new("slot", 0, 0), P::AtomicU32::new("flag", 0), P::AtomicU32::new("figure", 0));
        let shared = Arc::new((slot, flag, figure));
        let filler = shared.clone();
        Program::new()
            .thread("filler", move || {
                filler.2.fetch_add(&COUNT, 1);
                filler.0.write(&FILL, 7);
                filler.1.store(&PUBLISH, 1);
                Vec::new()
            })
            .thread("taker", move || {
                shared.2.fetch_add(&COUNT, 1);
                if shared.1.load(&SEEN) == 1 {
                    assert_eq!(shared.0.read(&TAKE), 7);
                }
                Vec::new()
            })
    }
}

/// Of two who wish and look, one at least sees the other's wish.
struct TwoWishes;

impl Scenario for TwoWishes {
    fn program<P: Platform>(&self) -> Program {
        let wishes = Arc::new([P::AtomicU32::new("left", 0), P::AtomicU32::new("right", 0)]);
        let mut program = Program::new();
        for own in 0..2 {
            let (wishes, fence) = (wishes.clone(), [&WISH_FENCE, &LOOK_FENCE][own]);
            program = program.thread(format!("thread {own}"), move || {
                wishes[own].store(&WISH, 1);
                P::fence(fence);
                vec![wishes[1 - own].load(&LOOK).into()]
            });
        }
        program.finish(|ends| {
            assert!(ends.iter().any(|end| end.notes() == [1]), "neither has seen the other");
            "done".into()
        })
    }
}

fn tests() -> Vec<Test> {
    let engine = Engine::Explorer(ExplorerOptions { workers: 1, ..Default::default() });
    let suite = [Entry::new(OneSlot, engine.clone()), Entry::new(TwoWishes, engine)];
    let options = MatrixOptions { chase: Chase::Always, ..Default::default() };
    let (tests, without) = litmus::tests(&matrix::run(ALL, &suite, &options), 2);
    assert_eq!(without, []);
    tests
}

#[test]
fn pairings_are_cut_down_to_what_the_orderings_are_for() {
    let tests = tests();
    let [passing, buffering] = &tests[..] else { panic!("{tests:?}") };
    assert_eq!((passing.pair, passing.steps(), passing.locations.len()), (("PUBLISH", "SEEN"), 4, 2), "{passing:?}");
    assert_eq!((buffering.pair, buffering.steps()), (("WISH_FENCE", "LOOK_FENCE"), 6), "{buffering:?}");
    for test in &tests {
        assert_eq!(test.shows(true, Memory::ReleaseAcquire), Some(true), "{test:?}");
        assert_eq!(test.shows(false, Memory::HardwareStrict), Some(false), "{test:?}");
    }
    assert_eq!(passing.mutant, ("PUBLISH", Order::Relaxed));
}

#[test]
fn they_are_said_in_each_dialect() {
    let passing = &tests()[0];
    let said = |dialect: Dialect, weakened| dialect.write("MP", passing, weakened);
    assert_eq!(
        said(Dialect::C11, false),
        "C MP\n\"PUBLISH and SEEN: as it ships\"\n{ }\n\
         P0 (atomic_int* l_slot_0, atomic_int* l_flag) {\n  atomic_store_explicit(l_slot_0, 1, memory_order_relaxed);\n  \
         atomic_store_explicit(l_flag, 1, memory_order_release);\n}\n\
         P1 (atomic_int* l_slot_0, atomic_int* l_flag) {\n  \
         int r0 = atomic_load_explicit(l_flag, memory_order_acquire);\n  \
         int r1 = atomic_load_explicit(l_slot_0, memory_order_relaxed);\n}\n\
         exists (1:r0=1 /\\ 1:r1=0)\n"
    );
    let armv8 = said(Dialect::AArch64, false);
    assert!(
        ["STR W19,[X20]", "STLR W19,[X21]", "LDAPR W0,[X21]", "LDR W1,[X20]"].iter().all(|i| armv8.contains(i)),
        "{armv8}"
    );
    assert!(!said(Dialect::AArch64, true).contains("STLR"), "PUBLISH is weakened");
    let riscv = said(Dialect::RiscV, false);
    assert!(["fence rw,w", "sw x9,0(x21)", "lw x10,0(x21)", "fence r,rw"].iter().all(|i| riscv.contains(i)), "{riscv}");
    assert!(!said(Dialect::RiscV, true).contains("fence rw,w"));
    let x86 = said(Dialect::X86, false);
    assert!(
        ["MOV [l_slot_0],$1", "MOV [l_flag],$1", "MOV EAX,[l_flag]", "MOV EBX,[l_slot_0]"]
            .iter()
            .all(|i| x86.contains(i)),
        "{x86}"
    );
    let column = |text: String| text.lines().filter(|line| line.ends_with(';')).map(String::from).collect::<Vec<_>>();
    assert_eq!(column(x86), column(said(Dialect::X86, true)), "x86 does not tell them apart");
    let kernel = said(Dialect::Lkmm, false);
    assert!(
        ["WRITE_ONCE(*l_slot_0, 1)", "smp_store_release(l_flag, 1)", "smp_load_acquire(l_flag)"]
            .iter()
            .all(|i| kernel.contains(i))
    );
}
