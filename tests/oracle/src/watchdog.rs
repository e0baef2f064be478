//! Ends a test that hangs, with a message, instead of letting it hang.
//!
//! A lost wake-up shows as a thread that waits for ever. Time-outs in the waits themselves would hide it, so the waits have
//! none, and a thread beside them looks whether anything still moves.

use crate::patience::PATIENCE;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Watches for as long as it lives, and aborts the process if [`progress`](Self::progress) is not called for a minute.
#[derive(Debug)]
pub struct Watchdog {
    steps: Arc<AtomicU64>,
    /// Dropped to end the thread.
    leash: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts watching. `what` is named in the message.
    pub fn new(what: &'static str) -> Self {
        Self::with_patience(what, PATIENCE, || std::process::abort())
    }

    fn with_patience(what: &'static str, patience: Duration, hung: impl Fn() + Send + 'static) -> Self {
        let steps = Arc::new(AtomicU64::new(0));
        let (leash, held) = channel::<()>();
        let seen = steps.clone();
        let thread = thread::spawn(move || {
            let mut last = seen.load(Ordering::Relaxed);
            while held.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                let now = seen.load(Ordering::Relaxed);
                if now == last {
                    eprintln!("{what}: nothing has moved for {patience:?} after step {now}; a wake-up was lost");
                    return hung();
                }
                last = now;
            }
        });
        Watchdog { steps, leash: Some(leash), thread: Some(thread) }
    }

    /// Says that something moved.
    pub fn progress(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.leash.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_hang_is_noticed() {
        let (noticed, notice) = channel();
        let _watchdog = Watchdog::with_patience("test", Duration::from_millis(1), move || noticed.send(()).unwrap());
        notice.recv().unwrap();
    }
}
