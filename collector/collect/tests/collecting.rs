//! Processes that connect, write, misbehave and leave, as threads of this one.

mod flood;

use flood::flood;
use iobring::Status;
use iobring_collect::{
    Builder, Client, Collector, Event, INHERITED_VARIABLE, Invitation, Process, Record, Request, Retained, Sink,
    Written,
};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, thread};
use tempfile::TempDir;

/// Far beyond any scheduling delay: what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector at a path of its own, whose folder goes with what is returned last.
fn collector(builder: Builder) -> (Collector, PathBuf, TempDir) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    (builder.bind(&path).unwrap(), path, folder)
}

/// The events up to and including the first that is `wanted`.
#[track_caller]
fn until(collector: &mut Collector, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
    let deadline = Instant::now() + PATIENCE;
    let mut events = Vec::new();
    loop {
        let limit = deadline.saturating_duration_since(Instant::now());
        match collector.next_event(Some(limit)).unwrap() {
            Some(event) => events.push(event),
            None => panic!("it never came; what came is {events:#?}"),
        }
        if wanted(events.last().unwrap()) {
            return events;
        }
    }
}

fn is_left(event: &Event) -> bool {
    matches!(event, Event::Left(_))
}

fn is_turned_away(event: &Event) -> bool {
    matches!(event, Event::TurnedAway { .. })
}

fn records(events: &[Event]) -> Vec<String> {
    let record = |event: &Event| match event {
        Event::Record(record) => Some(record.text()),
        _ => None,
    };
    events.iter().filter_map(record).collect()
}

#[test]
fn what_a_process_writes_is_told_before_its_end_and_bears_its_name() {
    let (mut collector, path, _folder) = collector(Builder::new());
    let writer = thread::spawn(move || {
        let client = Client::connect(path).unwrap();
        for number in 0..1000 {
            while client.send(format!("line {number}").as_bytes()) == Err(Status::NO_SPACE) {
                thread::yield_now();
            }
        }
    });
    let events = until(&mut collector, is_left);
    writer.join().unwrap();
    assert_eq!(records(&events), (0..1000).map(|number| format!("line {number}")).collect::<Vec<_>>());
    let Some(Event::Joined(process)) = events.first() else { panic!("{:?}", events.first()) };
    assert_eq!(process.pid, std::process::id());
    let Some(Event::Left(left)) = events.last() else { unreachable!() };
    assert_eq!((left.records, left.process.tag), (1000, process.tag));
    assert_eq!(collector.writers().count(), 0);
}

#[test]
fn losses_are_told_and_add_up() {
    let (mut collector, path, _folder) = collector(Builder::new().capacity(64 * 1024));
    // Nobody reads until this is over.
    let writer = thread::spawn(move || {
        let client = Client::connect(path).unwrap();
        let mut refused = (0..500).filter(|_| client.send(&[b'x'; 4096]) == Err(Status::NO_SPACE)).count() as u64;
        while client.send(b"last").is_err() {
            refused += 1;
            thread::yield_now();
        }
        refused
    });
    let events = until(&mut collector, is_left);
    let refused = writer.join().unwrap();
    assert!(refused > 0, "the test needs a writer that is refused");
    let told = |event: &Event| if let Event::Lost(lost) = event { lost.records } else { 0 };
    let lost: u64 = events.iter().map(told).sum();
    let Some(Event::Left(left)) = events.last() else { unreachable!() };
    assert_eq!((lost, left.lost), (refused, refused));
    assert_eq!(records(&events).last().unwrap(), "last");
}

