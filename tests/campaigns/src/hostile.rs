//! Hostile clients of the collector's socket beside honest ones.
//!
//! The collector is in this process, and so are the honest clients, each with a record every millisecond that says when it was written.
//! The hostile ones are processes of their own, one manner after the other and then all at once ([`Manner`]). Every record of an honest
//! client is told once and in order, or counted as lost; each of them is heard in each phase; when all is over the collector holds what
//! it held before. How long an honest record takes, how many are refused, and what the collector holds meanwhile are figures: they
//! depend on the machine.

use crate::collect::this_program;
use clap::{Args, ValueEnum};
use iobring_collect::{Builder, Client, Collector, Event, Feed, Feeds, Request};
use iobring_oracle::patience::PATIENCE;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How many honest clients there are.
const HONEST: u64 = 4;

/// How much more the collector may hold at the end than at the beginning, in bytes: its allocator's.
const SLACK: u64 = 64 << 20;

#[derive(Args)]
pub struct Options {
    /// How long each phase is, at least: until each honest client was heard.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How many connections the crowd makes.
    #[arg(long, default_value_t = 10_000)]
    crowd: usize,
    /// The size of the ring in bytes.
    #[arg(long, default_value_t = 1 << 20)]
    capacity: usize,
}

/// How a hostile client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Manner {
    /// Connects and says what is no request, again and again.
    Babble,
    /// Makes as many connections as it can, and says nothing; what is closed it makes anew.
    Crowd,
    /// The same, each of which asks for a writer and never takes it.
    Writers,
    /// Asks to watch, and never reads.
    Deaf,
    /// Writes as fast as it can, the longest records.
    Flood,
}

#[derive(Args)]
pub struct ClientOptions {
    #[arg(long)]
    socket: PathBuf,
    #[arg(long)]
    manner: Manner,
    #[arg(long)]
    crowd: usize,
}

/// What came of one phase.
#[derive(Default)]
struct Phase {
    told: BTreeMap<u64, u64>,
    /// How long each record took, in nanoseconds.
    took: Vec<u64>,
    turned_away: u64,
    hostile: u64,
    descriptors: usize,
    memory: u64,
}

