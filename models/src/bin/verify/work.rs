//! Runs models on all cores and shows how far they are.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;
use weakest::explorer::Progress;
use weakest::run::{Changes, Run};
use weakest::suite::{Engine, Entry};

/// Bars on a terminal, nothing elsewhere. The same ones for all that runs side by side.
pub fn bars() -> MultiProgress {
    static BARS: OnceLock<MultiProgress> = OnceLock::new();
    let bars = || {
        MultiProgress::with_draw_target(match std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr_with_hz(10),
            false => ProgressDrawTarget::hidden(),
        })
    };
    BARS.get_or_init(bars).clone()
}

/// What a thread comes back with, or its panic.
pub fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// How many models run at once.
pub fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs every entry and returns the answers in their order. Entries that had not begun when `stop` was set have none.
///
/// The last one is begun first: lists have their large models behind the small ones, and a large one that came last would have one
/// core to itself while the others have nothing to do.
pub fn run_all(entries: &[Entry], stop: &Arc<AtomicBool>) -> Vec<Option<Run>> {
    let next = AtomicUsize::new(0);
    let runs: Mutex<Vec<Option<Run>>> = Mutex::new(entries.iter().map(|_| None).collect());
    let bars = bars();
    let length = entries.len() as u64;
    let total = bars.add(ProgressBar::new(length).with_style(style("{bar:30} {pos}/{len} models  {elapsed}")));
    thread::scope(|scope| {
        for _ in 0..workers() {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let begun = next.fetch_add(1, Ordering::Relaxed);
                    let Some(index) = entries.len().checked_sub(begun + 1) else { break };
                    let entry = &entries[index];
                    let run = watched(entry, stop, &bars);
                    runs.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(run);
                    total.inc(1);
                }
            });
        }
    });
    total.finish_and_clear();
    runs.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Runs one entry under a spinner that shows what it has seen.
fn watched(entry: &Entry, stop: &Arc<AtomicBool>, bars: &MultiProgress) -> Run {
    let executions = Arc::new(AtomicU64::new(0));
    let progress = Arc::new(Progress::default());
    let mut engine = entry.engine.clone().stopped_by(stop);
    match &mut engine {
        Engine::Loom(options) => options.progress = Some(executions.clone()),
        Engine::Shuttle(options) => options.progress = Some(executions.clone()),
        Engine::Explorer(options) => options.progress = Some(progress.clone()),
    }
    let entry = Entry { case: entry.case.clone(), engine };
    let seen = || match &entry.engine {
        Engine::Explorer(_) => {
            let states = progress.states.load(Ordering::Relaxed);
            format!("{states} states, {} to look into", progress.frontier.load(Ordering::Relaxed))
        }
        _ => format!("{} executions", executions.load(Ordering::Relaxed)),
    };
    while_ticking(
        bars,
        || format!("{}/{}: {}", entry.engine.name(), entry.case.name(), seen()),
        || entry.run(Changes::default()),
    )
}

/// Does `work` under a spinner that says what `message` returns.
pub fn while_ticking<R>(bars: &MultiProgress, message: impl Fn() -> String + Sync, work: impl FnOnce() -> R) -> R {
    let bar = bars.add(ProgressBar::new_spinner().with_style(style("  {spinner} {msg}")));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let ticker = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                bar.set_message(message());
                bar.tick();
                thread::park_timeout(Duration::from_millis(100));
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        ticker.thread().unpark();
        bar.finish_and_clear();
        result
    })
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a constant template")
}
