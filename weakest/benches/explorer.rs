//! How fast the explorer is: states per second on a ring in miniature, with one worker.
//!
//! `cargo bench --package weakest`. The ring is the tests' own, so that this measures the same work as they do.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

#[path = "../tests/explorer_support/ring.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod ring;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ring::WaitingReader;
use weakest::explorer::{ExplorerOptions, Reductions, explore};
use weakest::run::Changes;

fn waiting_reader(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("waiting reader");
    group.sample_size(10);
    for (writers, messages) in [(1, 2), (1, 4), (2, 1)] {
        let scenario = WaitingReader { writers, messages, records: writers * messages, mortal: false };
        for (name, twins) in [("exact", false), ("twins", true)] {
            let reductions = Reductions { twins, ..Default::default() };
            let options = ExplorerOptions { workers: 1, reductions, ..Default::default() };
            let run = || explore(&scenario, Changes::default(), &options).0;
            let states = run().states.expect("it counts states");
            group.throughput(Throughput::Elements(states));
            group.bench_function(format!("{writers} x {messages}, {name}"), |bencher| bencher.iter(run));
        }
    }
    group.finish();
}

criterion_group!(benches, waiting_reader);
criterion_main!(benches);
