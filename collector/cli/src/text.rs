//! An entry as a person reads it.

use crate::cli::Level;
use crate::entry::{Entry, Stream, What, Who};
use anstyle::{AnsiColor, Style};
use iobring_collect::printable;
use serde_json::{Map, Value};
use std::fmt::{self, Display};

const FAINT: Style = Style::new().dimmed();
const WHO: Style = AnsiColor::Cyan.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default();

/// An entry in one line, in colours; whoever prints it leaves those out where nobody sees them.
pub struct Text<'a>(pub &'a Entry);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { time, process, what } = self.0;
        let time = printable(time);
        // The day is known; the zone is UTC.
        let time = time.split_once('T').map_or(&*time, |(_, time)| time.trim_end_matches('Z'));
        write!(f, "{FAINT}{time}{FAINT:#} ")?;
        if let Some(process) = process {
            write!(f, "{WHO}{}{WHO:#} ", name(process))?;
        }
        Body(what).fmt(f)
    }
}

/// What happened, in one line, in colours.
pub struct Body<'a>(pub &'a What);

impl Body<'_> {
    /// Without colours.
    pub fn plain(&self) -> String {
        anstream::adapter::strip_str(&self.to_string()).to_string()
    }
}

impl Display for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            What::Event { event } => write_event(f, event),
            What::Text { text } => f.write_str(&printable(text.trim_end())),
            What::Output { stream: Stream::Stdout, text } => write!(f, "{FAINT}|{FAINT:#} {}", printable(text)),
            What::Output { stream: Stream::Stderr, text } => write!(f, "{NOTE}!{NOTE:#} {}", printable(text)),
            What::Joined => write!(f, "{FAINT}has joined{FAINT:#}"),
            What::Lost { records, bytes } => {
                write!(f, "{BAD}{} ({bytes} bytes) lost{BAD:#}", count(*records, "record"))
            }
            What::Left { records, lost } => write!(f, "{FAINT}is gone: {}{FAINT:#}", balance(*records, *lost)),
            What::Ended { code, signal, records, lost } => {
                let style = if *code == Some(0) { FAINT } else { BAD };
                write!(f, "{style}{}: {}{style:#}", ending(*code, *signal), balance(*records, *lost))
            }
            What::TurnedAway { why } => write!(f, "{NOTE}was turned away: {}{NOTE:#}", printable(why)),
            What::Damaged { bytes } => write!(f, "{BAD}the ring was damaged: {bytes} bytes given up{BAD:#}"),
            What::Missed { entries } => {
                write!(f, "{NOTE}({} could not be passed on here){NOTE:#}", count(*entries, "entry"))
            }
        }
    }
}

/// How a program has ended.
pub fn ending(code: Option<i32>, signal: Option<i32>) -> String {
    match (code, signal) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(signal)) => match signal_hook::low_level::signal_name(signal) {
            Some(name) => format!("was killed by signal {signal} ({name})"),
            None => format!("was killed by signal {signal}"),
        },
        (None, None) => "ended".to_owned(),
    }
}

fn balance(records: u64, lost: u64) -> String {
    let lost = if lost == 0 { "nothing".to_owned() } else { lost.to_string() };
    format!("{}, {lost} lost", count(records, "record"))
}

pub fn count(number: u64, what: &str) -> String {
    match (number, what) {
        (1, what) => format!("1 {what}"),
        (number, "entry") => format!("{number} entries"),
        (number, what) => format!("{number} {what}s"),
    }
}

fn name(process: &Who) -> String {
    let name = if process.name.is_empty() { "?".to_owned() } else { printable(&process.name) };
    format!("{name}[{}]", process.pid)
}

/// An event as `tracing` and `log` write them; any other object as it is.
fn write_event(f: &mut fmt::Formatter<'_>, event: &Value) -> fmt::Result {
    let (Some(level), Some(Value::Object(fields))) = (event["level"].as_str(), event.get("fields")) else {
        return f.write_str(&printable(&event.to_string()));
    };
    let style = match self::level(event) {
        Some(Level::Error) => BAD,
        Some(Level::Warn) => NOTE,
        Some(Level::Info) => AnsiColor::Green.on_default(),
        _ => FAINT,
    };
    write!(f, "{style}{:<5}{style:#} ", printable(level))?;
    if let Some(target) = event["target"].as_str() {
        write!(f, "{FAINT}{}:{FAINT:#} ", printable(target))?;
    }
    if let Some(Value::Array(spans)) = event.get("spans") {
        for span in spans.iter().filter_map(Value::as_object) {
            f.write_str(&printable(span.get("name").and_then(Value::as_str).unwrap_or("?")))?;
            write_fields(f, span, "name", '{', '}')?;
            f.write_str(": ")?;
        }
    }
    f.write_str(&printable(fields.get("message").and_then(Value::as_str).unwrap_or_default()))?;
    write_fields(f, fields, "message", ' ', ' ')
}

/// The fields but one, as `name=value`.
fn write_fields(
    f: &mut fmt::Formatter<'_>,
    fields: &Map<String, Value>,
    but: &str,
    open: char,
    close: char,
) -> fmt::Result {
    let shown = fields.iter().filter(|(field, _)| *field != but).map(|(field, value)| match value {
        Value::String(value) => format!("{}={}", printable(field), printable(value)),
        value => format!("{}={}", printable(field), printable(&value.to_string())),
    });
    let shown = shown.collect::<Vec<_>>().join(" ");
    match (shown.is_empty(), close) {
        (true, _) => Ok(()),
        (false, ' ') => write!(f, "{open}{FAINT}{shown}{FAINT:#}"),
        (false, _) => write!(f, "{open}{FAINT}{shown}{FAINT:#}{close}"),
    }
}

/// An event's level, if it has one.
pub fn level(event: &Value) -> Option<Level> {
    clap::ValueEnum::from_str(event.get("level")?.as_str()?, true).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use iobring_collect::Process;

    fn plain(what: What) -> String {
        let entry = Entry::now(Some(&Process::this(1, "test")), what);
        let text = anstream::adapter::strip_str(&Text(&entry).to_string()).to_string();
        text.split_once("] ").unwrap().1.to_owned()
    }

    #[test]
    fn entries_read_well_and_no_terminal_obeys_them() {
        let event = serde_json::json!({
            "level": "WARN", "target": "a::b", "spans": [{ "name": "request", "id": 7 }],
            "fields": { "message": "slow\u{1b}[2J", "millis": 12, "path": "/\n" },
        });
        assert_eq!(plain(What::Event { event }), "WARN  a::b: request{id=7}: slow\\u{1b}[2J millis=12 path=/\\u{a}");
        assert_eq!(plain(What::Event { event: serde_json::json!({ "any": 1 }) }), "{\"any\":1}");
        assert_eq!(plain(What::Output { stream: Stream::Stdout, text: "hi".into() }), "| hi");
        assert_eq!(plain(What::Left { records: 1, lost: 0 }), "is gone: 1 record, nothing lost");
        let ended = What::Ended { code: None, signal: Some(9), records: 2, lost: 1 };
        assert_eq!(plain(ended), "was killed by signal 9 (SIGKILL): 2 records, 1 lost");
        let missed = Entry::now(None, What::Missed { entries: 2 });
        let missed = anstream::adapter::strip_str(&Text(&missed).to_string()).to_string();
        assert!(missed.ends_with(" (2 entries could not be passed on here)"), "{missed}");
        assert_eq!(plain(What::TurnedAway { why: "\u{7}".into() }), "was turned away: \\u{7}");
    }
}
