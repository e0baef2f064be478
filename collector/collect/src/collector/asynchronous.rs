//! The collector in a task.

use super::{Collector, Stopper};
use crate::event::Event;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use tokio::io::unix::AsyncFd;
use tokio::time::sleep_until;

/// A [`Collector`] in a task of tokio's. It reads and admits while a task waits for its next event, and only then.
#[derive(Debug)]
pub struct AsyncCollector {
    inner: AsyncFd<Pollable>,
}

/// Readable when something has happened.
#[derive(Debug)]
struct Pollable(Collector);

impl AsRawFd for Pollable {
    fn as_raw_fd(&self) -> RawFd {
        self.0.poller.as_raw_fd()
    }
}

impl Collector {
    /// The same collector for a task of tokio's.
    ///
    /// # Errors
    /// Of polling.
    ///
    /// # Panics
    /// Outside a runtime of tokio's, or in one without its I/O.
    pub fn into_async(self) -> io::Result<AsyncCollector> {
        Ok(AsyncCollector { inner: AsyncFd::new(Pollable(self))? })
    }
}

impl AsyncCollector {
    /// What happens next; `None` once the collector was stopped and everything told. May be dropped at any time: nothing is lost.
    ///
    /// # Errors
    /// Of polling, which only a lack of memory brings about.
    ///
    /// # Panics
    /// In a runtime without its timers.
    pub async fn next_event(&mut self) -> io::Result<Option<Event>> {
        loop {
            let collector = &mut self.inner.get_mut().0;
            if let Some(event) = collector.try_next_event()? {
                return Ok(Some(event));
            }
            if collector.is_at_end() {
                return Ok(None);
            }
            // Losses and silent connections are looked for by the clock.
            let round = collector.next_round;
            tokio::select! {
                ready = self.inner.readable_mut() => {
                    let mut ready = ready?;
                    // What happens after this makes it ready again.
                    ready.clear_ready();
                }
                () = sleep_until(round.into()) => {}
            }
        }
    }

    /// Ends the collector, from anywhere.
    pub fn stopper(&self) -> Stopper {
        self.get_ref().stopper()
    }

    /// The collector itself, to be asked.
    pub fn get_ref(&self) -> &Collector {
        &self.inner.get_ref().0
    }

    /// The collector itself, for [`Collector::writer_of`] and [`Collector::admit`]. To wait for its events blocks the task's thread.
    pub fn get_mut(&mut self) -> &mut Collector {
        &mut self.inner.get_mut().0
    }
}