pub fn run(options: &Options) -> ExitCode {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("socket");
    let builder = Builder::new().capacity(options.capacity).patience(Duration::from_secs(1));
    let mut scene = Scene::new(builder.connections(options.crowd.max(100)).bind(&socket).expect("a collector"));
    let stop = AtomicBool::new(false);
    let began = Instant::now();
    thread::spawn(watch_over);
    println!(
        "{:>10} {:>9} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9} {:>7} {:>8}",
        "phase", "honest/s", "median", "99 %", "worst", "least", "hostile/s", "away/s", "fds", "memory"
    );
    thread::scope(|scope| {
        let honest: Vec<_> = (0..HONEST)
            .map(|who| {
                scope.spawn({
                    let (socket, stop) = (&socket, &stop);
                    move || honest(who, socket, began, stop)
                })
            })
            .collect();
        let long = Duration::from_secs_f64(options.seconds);
        let calm = scene.phase(long, began);
        let before = (calm.descriptors, calm.memory);
        scene.print("calm", &calm, long);
        let all = [Manner::Babble, Manner::Crowd, Manner::Writers, Manner::Deaf, Manner::Flood];
        for manners in all.iter().map(std::slice::from_ref).chain([&all[..]]) {
            let hostile: Vec<Hostile> =
                manners.iter().map(|&manner| Hostile::start(manner, &socket, options.crowd)).collect();
            let phase = scene.phase(long, began);
            let name = if let [manner] = manners { format!("{manner:?}").to_lowercase() } else { "all".to_owned() };
            scene.print(&name, &phase, long);
            drop(hostile);
            scene.settle(before.0, began);
        }
        let after = scene.phase(long, began);
        scene.print("calm", &after, long);
        if after.descriptors > before.0 {
            scene.faults.push(format!("{} descriptors at the end, {} before", after.descriptors, before.0));
        }
        if after.memory > before.1 + SLACK {
            scene.faults.push(format!("{} bytes at the end, {} before", after.memory, before.1));
        }
        stop.store(true, Ordering::Relaxed);
        let counted: Vec<[u64; 2]> = scene.join(honest, began);
        scene.balance(&counted);
    });
    scene.faults.iter().take(20).for_each(|fault| println!("FAULT: {fault}"));
    println!("{}", if scene.faults.is_empty() { "sound" } else { "NOT SOUND" });
    if scene.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The collector, and what it has told of the honest.
struct Scene {
    collector: Collector,
    feeds: Feeds,
    /// The number of each one's next record, those that are told to be lost, and the tag that it has.
    next: BTreeMap<u64, u64>,
    told: BTreeMap<u64, u64>,
    lost: u64,
    faults: Vec<String>,
}

impl Scene {
    fn new(collector: Collector) -> Self {
        Scene {
            collector,
            feeds: Feeds::new(),
            next: BTreeMap::new(),
            told: BTreeMap::new(),
            lost: 0,
            faults: Vec::new(),
        }
    }

    /// What happens for so long.
    fn phase(&mut self, long: Duration, began: Instant) -> Phase {
        let mut phase = Phase::default();
        let end = Instant::now() + long;
        while Instant::now() < end || (phase.told.len() < HONEST as usize && Instant::now() < end + PATIENCE) {
            self.step(&mut phase, began);
        }
        phase.descriptors = fs::read_dir("/proc/self/fd").expect("proc(5)").count();
        phase.memory = memory();
        phase
    }

    /// Until those who have gone are gone here too.
    fn settle(&mut self, descriptors: usize, began: Instant) {
        let deadline = Instant::now() + PATIENCE;
        while fs::read_dir("/proc/self/fd").expect("proc(5)").count() > descriptors && Instant::now() < deadline {
            for _ in 0..1000 {
                self.step(&mut Phase::default(), began);
            }
        }
    }

    fn step(&mut self, phase: &mut Phase, began: Instant) {
        STEPS.fetch_add(1, Ordering::Relaxed);
        let event = self.collector.next_event(Some(Duration::from_millis(10))).expect("events");
        self.feeds.flush();
        match event {
            Some(Event::Record(record)) if record.process.pid == std::process::id() => {
                let word = |at: usize| u64::from_ne_bytes(record.message[at..at + 8].try_into().expect("eight bytes"));
                let (who, number, when) = (word(0), word(8), word(16));
                phase.took.push((began.elapsed().as_nanos() as u64).saturating_sub(when));
                *phase.told.entry(who).or_default() += 1;
                *self.told.entry(who).or_default() += 1;
                let next = self.next.entry(who).or_default();
                if number < *next {
                    self.faults.push(format!("honest client {who}: record {number} where {next} or later comes next"));
                }
                *next = number + 1;
            }
            Some(Event::Record(record)) => {
                phase.hostile += 1;
                self.feeds.push(&record.message, |missed| missed.to_string().into_bytes());
            }
            Some(Event::Lost(lost)) if lost.process.pid == std::process::id() => self.lost += lost.records,
            Some(Event::TurnedAway { .. }) => phase.turned_away += 1,
            Some(Event::Watcher(watcher)) => self.feeds.add(Feed::new(watcher.stream)),
            Some(Event::Damaged { bytes }) => self.faults.push(format!("{bytes} bytes of the ring were damaged")),
            _ => {}
        }
    }

    fn print(&mut self, name: &str, phase: &Phase, long: Duration) {
        let mut took = phase.took.clone();
        took.sort_unstable();
        let at = |share: f64| {
            took.get(((took.len() as f64 * share) as usize).min(took.len().saturating_sub(1))).copied().unwrap_or(0)
        };
        let millis = |nanos: u64| format!("{:.1} ms", nanos as f64 / 1e6);
        let rate = |count: u64| (count as f64 / long.as_secs_f64()) as u64;
        let least = (0..HONEST).map(|who| phase.told.get(&who).copied().unwrap_or(0)).min().unwrap_or(0);
        println!(
            "{name:>10} {:>9} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9} {:>7} {:>5} MB",
            rate(took.len() as u64),
            millis(at(0.5)),
            millis(at(0.99)),
            millis(at(1.0)),
            rate(least),
            rate(phase.hostile),
            rate(phase.turned_away),
            phase.descriptors,
            phase.memory >> 20
        );
        if least == 0 {
            self.faults.push(format!("{name}: an honest client was not heard"));
        }
    }

    /// What the honest know, once they have ended.
    fn join(&mut self, honest: Vec<thread::ScopedJoinHandle<'_, [u64; 2]>>, began: Instant) -> Vec<[u64; 2]> {
        while honest.iter().any(|thread| !thread.is_finished()) || self.collector.writers().len() > 0 {
            self.step(&mut Phase::default(), began);
        }
        // The last losses are told before the last end.
        while let Some(event) = self.collector.next_event(Some(Duration::ZERO)).expect("events") {
            if let Event::Lost(lost) = event {
                self.lost += lost.records;
            }
        }
        honest.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    }

    fn balance(&mut self, counted: &[[u64; 2]]) {
        for (who, [written, _]) in counted.iter().enumerate() {
            let told = self.told.get(&(who as u64)).copied().unwrap_or(0);
            if told != *written {
                self.faults.push(format!("honest client {who} wrote {written} records, {told} were told"));
            }
        }
        let refused: u64 = counted.iter().map(|[_, refused]| refused).sum();
        let written: u64 = counted.iter().map(|[written, _]| written).sum();
        println!("honest: {written} records told, {refused} refused");
        if refused != self.lost {
            self.faults.push(format!("{refused} honest records were refused, {} told to be lost", self.lost));
        }
    }
}

/// How often the collector came to an end with something.
static STEPS: AtomicU64 = AtomicU64::new(0);

/// Ends everything where the collector hangs.
fn watch_over() {
    loop {
        let before = STEPS.load(Ordering::Relaxed);
        thread::sleep(PATIENCE);
        if STEPS.load(Ordering::Relaxed) == before {
            println!("FAULT: the collector hangs\nNOT SOUND");
            std::process::exit(1);
        }
    }
}

/// Writes a record each millisecond until it is stopped. Returns how many were written, and how many refused.
fn honest(who: u64, socket: &Path, began: Instant, stop: &AtomicBool) -> [u64; 2] {
    let client = Client::connect(socket).expect("a collector");
    let mut counts = [0; 2];
    let mut number = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        let words = [who, number, began.elapsed().as_nanos() as u64];
        let message: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        counts[usize::from(client.send(&message).is_err())] += 1;
        number += 1;
        // Its pace, not a synchronisation.
        thread::sleep(Duration::from_millis(1));
    }
    counts
}

