//! How fast the explorer is: states per second on a ring in miniature, with one worker, and tiny programs per second.
//!
//! `cargo bench --package weakest`. The ring is the tests' own, so that this measures the same work as they do.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

#[path = "../tests/explorer_support/ring.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod ring;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ring::WaitingReader;
use std::sync::Arc;
use weakest::explorer::{ExplorerOptions, explore};
use weakest::facade::{Atomic, Cell, Platform, sites};
use weakest::run::Changes;
use weakest::{Program, Scenario};

fn waiting_reader(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("waiting reader");
    group.sample_size(10);
    for (writers, messages) in [(1, 2), (1, 4), (2, 1)] {
        let scenario = WaitingReader { writers, messages, records: writers * messages, mortal: false };
        let options = ExplorerOptions { workers: 1, ..Default::default() };
        let run = || explore(&scenario, Changes::default(), &options).0;
        let states = run().states.expect("it counts states");
        group.throughput(Throughput::Elements(states));
        group.bench_function(format!("{writers} x {messages}"), |bencher| bencher.iter(run));
    }
    group.finish();
}

sites! {
    /// Fills the slot.
    FILL: Write, "ordered by ANNOUNCE and HEAR";
    /// Says so.
    ANNOUNCE: Store Release, "publishes the slot";
    /// Whether it is filled.
    HEAR: Load Acquire, "acquires the slot";
    /// Reads the slot.
    TAKE: Read, "ordered by ANNOUNCE and HEAR";
}

/// Message passing: what a generator of programs runs by the thousand is about as large.
struct Tiny;

impl Scenario for Tiny {
    fn name(&self) -> String {
        "tiny".into()
    }

    fn about(&self) -> String {
        "a word is handed over, or not yet".into()
    }

    fn program<P: Platform>(&self) -> Program {
        let slot: Arc<(P::AtomicU32, P::Cell)> = Arc::new((Atomic::new("flag", 0), Cell::new("slot", 0, 0)));
        let given = slot.clone();
        Program::new()
            .thread("giver", move || {
                given.1.write(&FILL, 7);
                given.0.store(&ANNOUNCE, 1);
                Vec::new()
            })
            .thread("taker", move || match slot.0.load(&HEAR) {
                0 => Vec::new(),
                _ => vec![slot.1.read(&TAKE)],
            })
    }
}

fn tiny_programs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tiny programs");
    let ring = WaitingReader { writers: 1, messages: 1, records: 1, mortal: false };
    let options = || ExplorerOptions { workers: 1, ..Default::default() };
    group.throughput(Throughput::Elements(1));
    group.bench_function("message passing", |bencher| {
        bencher.iter(|| explore(&Tiny, Changes::default(), &options()).0);
    });
    group.bench_function("a ring, 1 x 1", |bencher| bencher.iter(|| explore(&ring, Changes::default(), &options()).0));
    group.finish();
}

criterion_group!(benches, tiny_programs, waiting_reader);
criterion_main!(benches);
