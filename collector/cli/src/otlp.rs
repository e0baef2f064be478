//! Entries to a collector of OpenTelemetry, by OTLP over HTTP: protobuf, in batches.
//!
//! Each process is a resource of its own: what the kernel says of it (`process.pid`, `process.owner.uid`, `process.owner.gid`) and
//! its tag (`iobring.tag`) are the resource's attributes. The SDK's exporters have one resource for all, hence its protocol's
//! own types.
//!
//! A thread of its own sends, so that nobody waits for the network. What it cannot send is tried again a few times, and then
//! missed, as is what comes while too much waits; the next batch begins with an entry that says how many were missed.

use crate::cli::Level;
use crate::entry::{Entry, What, Who};
use crate::text::{Body, level};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How many entries may wait to be sent.
const MOST: usize = 16 * 1024;

/// How many are sent at once.
const BATCH: usize = 512;

/// How often a batch is tried, and how long after the first failure again: twice as long after each.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(250);

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Otlp {
    queue: Option<SyncSender<Entry>>,
    missed: Arc<AtomicU64>,
    sender: Option<JoinHandle<()>>,
}

impl Otlp {
    /// To the collector at `url`: what follows its port is `/v1/logs` unless it is given.
    pub fn new(url: &str) -> Self {
        let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        let url = if path.is_empty() { format!("{}/v1/logs", url.trim_end_matches('/')) } else { url.to_owned() };
        let (queue, entries) = sync_channel(MOST);
        let missed = Arc::new(AtomicU64::new(0));
        let its = missed.clone();
        let sender = thread::spawn(move || send_all(&entries, &url, &its));
        Otlp { queue: Some(queue), missed, sender: Some(sender) }
    }

    pub fn write(&mut self, entry: &Entry) {
        if self.queue.as_ref().is_none_or(|queue| queue.try_send(entry.clone()).is_err()) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Otlp {
    /// What waits is sent still: a few attempts long.
    fn drop(&mut self) {
        self.queue = None;
        let failed = self.sender.take().is_some_and(|sender| sender.join().is_err());
        let missed = self.missed.load(Ordering::Relaxed);
        if failed || missed > 0 {
            anstream::eprintln!("iobring: {missed} entries could not be exported by OTLP");
        }
    }
}

fn send_all(entries: &Receiver<Entry>, url: &str, missed: &AtomicU64) {
    let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build());
    while let Ok(first) = entries.recv() {
        let before = missed.swap(0, Ordering::Relaxed);
        let report = (before > 0).then(|| Entry::now(None, What::Missed { entries: before }));
        let mut batch: Vec<Entry> = report.into_iter().chain([first]).collect();
        batch.extend(entries.try_iter().take(BATCH - batch.len()));
        if !send(&agent, url, &request(&batch).encode_to_vec()) {
            missed.fetch_add(before + batch.iter().filter(|entry| !is_report(entry)).count() as u64, Ordering::Relaxed);
        }
    }
}

fn is_report(entry: &Entry) -> bool {
    matches!(entry.what, What::Missed { .. })
}

/// Whether it was taken, or refused for good.
fn send(agent: &ureq::Agent, url: &str, request: &[u8]) -> bool {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            thread::sleep(PAUSE * 2_u32.pow(attempt - 1));
        }
        match agent.post(url).content_type("application/x-protobuf").send(request) {
            Ok(_) => return true,
            // What the protocol says may be tried again; other refusals are for good.
            Err(ureq::Error::StatusCode(429 | 502 | 503 | 504)) => {}
            Err(ureq::Error::StatusCode(_)) => return false,
            Err(_) => {}
        }
    }
    false
}

/// A resource for each process.
fn request(batch: &[Entry]) -> ExportLogsServiceRequest {
    let mut by_process: BTreeMap<Option<u64>, (Option<&Who>, Vec<LogRecord>)> = BTreeMap::new();
    for entry in batch {
        let who = entry.process.as_ref();
        by_process.entry(who.map(|who| who.tag)).or_insert((who, Vec::new())).1.push(record(entry));
    }
    let scope = InstrumentationScope { name: "iobring".into(), ..Default::default() };
    let of_process = |(who, log_records): (Option<&Who>, Vec<LogRecord>)| ResourceLogs {
        resource: Some(Resource { attributes: who.map(attributes).unwrap_or_default(), ..Default::default() }),
        scope_logs: vec![ScopeLogs { scope: Some(scope.clone()), log_records, ..Default::default() }],
        ..Default::default()
    };
    ExportLogsServiceRequest { resource_logs: by_process.into_values().map(of_process).collect() }
}

/// What the kernel says, by the names of OpenTelemetry's conventions.
fn attributes(who: &Who) -> Vec<KeyValue> {
    let name = if who.name.is_empty() { "unknown_service".to_owned() } else { who.name.clone() };
    vec![
        attribute("service.name", Value::StringValue(name)),
        attribute("process.pid", Value::IntValue(who.pid.into())),
        attribute("process.owner.uid", Value::IntValue(who.uid.into())),
        attribute("process.owner.gid", Value::IntValue(who.gid.into())),
        attribute("iobring.tag", Value::IntValue(who.tag.cast_signed())),
    ]
}

