//! The holes of loom itself, shown on bare loom: when one of these tests fails, loom has closed the hole, and what the
//! platform does about it can go. `loom.rs` has the tests that it does.

use loom::model::Builder;
use loom::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How often `builder` runs a model.
fn executions(builder: &Builder, model: impl Fn() + Send + Sync + 'static) -> u64 {
    let count = Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    builder.check(move || {
        counted.fetch_add(1, Relaxed);
        model();
    });
    count.load(Relaxed)
}

/// Issues #166 and #392.
#[test]
fn loom_forgets_a_load() {
    let count = executions(&Builder::new(), || {
        let word = Arc::new(AtomicUsize::new(0));
        let writer = word.clone();
        let thread = loom::thread::spawn(move || {
            writer.load(Ordering::Relaxed);
            writer.fetch_add(1, Ordering::Relaxed);
        });
        word.load(Ordering::Acquire);
        thread.join().unwrap();
    });
    assert_eq!(count, 1, "there are more: the reader may look before the addition or after");
}

#[test]
fn a_cut_run_looks_like_a_pass() {
    let model = || {
        let word = Arc::new(AtomicUsize::new(0));
        let other = word.clone();
        let thread = loom::thread::spawn(move || other.store(1, Ordering::Relaxed));
        word.load(Ordering::Relaxed);
        thread.join().unwrap();
    };
    let whole = Builder::new();
    let mut cut = Builder::new();
    cut.max_permutations = Some(1);
    cut.checkpoint_interval = 1;
    assert!(executions(&cut, model) < executions(&whole, model));
}
