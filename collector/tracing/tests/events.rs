//! Events arrive as they were, with whoever the kernel says they are from.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

use iobring_collect::{Collector, Event};
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use tracing_subscriber::prelude::*;

/// Far beyond any scheduling delay.
const PATIENCE: Duration = Duration::from_secs(60);

fn next_line(collector: &mut Collector) -> Value {
    loop {
        match collector.next_event(Some(PATIENCE)).unwrap().expect("an event in time") {
            Event::Record(record) => {
                assert_eq!(record.process.pid, std::process::id());
                return serde_json::from_slice(&record.message).unwrap();
            }
            _ => continue,
        }
    }
}

#[test]
fn an_event_is_one_record_of_json() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let mut collector = Collector::bind(&path).unwrap();
    let service = thread::spawn(move || {
        let writer = tracing_iobring::writer_at(path);
        assert!(writer.is_connected());
        let layer = tracing_subscriber::fmt::layer().json().with_writer(writer);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!(answer = 42, "ready\nsteady");
            let _span = tracing::warn_span!("request", id = 7).entered();
            tracing::error!("failed");
        });
    });
    let first = next_line(&mut collector);
    assert_eq!((&first["level"], &first["target"]), (&json!("INFO"), &json!("events")));
    assert_eq!(first["fields"], json!({ "message": "ready\nsteady", "answer": 42 }));
    let second = next_line(&mut collector);
    assert_eq!((&second["level"], &second["span"]["id"]), (&json!("ERROR"), &json!(7)));
    service.join().unwrap();
}
