//! `tracing` events as records of an iobring collector.
//!
//! ```
//! tracing_iobring::init();
//! tracing::info!(answer = 42, "ready");
//! ```
//!
//! Each event is one record, a line of JSON (the format of `tracing_subscriber`'s `json`), written before the event's macro
//! returns: it survives the process, whatever becomes of that next. Where no collector listens (and on systems for which
//! iobring is not made) the lines go to standard error instead; when a collector comes (back), later events go there, and the
//! first of them is preceded by one that says how many were missed.
//!
//! An event never waits. If the collector is behind, the event is dropped, and the collector learns and tells how many that
//! were. One longer than a record can be (65,519 bytes) goes to standard error.
//!
//! What is logged is chosen by `RUST_LOG` (default: `info`); for anything else put [`writer`] into a subscriber of your own:
//!
//! ```
//! use tracing_subscriber::prelude::*;
//! let layer = tracing_subscriber::fmt::layer().json().with_writer(tracing_iobring::writer());
//! tracing_subscriber::registry().with(layer).init();
//! ```

use iobring_collect::Lines;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Sends events to the collector that `$IOBRING_SOCKET` names (else the user's, else the machine's), as the process's default
/// subscriber.
///
/// # Panics
/// If the process has a default subscriber already.
pub fn init() {
    init_with(writer());
}

/// As [`init`], to the collector whose socket is at `path`.
///
/// # Panics
/// As [`init`].
pub fn init_at(path: impl AsRef<Path>) {
    init_with(writer_at(path));
}

fn init_with(writer: Writer) {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(writer).init();
}

/// Where a subscriber's lines go: to the collector that `$IOBRING_SOCKET` names, else the user's, else the machine's. For
/// `with_writer` of `tracing_subscriber`.
pub fn writer() -> Writer {
    Writer { lines: Arc::new(Lines::usual(env!("CARGO_CRATE_NAME"))) }
}

/// As [`writer`], to the collector whose socket is at `path`.
pub fn writer_at(path: impl AsRef<Path>) -> Writer {
    Writer { lines: Arc::new(Lines::to(path.as_ref(), env!("CARGO_CRATE_NAME"))) }
}

/// See [`writer`].
#[derive(Clone, Debug)]
pub struct Writer {
    lines: Arc<Lines>,
}

impl Writer {
    /// Whether there is a collector, as far as is known.
    pub fn is_connected(&self) -> bool {
        self.lines.is_connected()
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { lines: &self.lines }
    }
}

/// Each call of `write` is one record: `tracing_subscriber` makes one for each event.
#[derive(Debug)]
pub struct Line<'a> {
    lines: &'a Lines,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.write(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
