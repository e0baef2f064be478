//! What a collector's process does with what happens: output, retention, watchers, figures.

use crate::entry::{self, Entry};
use crate::output::Outputs;
use crate::status::{Kept, Status};
use anyhow::Result;
use iobring_collect::{Collector, Event, Feed, Feeds, Request, Retained, Watcher};
use std::time::Duration;

/// How soon a watcher that is behind is fed again.
const SOON: Duration = Duration::from_millis(20);

/// How soon it is noticed that a watcher is gone while nothing happens.
const LATER: Duration = Duration::from_millis(500);

/// Takes what happens.
pub struct Hub {
    outputs: Outputs,
    retained: Retained<Vec<u8>>,
    feeds: Feeds,
}

impl Hub {
    /// Writes to `outputs`, and retains so many bytes of entries.
    pub fn new(outputs: Outputs, retain: usize) -> Self {
        Hub { outputs, retained: Retained::new(retain), feeds: Feeds::new() }
    }

    /// Takes the next thing that happens and tells what `entry` makes of it; `None` once the collector was stopped and has
    /// told everything.
    pub fn step(
        &mut self,
        collector: &mut Collector,
        entry: impl Fn(&Event) -> Option<Entry>,
    ) -> Result<Option<Event>> {
        loop {
            let event = match collector.next_event(Some(Duration::ZERO))? {
                Some(event) => Some(event),
                // All that was there was told: now it is to be seen.
                None => {
                    self.outputs.flush()?;
                    let limit = if self.feeds.flush() {
                        Some(SOON)
                    } else if self.feeds.is_empty() {
                        None
                    } else {
                        Some(LATER)
                    };
                    collector.next_event(limit)?
                }
            };
            match event {
                Some(Event::Watcher(watcher)) => self.watch(watcher, collector),
                Some(event) => {
                    if let Some(entry) = entry(&event) {
                        self.tell(&entry)?;
                    }
                    return Ok(Some(event));
                }
                None if collector.is_stopped() => {
                    self.flush()?;
                    return Ok(None);
                }
                None => {}
            }
        }
    }

    /// Has everything that was told be seen.
    pub fn flush(&mut self) -> Result<()> {
        self.feeds.flush();
        self.outputs.flush()
    }

    /// Writes, retains and passes on an entry.
    pub fn tell(&mut self, entry: &Entry) -> Result<()> {
        let line = entry.line();
        self.outputs.write(entry, &line)?;
        self.feeds.push(&line, entry::missed);
        self.retained.push(line);
        Ok(())
    }

    fn watch(&mut self, watcher: Watcher, collector: &Collector) {
        let mut feed = Feed::new(watcher.stream);
        match watcher.request {
            Request::Status => {
                let kept = Kept {
                    entries: self.retained.len() as u64,
                    bytes: self.retained.bytes() as u64,
                    dropped: self.retained.dropped(),
                };
                let status = Status::of(collector, kept);
                feed.begin([serde_json::to_vec(&status).expect("no keys but text")]);
                feed.end();
            }
            Request::Watch { retained: true } => feed.begin(self.retained.iter()),
            _ => {}
        }
        self.feeds.add(feed);
    }
}
