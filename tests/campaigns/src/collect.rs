//! Services that log through the layer are killed at random while they do, and the collector is restarted in between.
//!
//! Each service notes how many events it has logged in memory that survives it ([`Receipts`]), and what finds no collector goes
//! to a file of its own. At the end every event has to be in one place, once: what a collector told, or that file; and as many as
//! are in neither have to be told as lost, by process, to the event. Only of the one that a process was killed in the middle of may
//! the one thing or the other be.
//!
//! | module | holds |
//! |---|---|
//! | `collector` | the collector's process |
//! | `service` | the services' process |
//! | `books` | what became of every event |

mod books;
pub mod collector;
pub mod service;

use crate::receipts::Receipts;
use books::Books;
use clap::Args;
use indicatif::ProgressBar;
use iobring_collect::Client;
use iobring_oracle::patience::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Args)]
pub struct Options {
    /// How many services, one after the other in one of the places.
    #[arg(long, default_value_t = 1000)]
    processes: usize,
    /// How many at once.
    #[arg(long, default_value_t = 24)]
    at_once: usize,
    /// How often the collector is restarted, in the first half.
    #[arg(long, default_value_t = 5)]
    restarts: usize,
    /// The size of the ring in bytes.
    #[arg(long, default_value_t = 1 << 20)]
    capacity: usize,
    /// What chooses whom and when. Random if not given; printed in either case.
    #[arg(long)]
    seed: Option<u64>,
}

/// A service that runs.
struct Service {
    child: Child,
    receipts: Receipts,
}

pub fn run(options: &Options) -> ExitCode {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    println!("collect: seed {seed}, {} processes, {} at once", options.processes, options.at_once);
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("socket");
    let mut books = Books::default();
    let mut outputs = vec![folder.path().join("told-0")];
    let mut collector = start_collector(&socket, &outputs[0], options.capacity);
    // Held as long as this collector: what it makes for its first writer is no leak.
    let mut _first = Client::connect(&socket).expect("a collector");
    let descriptors = descriptors_of(&collector);
    let mut memory = None;

    let mut services: Vec<Service> = (0..options.at_once).map(|_| start_service(folder.path(), &socket)).collect();
    let mut started = services.len();
    let every = (options.processes / 2 / (options.restarts + 1)).max(1);
    let bar = ProgressBar::new(options.processes as u64);
    for ended in 0..options.processes {
        thread::sleep(Duration::from_micros(random.u64(..20_000)));
        let victim = random.usize(..services.len());
        let service = services.swap_remove(victim);
        end(service, &mut books, folder.path());
        if started < options.processes {
            services.push(start_service(folder.path(), &socket));
            started += 1;
        }
        if (ended + 1).is_multiple_of(every) && outputs.len() <= options.restarts {
            stop(&mut collector);
            // Some find nobody.
            thread::sleep(Duration::from_micros(random.u64(..100_000)));
            outputs.push(folder.path().join(format!("told-{}", outputs.len())));
            collector = start_collector(&socket, outputs.last().expect("just pushed"), options.capacity);
            _first = Client::connect(&socket).expect("a collector");
        }
        if ended == options.processes * 3 / 4 {
            memory = Some(memory_of(&collector));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();

    let deadline = Instant::now() + PATIENCE;
    while descriptors_of(&collector) > descriptors && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    let left = descriptors_of(&collector).saturating_sub(descriptors);
    let grown = memory_of(&collector).saturating_sub(memory.unwrap_or(0));
    stop(&mut collector);
    outputs.iter().for_each(|output| books.read(output));
    let mut sound = books.balance();
    println!("left behind: {left} descriptors; memory of the last quarter: {} KiB more", grown / 1024);
    sound &= left == 0 && grown < 16 << 20;
    println!("{}", if sound { "sound" } else { "NOT SOUND" });
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

pub fn this_program(command: &str) -> Command {
    let mut this = Command::new(env::current_exe().expect("this program"));
    this.arg(command);
    this
}

fn start_collector(socket: &Path, output: &Path, capacity: usize) -> Child {
    let mut collector = this_program("collector");
    collector.arg("--socket").arg(socket).arg("--output").arg(output).arg("--capacity").arg(capacity.to_string());
    let mut child = collector.stdout(Stdio::piped()).spawn().expect("a process");
    // It says so when it listens.
    let mut ready = [0];
    std::io::Read::read_exact(child.stdout.as_mut().expect("piped"), &mut ready).expect("a collector that listens");
    child
}

fn stop(collector: &mut Child) {
    kill_process(Pid::from_child(collector), Signal::TERM).expect("it is there");
    assert!(collector.wait().expect("its end").success(), "the collector failed");
}

fn start_service(folder: &Path, socket: &Path) -> Service {
    let (receipts, page) = Receipts::new();
    let unnamed = folder.join("starting");
    let fallback = File::create(&unnamed).expect("a file");
    let child = this_program("service")
        .arg("--socket")
        .arg(socket)
        .stdin(Stdio::null())
        .stdout(page)
        .stderr(fallback)
        .spawn()
        .expect("a process");
    fs::rename(unnamed, fallback_of(folder, child.id())).expect("no process id comes twice");
    Service { child, receipts }
}

/// The file of what found no collector.
fn fallback_of(folder: &Path, pid: u32) -> PathBuf {
    folder.join(format!("fallback-{pid}"))
}

fn end(mut service: Service, books: &mut Books, folder: &Path) {
    service.child.kill().expect("a child of ours");
    service.child.wait().expect("its end");
    let file = fallback_of(folder, service.child.id());
    books.open(service.child.id(), service.receipts.accepted(), &fs::read_to_string(&file).expect("text"));
    fs::remove_file(file).expect("a file of ours");
}

fn descriptors_of(process: &Child) -> usize {
    fs::read_dir(format!("/proc/{}/fd", process.id())).expect("a process of ours").count()
}

/// In bytes, of its own.
fn memory_of(process: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).expect("a process of ours");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("proc(5) has it");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}
