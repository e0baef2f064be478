//! A line of JSON about one thing that happened.

use iobring_collect::{Event, Process};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// What is printed with `--out json`, fed to watchers, and kept in files: one line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, as RFC 3339 has it.
    pub time: String,
    /// Who: as the kernel says.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub process: Option<Who>,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    pub tag: u64,
    pub pid: u32,
    pub uid: u32,
    pub gid: u32,
    pub name: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// A record that is a JSON object.
    Event { event: Value },
    /// A record that is anything else; bytes that are no UTF-8 are replaced.
    Text { text: String },
    /// A line that a program wrote to its standard output or standard error.
    Output { stream: Stream, text: String },
    /// A process connected.
    Joined,
    /// Records of a process were refused: for want of room, or since they were none.
    Lost { records: u64, bytes: u64 },
    /// A process is gone, after so many records, so many others lost.
    Left { records: u64, lost: u64 },
    /// A program that was run has ended: with `code`, or killed by `signal`.
    Ended {
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<i32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
        records: u64,
        lost: u64,
    },
    /// A connection was turned away.
    TurnedAway { why: String },
    /// The ring was damaged.
    Damaged { bytes: u64 },
    /// Whoever watches was too slow for so many entries.
    Missed { entries: u64 },
}

/// Which of a program's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    Stdout,
    Stderr,
}

impl From<&Process> for Who {
    fn from(process: &Process) -> Self {
        let Process { tag, pid, uid, gid, name, .. } = process.clone();
        Who { tag, pid, uid, gid, name }
    }
}

impl Entry {
    /// Something that happened now.
    pub fn now(process: Option<&Process>, what: What) -> Self {
        Self::at(SystemTime::now(), process, what)
    }

    /// Something that happened then.
    pub fn at(time: SystemTime, process: Option<&Process>, what: What) -> Self {
        Entry { time: humantime::format_rfc3339_micros(time).to_string(), process: process.map(Who::from), what }
    }

    /// What a collector told; `None` for what is no entry.
    pub fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Record(record) => {
                let what = match serde_json::from_slice(&record.message) {
                    Ok(event @ Value::Object(_)) => What::Event { event },
                    _ => What::Text { text: String::from_utf8_lossy(&record.message).into_owned() },
                };
                Self::at(record.time, Some(&record.process), what)
            }
            Event::Joined(process) => Self::now(Some(process), What::Joined),
            Event::Lost(lost) => {
                Self::now(Some(&lost.process), What::Lost { records: lost.records, bytes: lost.bytes })
            }
            Event::Left(left) => Self::now(Some(&left.process), What::Left { records: left.records, lost: left.lost }),
            Event::TurnedAway { process, why } => Self::now(Some(process), What::TurnedAway { why: (*why).to_owned() }),
            Event::Damaged { bytes } => Self::now(None, What::Damaged { bytes: *bytes }),
            _ => return None,
        })
    }

    /// The line, without its newline.
    pub fn line(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an entry has no keys that are no text")
    }

    /// The entry of a line.
    pub fn parse(line: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(line)
    }

    /// When it happened, since 1970; `None` where the time is none.
    pub fn since_epoch(&self) -> Option<Duration> {
        humantime::parse_rfc3339(&self.time).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()
    }
}

/// The line that tells a watcher that it was too slow.
pub fn missed(entries: u64) -> Vec<u8> {
    Entry::now(None, What::Missed { entries }).line()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let process = Process::this(3, "test");
        for what in [
            What::Event { event: serde_json::json!({ "level": "INFO", "fields": { "message": "a\nb" } }) },
            What::Text { text: "\u{1b}[31m".into() },
            What::Output { stream: Stream::Stderr, text: String::new() },
            What::Joined,
            What::Lost { records: 1, bytes: 2 },
            What::Ended { code: None, signal: Some(9), records: 1, lost: 0 },
            What::Missed { entries: 7 },
        ] {
            for process in [Some(&process), None] {
                let entry = Entry::now(process, what.clone());
                let line = entry.line();
                assert!(!line.contains(&b'\n'));
                assert_eq!(Entry::parse(&line).unwrap(), entry);
                assert!(entry.since_epoch().is_some());
            }
        }
        assert!(Entry::parse(b"{\"time\":\"2026-01-01T00:00:00Z\",\"kind\":\"lo").is_err());
    }
}
