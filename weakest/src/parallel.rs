//! The same job for every item of a list, on several threads. An engine's state is thread-local, so runs do not meet.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Runs `job` for each item on up to `workers` threads and returns the answers in the items' order.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], workers: usize, job: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let answers: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..workers.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                while let Some((item, answer)) = {
                    let at = next.fetch_add(1, Relaxed);
                    items.get(at).zip(answers.get(at))
                } {
                    *answer.lock().unwrap() = Some(job(item));
                }
            });
        }
    });
    answers.into_iter().map(|answer| answer.into_inner().unwrap().expect("every item was worked on")).collect()
}
