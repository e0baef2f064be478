//! Records arrive as they were.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

use iobring_collect::{Collector, Event};
use log::{Level, Log, Record};
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Far beyond any scheduling delay.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_record_is_one_line_of_json() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let mut collector = Collector::bind(&path).unwrap();
    let service = thread::spawn(move || {
        let logger = iobring_log::Logger::to(path);
        assert!(logger.is_connected());
        let fields = [("answer", 42)];
        let record = |level| {
            Record::builder().level(level).target("here").key_values(&fields).args(format_args!("ready")).build()
        };
        logger.log(&record(Level::Debug));
        logger.log(&record(Level::Warn));
    });
    let record = loop {
        match collector.next_event(Some(PATIENCE)).unwrap().expect("an event in time") {
            Event::Record(record) => break record,
            _ => continue,
        }
    };
    let line: Value = serde_json::from_slice(&record.message).unwrap();
    assert_eq!(
        (&line["level"], &line["target"]),
        (&json!("WARN"), &json!("here")),
        "what is below the level is not sent"
    );
    assert_eq!(line["fields"], json!({ "message": "ready", "answer": 42 }));
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    service.join().unwrap();
}