#[test]
fn strangers_are_turned_away_and_others_go_on() {
    let (mut collector, path, _folder) = collector(Builder::new().patience(Duration::from_millis(1)).connections(3));
    let silent = UnixStream::connect(&path).unwrap();
    let events = until(&mut collector, is_turned_away);
    assert!(matches!(events.last(), Some(Event::TurnedAway { why, .. }) if why.contains("in time")), "{events:?}");
    assert_eq!((&silent).read(&mut [0]).unwrap(), 0, "it is closed");

    for nonsense in [&b"\n"[..], b"GET / HTTP/1.1\r\n", &[0; 1000], b"iobring 1 write\nand more"] {
        let stranger = UnixStream::connect(&path).unwrap();
        let _ = (&stranger).write_all(nonsense);
        until(&mut collector, is_turned_away);
    }

    // One that floods its connection instead of using its writer loses the connection, and may write still.
    let hostile = UnixStream::connect(&path).unwrap();
    Request::Write.send(&hostile).unwrap();
    until(&mut collector, |event| matches!(event, Event::Joined(_)));
    // What it could count its losses in comes first, and is of no interest to it.
    (&hostile).read_exact(&mut [0; 8]).unwrap();
    let writer = iobring::Iob::receive_from(&hostile).unwrap();
    (&hostile).write_all(&[0; 1000]).unwrap();
    writer.write(Default::default(), 0, b"from the flooder").unwrap();
    let events = until(&mut collector, |event| matches!(event, Event::Record(_)));
    assert_eq!(records(&events), ["from the flooder"]);
    drop(writer);
    until(&mut collector, is_left);
}

#[test]
fn no_more_than_the_allowed_connect_and_only_who_is_admitted() {
    let builder = Builder::new().connections(2).admit(|process: &Process| process.tag != 2);
    let (mut collector, path, _folder) = collector(builder);
    let held: Vec<UnixStream> = (0..4).map(|_| UnixStream::connect(&path).unwrap()).collect();
    let mut whys = Vec::new();
    while whys.len() < 2 {
        let events = until(&mut collector, is_turned_away);
        let Some(Event::TurnedAway { process, why }) = events.last() else { unreachable!() };
        whys.push((process.tag, *why));
    }
    assert_eq!(whys, [(2, "not admitted"), (4, "there are as many connections as are allowed")]);
    drop(held);
}

#[test]
fn what_a_watcher_asked_for_is_passed_on() {
    let (mut collector, path, _folder) = collector(Builder::new());
    for request in [Request::Status, Request::Watch { retained: true }, Request::Watch { retained: false }] {
        let stream = UnixStream::connect(&path).unwrap();
        request.send(&stream).unwrap();
        let events = until(&mut collector, |event| matches!(event, Event::Watcher(_)));
        let Some(Event::Watcher(watcher)) = events.last() else { unreachable!() };
        assert_eq!(watcher.request, request);
    }
}

#[test]
fn a_socket_that_was_left_over_is_replaced_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    drop(UnixListener::bind(&path).unwrap());
    let collector = Collector::bind(&path).unwrap();
    assert!(Collector::bind(&path).is_err(), "somebody listens there");
    drop(collector);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "a file").unwrap();
    assert!(Collector::bind(&path).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"a file");
}

#[test]
fn a_stopped_collector_tells_what_is_there_and_ends() {
    let (mut collector, _, _folder) = collector(Builder::new());
    let (_, writer) = collector.writer_of(Process::this(0, "here")).unwrap();
    writer.write(Default::default(), 0, b"before").unwrap();
    collector.stopper().stop();
    let events: Vec<Event> = collector.map(Result::unwrap).collect();
    assert_eq!(records(&events), ["before"]);
}

/// Every `Ok` is told and every refusal counted, wherever in all that the collector is stopped.
#[test]
fn at_the_end_the_books_balance_to_the_record() {
    for patience in [0, 100, 1000] {
        let (mut collector, path, _folder) = collector(Builder::new().capacity(64 * 1024));
        let stopper = collector.stopper();
        let writers: Vec<_> = (0..3)
            .map(|_| {
                thread::spawn({
                    let path = path.clone();
                    move || flood(&path)
                })
            })
            .collect();
        let mut sums = [0; 2];
        let mut joined = 0;
        while let Some(event) = collector.next_event(None).unwrap() {
            match event {
                Event::Joined(_) => joined += 1,
                Event::Record(_) => sums[0] += 1,
                Event::Lost(lost) => sums[1] += lost.records,
                _ => {}
            }
            if joined == 3 && sums[0] >= patience {
                stopper.stop();
            }
        }
        let counted = writers.into_iter().map(|writer| writer.join().unwrap());
        let counted = counted.fold([0; 2], |[a, b], [written, refused]| [a + written, b + refused]);
        assert_eq!(sums, counted, "records told and lost, against what the writers know");
    }
}

