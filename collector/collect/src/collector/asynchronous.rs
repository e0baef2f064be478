//! The collector in a task.

use super::{Collector, Stopper};
use crate::event::Event;
use std::io;
use std::os::fd::OwnedFd;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep_until;

/// A [`Collector`] in a task of tokio's. It reads and admits while a task waits for its next event, and only then.
#[derive(Debug)]
pub struct AsyncCollector {
    /// Readable when something has happened.
    ready: AsyncFd<OwnedFd>,
    inner: Collector,
}

impl Collector {
    /// The same collector for a task of tokio's.
    ///
    /// # Errors
    /// Of polling, and of a lack of descriptors.
    ///
    /// # Panics
    /// Outside a runtime of tokio's, or in one without its I/O.
    pub fn into_async(self) -> io::Result<AsyncCollector> {
        let ready = self.poller.descriptor()?;
        // SAFETY: an `OwnedFd` names the same descriptor as long as it lives, and keeps it open; it is replaced by no other.
        let ready = unsafe { AsyncFd::register(ready) }?;
        Ok(AsyncCollector { ready, inner: self })
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
            if let Some(event) = self.inner.try_next_event()? {
                return Ok(Some(event));
            }
            if self.inner.is_at_end() {
                return Ok(None);
            }
            // Losses and silent connections are looked for by the clock.
            let round = self.inner.next_round;
            tokio::select! {
                ready = self.ready.readable() => {
                    // Cleared before it is looked for: what happens after this makes it ready again.
                    ready?.clear_ready();
                }
                () = sleep_until(round.into()) => {}
            }
        }
    }

    /// Ends the collector, from anywhere.
    pub fn stopper(&self) -> Stopper {
        self.inner.stopper()
    }

    /// The collector itself, to be asked.
    pub fn get_ref(&self) -> &Collector {
        &self.inner
    }

    /// The collector itself, for [`Collector::writer_of`] and [`Collector::admit`]. To wait for its events blocks the task's thread.
    pub fn get_mut(&mut self) -> &mut Collector {
        &mut self.inner
    }
}
