//! The way to a collector.

use iobring_collect::{Sink, Written, default_socket};
use std::path::Path;

#[derive(Debug)]
pub(crate) struct Way(Sink);

impl Way {
    pub(crate) fn usual() -> Self {
        Way(Sink::new(default_socket()))
    }

    pub(crate) fn to(path: &Path) -> Self {
        Way(Sink::new(path))
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.0.is_connected()
    }

    /// Returns whether the line has been seen to: it is on its way, or the collector knows that it is not.
    pub(crate) fn write(&self, line: &[u8]) -> bool {
        let report = |missed: u64| {
            let message = format!("{missed} records went to standard error while there was no collector");
            format!(r#"{{"level":"WARN","target":"iobring_log","fields":{{"message":"{message}","missed":{missed}}}}}"#)
                .into_bytes()
        };
        match self.0.write(line, report) {
            Written::ToCollector | Written::Refused => true,
            Written::NoCollector | Written::TooLong => false,
        }
    }
}