#[test]
fn a_writer_in_this_process_leaves_when_it_is_dropped() {
    let (mut collector, _, _folder) = collector(Builder::new());
    let (_, writer) = collector.writer_of(Process::this(0, "here")).unwrap();
    writer.write(Default::default(), 0, b"something").unwrap();
    let dropper = thread::spawn(move || drop(writer));
    let events = until(&mut collector, is_left);
    dropper.join().unwrap();
    assert_eq!(records(&events), ["something"]);
}

#[test]
fn a_sink_falls_back_and_connects_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let sink = Sink::new(&path);
    let missed = |missed: u64| format!("{missed} missed").into_bytes();
    assert!(!sink.is_connected());
    assert_eq!(sink.write(b"nobody there", missed), Written::NoCollector);
    for _ in 0..2 {
        let mut collector = Collector::bind(&path).unwrap();
        let reading = thread::spawn(move || {
            let mut retained = Retained::new(1 << 20);
            let is_record = |event: &Event| matches!(event, Event::Record(_));
            while retained.len() < 2 {
                for event in until(&mut collector, is_record) {
                    if let Event::Record(record) = event {
                        retained.push(record);
                    }
                }
            }
            retained.iter().map(Record::text).collect::<Vec<_>>()
        });
        let deadline = Instant::now() + PATIENCE;
        let mut fell_back = 1;
        while sink.write(b"somebody there", missed) != Written::ToCollector {
            fell_back += 1;
            assert!(Instant::now() < deadline, "it never connects again");
            thread::yield_now();
        }
        let texts = reading.join().unwrap();
        assert!(texts[0].ends_with(" missed") && texts[1] == "somebody there", "{texts:?} after {fell_back}");
        // The collector is gone with its thread: the next record finds nobody.
        while sink.write(b"nobody there", missed) != Written::NoCollector {
            assert!(Instant::now() < deadline, "it does not notice");
            thread::yield_now();
        }
    }
}

#[test]
fn the_one_who_connects_can_say_who_it_is_only_by_being_it() {
    let (mut collector, path, _folder) = collector(Builder::new());
    let client = thread::spawn(move || Client::connect(path).unwrap());
    let events = until(&mut collector, |event| matches!(event, Event::Joined(_)));
    let Some(Event::Joined(process)) = events.last() else { unreachable!() };
    let process: &Arc<Process> = process;
    assert_eq!((process.pid, process.uid), (std::process::id(), rustix::process::getuid().as_raw()));
    assert!(!process.name.is_empty());
    drop(client.join().unwrap());
    until(&mut collector, is_left);
}

#[test]
fn a_child_inherits_its_writer() {
    let (mut collector, path, _folder) = collector(Builder::new());
    let invitation = Invitation::new().unwrap();
    let (name, value) = invitation.variable().unwrap();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "the_child_that_inherits"])
        .env(name, value)
        .env("IOBRING_SOCKET", path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    collector.admit(invitation, Process::this(0, "child").with_id(child.id())).unwrap();
    let mut told = Vec::new();
    for _ in 0..2 {
        for event in until(&mut collector, is_left) {
            if let Event::Record(record) = event {
                told.push((record.process.pid == child.id(), record.process.name.clone(), record.text()));
            }
        }
    }
    assert!(child.wait().unwrap().success());
    told.sort();
    assert_eq!((told[0].0, &*told[0].1, &*told[0].2), (true, "child", "inherited"));
    assert_eq!((told[1].0, &*told[1].2), (true, "by the path"), "{told:?}");
}

#[test]
#[ignore = "what the test before this one starts"]
fn the_child_that_inherits() {
    let client = Client::inherited().expect("the variable").unwrap();
    client.send(b"inherited").unwrap();
    let before = env::var(INHERITED_VARIABLE).unwrap();
    // Another descriptor bears the number by now, or none: it is not touched.
    for value in ["0:1", "77777:1", "-1:1", "x", ""] {
        // SAFETY: this process has one thread that uses its environment.
        unsafe { env::set_var(INHERITED_VARIABLE, value) };
        assert!(Client::inherited().is_none(), "{value}");
    }
    // SAFETY: as above.
    unsafe { env::set_var(INHERITED_VARIABLE, before) };
    // The connection is taken: a second one of this process is refused, and a sink goes by the path instead.
    assert!(Client::inherited().expect("the variable").is_err());
    let sink = Sink::inherited_or_usual();
    assert_eq!(sink.write(b"by the path", |_| unreachable!()), Written::ToCollector);
}
