//! `log`'s records as records of an iobring collector.
//!
//! ```
//! iobring_log::init();
//! log::info!("ready");
//! ```
//!
//! Each is a line of JSON, in the format of `tracing-iobring`, written before `log`'s macro returns: it survives the process,
//! whatever becomes of that next. Where no collector listens (and on systems for which iobring is not made) the lines go to
//! standard error instead; when a collector comes (back), later ones go there, and the first of them is preceded by one that
//! says how many were missed.
//!
//! Logging never waits. If the collector is behind, the record is dropped, and the collector learns and tells how many that
//! were. One longer than a record can be (65,519 bytes) goes to standard error.

use iobring_collect::Lines;
use log::kv::{self, Key, Value as Kv, VisitSource};
use log::{LevelFilter, Log, Metadata, Record, SetLoggerError};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::SystemTime;

/// Sends records to the collector that `$IOBRING_SOCKET` names (else the user's, else the machine's), as the process's logger.
/// `RUST_LOG` may name a level (default: `info`).
///
/// # Panics
/// If the process has a logger already.
pub fn init() {
    let level = std::env::var("RUST_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::Info);
    Logger::new().level(level).install().expect("no other logger");
}

/// A logger, for whoever wants another level, or another collector.
#[derive(Debug)]
pub struct Logger {
    lines: Lines,
    level: LevelFilter,
}

impl Default for Logger {
    fn default() -> Self {
        Logger::new()
    }
}

impl Logger {
    /// To the collector that `$IOBRING_SOCKET` names, else the user's, else the machine's; levels up to `info`.
    pub fn new() -> Self {
        Logger { lines: Lines::usual(env!("CARGO_CRATE_NAME")), level: LevelFilter::Info }
    }

    /// To the collector whose socket is at `path`.
    pub fn to(path: impl AsRef<Path>) -> Self {
        Logger { lines: Lines::to(path.as_ref(), env!("CARGO_CRATE_NAME")), level: LevelFilter::Info }
    }

    /// Up to this level.
    pub fn level(mut self, level: LevelFilter) -> Self {
        self.level = level;
        self
    }

    /// Whether there is a collector, as far as is known.
    pub fn is_connected(&self) -> bool {
        self.lines.is_connected()
    }

    /// Makes it the process's logger.
    ///
    /// # Errors
    /// If the process has a logger already.
    pub fn install(self) -> Result<(), SetLoggerError> {
        let level = self.level;
        log::set_boxed_logger(Box::new(self))?;
        log::set_max_level(level);
        Ok(())
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // Nowhere is left to say that this failed.
        let _ = self.lines.write(line(record).as_bytes());
    }

    /// Every record is on its way when `log` returns.
    fn flush(&self) {}
}

/// A record as `tracing_subscriber`'s JSON has it.
fn line(record: &Record<'_>) -> String {
    let mut fields = Fields(Map::new());
    fields.0.insert("message".into(), record.args().to_string().into());
    // A field that cannot be shown is left out; the others are there.
    let _ = record.key_values().visit(&mut fields);
    json!({
        "timestamp": humantime::format_rfc3339_micros(SystemTime::now()).to_string(),
        "level": record.level().as_str(),
        "fields": fields.0,
        "target": record.target(),
    })
    .to_string()
}

struct Fields(Map<String, Value>);

impl<'a> VisitSource<'a> for Fields {
    fn visit_pair(&mut self, key: Key<'a>, value: Kv<'a>) -> Result<(), kv::Error> {
        let value = match (value.to_u64(), value.to_i64(), value.to_f64(), value.to_bool()) {
            (Some(value), ..) => value.into(),
            (_, Some(value), ..) => value.into(),
            (_, _, Some(value), _) => value.into(),
            (.., Some(value)) => value.into(),
            _ => value.to_string().into(),
        };
        self.0.insert(key.as_str().to_owned(), value);
        Ok(())
    }
}