/// A hostile client's process, which ends with this.
struct Hostile(Child);

impl Hostile {
    fn start(manner: Manner, socket: &Path, crowd: usize) -> Self {
        let manner = manner.to_possible_value().expect("none is hidden");
        let mut client = this_program("nasty");
        client.arg("--socket").arg(socket).arg("--manner").arg(manner.get_name()).arg("--crowd").arg(crowd.to_string());
        Hostile(client.stdin(Stdio::null()).spawn().expect("a process"))
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.0.kill().expect("a child of ours");
        self.0.wait().expect("its end");
    }
}

/// Of this process, in bytes, of its own.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("proc(5)");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("proc(5) has it");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// A hostile client.
pub fn client(options: &ClientOptions) -> ExitCode {
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let connect = || UnixStream::connect(&options.socket);
    // However long the collector may take.
    let writer = || loop {
        if let Ok(client) = Client::connect(&options.socket) {
            return client;
        }
    };
    match options.manner {
        Manner::Babble => {
            let mut random = fastrand::Rng::new();
            loop {
                if let Ok(mut stream) = connect() {
                    let nonsense: Vec<u8> = (0..random.usize(..200)).map(|_| random.u8(..)).collect();
                    let _ = stream.write_all(&nonsense);
                }
            }
        }
        Manner::Crowd | Manner::Writers => {
            let mut crowd: Vec<UnixStream> = Vec::new();
            loop {
                if crowd.len() < options.crowd
                    && let Ok(stream) = connect()
                {
                    if options.manner == Manner::Writers {
                        let _ = Request::Write.send(&stream);
                    } else {
                        stream.set_nonblocking(true).expect("a socket");
                    }
                    crowd.push(stream);
                } else if options.manner == Manner::Crowd {
                    crowd.retain_mut(|stream| !matches!(stream.read(&mut [0]), Ok(0)));
                } else {
                    thread::sleep(Duration::from_millis(10));
                }
            }
        }
        Manner::Deaf => {
            let watchers: Vec<_> = (0..10).filter_map(|_| connect().ok()).collect();
            for stream in &watchers {
                let _ = Request::Watch { retained: true }.send(stream);
            }
            // There is something to watch.
            let client = writer();
            loop {
                let _ = client.send(&[b'x'; 1000]);
            }
        }
        Manner::Flood => {
            let client = writer();
            let longest = vec![b'x'; iobring::layout::MAX_WRITE_SIZE];
            loop {
                let _ = client.send(&longest);
            }
        }
    }
}