fn record(entry: &Entry) -> LogRecord {
    let time = entry.since_epoch().map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    let (severity, fields, message) = match &entry.what {
        What::Event { event } => {
            let fields = event["fields"].as_object().into_iter().flatten().filter(|(name, _)| *name != "message");
            let target = event.get("target").into_iter().map(|target| attribute("target", value(target)));
            let fields = fields.map(|(name, field)| attribute(name, value(field))).chain(target).collect();
            let message = event["fields"]["message"].as_str().map(str::to_owned);
            (level(event).map_or(SeverityNumber::Info, severity), fields, message)
        }
        What::Text { text } => (SeverityNumber::Info, Vec::new(), Some(text.clone())),
        What::Output { text, .. } => (SeverityNumber::Info, Vec::new(), Some(text.clone())),
        What::Joined | What::Left { .. } | What::Ended { code: Some(0), .. } => {
            (SeverityNumber::Info, Vec::new(), None)
        }
        _ => (SeverityNumber::Warn, Vec::new(), None),
    };
    let message = message.unwrap_or_else(|| Body(&entry.what).plain());
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time,
        severity_number: severity.into(),
        body: Some(AnyValue { value: Some(Value::StringValue(message)) }),
        attributes: fields,
        ..Default::default()
    }
}

fn severity(level: Level) -> SeverityNumber {
    match level {
        Level::Error => SeverityNumber::Error,
        Level::Warn => SeverityNumber::Warn,
        Level::Info => SeverityNumber::Info,
        Level::Debug => SeverityNumber::Debug,
        Level::Trace => SeverityNumber::Trace,
    }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}

fn value(value: &serde_json::Value) -> Value {
    match (value.as_i64(), value.as_f64(), value.as_bool(), value.as_str()) {
        (Some(value), ..) => Value::IntValue(value),
        (_, Some(value), ..) => Value::DoubleValue(value),
        (.., Some(value), _) => Value::BoolValue(value),
        (.., Some(value)) => Value::StringValue(value.to_owned()),
        _ => Value::StringValue(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iobring_collect::Process;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;

    /// Takes one request, and answers with `status`.
    fn take(listener: &TcpListener, status: u16) -> (String, ExportLogsServiceRequest) {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).unwrap() > 0, "{head}");
        }
        let len = head.to_lowercase().split_once("content-length: ").unwrap().1.split("\r\n").next().unwrap().parse();
        let mut body = vec![0; len.unwrap()];
        stream.read_exact(&mut body).unwrap();
        write!(stream.get_mut(), "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        (head, ExportLogsServiceRequest::decode(&body[..]).unwrap())
    }

    fn bodies(request: &ExportLogsServiceRequest) -> Vec<String> {
        let records = request.resource_logs.iter().flat_map(|logs| &logs.scope_logs[0].log_records);
        records
            .map(|record| match &record.body.as_ref().unwrap().value {
                Some(Value::StringValue(text)) => text.clone(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn event(tag: u64, message: &str) -> Entry {
        let event = serde_json::json!({ "level": "WARN", "target": "t", "fields": { "message": message, "n": 1 } });
        Entry::now(Some(&Process::this(tag, "service")), What::Event { event })
    }

    #[test]
    fn each_process_is_a_resource_and_what_fails_is_tried_again_or_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut otlp = Otlp::new(&format!("http://{}", listener.local_addr().unwrap()));
        otlp.write(&event(3, "first"));
        let (head, first) = take(&listener, 503);
        assert!(head.starts_with("POST /v1/logs ") && head.contains("application/x-protobuf"), "{head}");
        let (_, again) = take(&listener, 200);
        assert_eq!(first, again);
        let attributes = &first.resource_logs[0].resource.as_ref().unwrap().attributes;
        let find = |name| attributes.iter().find(|attribute| attribute.key == name).unwrap().value.clone().unwrap();
        assert_eq!(find("process.pid").value, Some(Value::IntValue(std::process::id().into())));
        assert_eq!(find("iobring.tag").value, Some(Value::IntValue(3)));
        assert_eq!(find("service.name").value, Some(Value::StringValue("service".into())));
        let record = &first.resource_logs[0].scope_logs[0].log_records[0];
        assert_eq!(record.severity_number, i32::from(SeverityNumber::Warn));
        assert!(record.attributes.contains(&attribute("n", Value::IntValue(1))));
        assert_eq!(bodies(&first), ["first"]);

        // Refused for good, it is missed, and the next batch says so.
        otlp.write(&event(3, "refused"));
        take(&listener, 400);
        otlp.write(&event(3, "of one"));
        otlp.write(&event(4, "of another"));
        let mut told = Vec::new();
        let mut resources = 0;
        while told.len() < 3 {
            let (_, request) = take(&listener, 200);
            resources += request.resource_logs.len();
            told.extend(bodies(&request));
        }
        told.sort();
        assert_eq!(told, ["(1 entry could not be passed on here)", "of another", "of one"]);
        assert_eq!(resources, 3);
    }
}
