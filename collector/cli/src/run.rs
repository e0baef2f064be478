//! `iobring run`: runs a program and collects from it.

use crate::cli::Run;
use crate::entry::{Entry, Stream, What};
use crate::hub::Hub;
use crate::output::Output;
use anyhow::{Context, Result};
use iobring::{Iob, Status};
use iobring_collect::{Builder, Collector, Event, Process, SOCKET_VARIABLE, Stopper};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The longest line of a program's output that is one record; longer ones are several.
const LONGEST: u64 = iobring::layout::MAX_WRITE_SIZE as u64;

pub fn run(arguments: Run) -> Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("iobring-").tempdir().context("a folder for the socket")?;
    let socket = folder.path().join("socket");
    let capacity = usize::try_from(arguments.capacity.as_u64()).context("the ring's size")?;
    let mut collector = Builder::new().capacity(capacity).bind(&socket)?;
    let (process, child) = start(&arguments, &socket)?;
    forward_signals(&child, collector.stopper())?;
    let mut own = Own::default();
    let ended = follow(child, &process, &mut collector, &mut own)?;

    let mut hub = Hub::new(Output::new(arguments.out), 0);
    let mut figures = Figures::default();
    // The program's own writers leave when it and its output have ended; whatever else it started may stay connected longer.
    while let Some(event) = hub.step(&mut collector, |event| own.entry(event))? {
        figures.add(&event, &own);
        if figures.present == 0 {
            break;
        }
    }
    let status =
        ended.join().expect("the thread that waits does not panic").context("the program's end was not seen")?;
    let Figures { records, lost, .. } = figures;
    let what = What::Ended { code: status.code(), signal: status.signal(), records, lost };
    hub.tell(&Entry::now(Some(&process), what))?;
    hub.flush()?;
    Ok(exit_code(status))
}

/// Starts the program, which finds the collector by its environment.
fn start(arguments: &Run, socket: &Path) -> Result<(Process, Child)> {
    let program = &arguments.program[0];
    let child = Command::new(program)
        .args(&arguments.program[1..])
        .env(SOCKET_VARIABLE, socket)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
    Ok((Process::this(0, name).with_id(child.id()), child))
}

/// This process's own writers, by tag: those of the program's streams, and one that is dropped when it has ended.
#[derive(Default)]
struct Own(BTreeMap<u64, Option<Stream>>);

impl Own {
    /// A writer of what the program says, or (without a stream) whose end stands for the program's.
    fn writer(&mut self, collector: &mut Collector, process: &Process, stream: Option<Stream>) -> Result<Iob> {
        let (tag, writer) = collector.writer_of(process.clone())?;
        self.0.insert(tag, stream);
        Ok(writer)
    }

    /// What to tell of an event.
    fn entry(&self, event: &Event) -> Option<Entry> {
        match event {
            Event::Record(record) => match self.0.get(&record.process.tag) {
                Some(Some(stream)) => {
                    let text = String::from_utf8_lossy(&record.message).into_owned();
                    Some(Entry::at(record.time, Some(&record.process), What::Output { stream: *stream, text }))
                }
                _ => Entry::of(event),
            },
            // How these come and go is told by the program's end, and they wait for room where others would lose.
            Event::Joined(process) if self.0.contains_key(&process.tag) => None,
            Event::Lost(lost) if self.0.contains_key(&lost.process.tag) => None,
            Event::Left(left) if self.0.contains_key(&left.process.tag) => None,
            event => Entry::of(event),
        }
    }
}

/// What was told of all processes.
#[derive(Default)]
struct Figures {
    /// How many writers have joined and not left yet.
    present: u64,
    records: u64,
    lost: u64,
}

impl Figures {
    fn add(&mut self, event: &Event, own: &Own) {
        match event {
            Event::Joined(_) => self.present += 1,
            Event::Left(_) => self.present -= 1,
            Event::Record(_) => self.records += 1,
            Event::Lost(lost) if !own.0.contains_key(&lost.process.tag) => {
                self.lost = self.lost.saturating_add(lost.records)
            }
            _ => {}
        }
    }
}

/// Passes the program's output on, and waits for its end.
fn follow(
    mut child: Child,
    process: &Process,
    collector: &mut Collector,
    own: &mut Own,
) -> Result<JoinHandle<std::io::Result<ExitStatus>>> {
    let stdout = child.stdout.take().expect("it is piped");
    let writer = own.writer(collector, process, Some(Stream::Stdout))?;
    thread::spawn(move || pass_on(stdout, &writer));
    let stderr = child.stderr.take().expect("it is piped");
    let writer = own.writer(collector, process, Some(Stream::Stderr))?;
    thread::spawn(move || pass_on(stderr, &writer));
    let end = own.writer(collector, process, None)?;
    Ok(thread::spawn(move || {
        let _end = end;
        child.wait()
    }))
}

/// Writes each line as a record, without its newline, until the stream ends or cannot be read.
fn pass_on(stream: impl Read, writer: &Iob) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while matches!(stream.by_ref().take(LONGEST).read_until(b'\n', &mut line), Ok(1..)) {
        write(writer, line.strip_suffix(b"\n").unwrap_or(&line));
        line.clear();
    }
}

/// Writes a record, waiting for room as the program would for a pipe.
fn write(writer: &Iob, message: &[u8]) {
    while writer.write(Default::default(), 0, message) == Err(Status::NO_SPACE) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Asks the program to end when this process is asked to. What a terminal sends on Ctrl-C has reached both already.
fn forward_signals(child: &Child, stopper: Stopper) -> Result<()> {
    let pidfd = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).context("watching the program")?;
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        for signal in signals.forever() {
            let asked = match signal {
                SIGTERM => pidfd_send_signal(&pidfd, Signal::TERM),
                // 0 would do to see whether it is there; the terminal's own signal does no harm twice.
                _ => pidfd_send_signal(&pidfd, Signal::INT),
            };
            if asked.is_err() {
                stopper.stop();
            }
        }
    });
    Ok(())
}

/// As a shell has it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(code as u8)
}
