//! What a collector tells.

use crate::process::Process;
use crate::request::Request;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::SystemTime;

/// What a collector tells, in the order in which it happened as far as the ring tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A process was given a writer.
    Joined(Arc<Process>),
    /// A record was read.
    Record(Record),
    /// Records of a process were refused since the last such event, for want of room.
    Lost(Lost),
    /// A process is gone, and everything it wrote was told before.
    Left(Left),
    /// Somebody wants to watch, or to be told how things stand. Dropped, it is turned away.
    Watcher(Watcher),
    /// A connection was not admitted, or did not keep to the rules.
    TurnedAway {
        /// Who.
        process: Arc<Process>,
        /// Why.
        why: &'static str,
    },
    /// The ring was damaged, and is in order again; so many bytes of records were given up. Only a process to which the ring's
    /// memory itself was handed can do that.
    Damaged {
        /// The bytes that were given up.
        bytes: u64,
    },
}

impl Event {
    /// The record, if this is one.
    pub fn into_record(self) -> Option<Record> {
        match self {
            Event::Record(record) => Some(record),
            _ => None,
        }
    }
}

/// A record, and who wrote it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// Who wrote it.
    pub process: Arc<Process>,
    /// When it was read.
    pub time: SystemTime,
    /// What it says.
    pub message: Vec<u8>,
}

impl Record {
    /// A record of now.
    pub fn new(process: Arc<Process>, message: Vec<u8>) -> Self {
        Record { process, time: SystemTime::now(), message }
    }

    /// The message as text for a terminal or a log file: one line, whatever is in it. Bytes that are no UTF-8 are replaced,
    /// control characters (and so everything that a terminal would obey) are escaped; trailing line ends are left out.
    pub fn text(&self) -> String {
        printable(String::from_utf8_lossy(&self.message).trim_end_matches(['\n', '\r']))
    }
}

/// A stranger's text as one line that a terminal may print: control characters, and those that change the direction of what
/// follows, are escaped.
pub fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => line.push('\t'),
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                line.extend(c.escape_unicode());
            }
            c => line.push(c),
        }
    }
    line
}

/// Records that were refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lost {
    /// Whose.
    pub process: Arc<Process>,
    /// How many, since the last time.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A process that is gone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Left {
    /// Who.
    pub process: Arc<Process>,
    /// How many of its records were read.
    pub records: u64,
    /// How many were refused, as far as it could still say.
    pub lost: u64,
}

/// Somebody who asked for something else than a writer.
#[derive(Debug)]
#[non_exhaustive]
pub struct Watcher {
    /// Who.
    pub process: Arc<Process>,
    /// What for: [`Request::Watch`] or [`Request::Status`].
    pub request: Request,
    /// The connection, which does not block.
    pub stream: UnixStream,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &[u8]) -> String {
        Record::new(Arc::new(Process::this(1, "test")), message.to_vec()).text()
    }

    #[test]
    fn a_terminal_obeys_nothing_in_a_text() {
        assert_eq!(text(b"plain \xc3\xa4\tline\n"), "plain \u{e4}\tline");
        assert_eq!(text(b"\x1b[2J\r\nnext"), "\\u{1b}[2J\\u{d}\\u{a}next");
        assert_eq!(text(b"\xff\xc2\x9b31m"), "\u{fffd}\\u{9b}31m");
        assert_eq!(text("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }
}
