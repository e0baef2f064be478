//! Lines of a logging library: to the collector, or to standard error.

use crate::{Sink, Written};
use std::io::{self, Write};
use std::path::PathBuf;

/// Where a logging library's lines go: to the collector as records, or to standard error while there is none (and always on
/// systems for which iobring is not made). Never waits for a collector.
///
/// The first record after a time without a collector is preceded by one of JSON that says how many it missed.
#[derive(Debug)]
pub struct Lines {
    sink: Sink,
    target: &'static str,
}

impl Lines {
    /// To the collector whose writer this process has inherited (from `iobring run`), else to the one that `$IOBRING_SOCKET`
    /// names, else the user's, else the machine's. What is said about missed records bears `target`.
    pub fn usual(target: &'static str) -> Self {
        Lines { sink: Sink::inherited_or_usual(), target }
    }

    /// To the collector whose socket is at `path`.
    pub fn to(path: impl Into<PathBuf>, target: &'static str) -> Self {
        Lines { sink: Sink::new(path), target }
    }

    /// Whether there is a collector, as far as is known.
    pub fn is_connected(&self) -> bool {
        self.sink.is_connected()
    }

    /// Writes one line, its newline left out or not.
    ///
    /// # Errors
    /// Those of writing to standard error, where it has to go there.
    pub fn write(&self, line: &[u8]) -> io::Result<()> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        match self.sink.write(line, |missed| self.report(missed)) {
            Written::ToCollector | Written::Refused => Ok(()),
            Written::NoCollector | Written::TooLong => {
                let mut whole = Vec::with_capacity(line.len() + 1);
                whole.extend_from_slice(line);
                whole.push(b'\n');
                // In one piece: other processes may write to the same terminal.
                io::stderr().lock().write_all(&whole)
            }
        }
    }

    fn report(&self, missed: u64) -> Vec<u8> {
        let target = self.target;
        let message = format!("{missed} records went to standard error while there was no collector");
        format!(r#"{{"level":"WARN","target":"{target}","fields":{{"message":"{message}","missed":{missed}}}}}"#)
            .into_bytes()
    }
}
