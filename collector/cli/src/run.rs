//! `iobring run`: runs a program and collects from it.

use crate::cli::Run;
use crate::entry::{Entry, Stream, What};
use crate::hub::Hub;
use crate::output::Outputs;
use anyhow::{Context, Result};
use iobring::{Iob, Status};
use iobring_collect::{Builder, Collector, Event, Invitation, Process, SOCKET_VARIABLE, Stopper};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::Cause;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// The longest line of a program's output that is one record; longer ones are several.
const LONGEST: u64 = iobring::layout::MAX_WRITE_SIZE as u64;

/// What `env`, `nice` and `timeout` exit with when it is they that fail, when the program cannot be run, and when there is none.
pub const FAILED: u8 = 125;
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

pub fn run(arguments: Run) -> ExitCode {
    collect(arguments).unwrap_or_else(|error| {
        crate::complain(&error);
        match error.downcast_ref::<NotRun>() {
            Some(NotRun(error)) if error.kind() == io::ErrorKind::NotFound => NOT_FOUND.into(),
            Some(_) => CANNOT_RUN.into(),
            None => FAILED.into(),
        }
    })
}

/// The program could not be started.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct NotRun(io::Error);

fn collect(arguments: Run) -> Result<ExitCode> {
    let outputs = Outputs::new(&arguments.out)?;
    let folder = tempfile::Builder::new().prefix("iobring-").tempdir().context("a folder for the socket")?;
    let socket = folder.path().join("socket");
    let capacity = usize::try_from(arguments.capacity.as_u64()).context("the ring's size")?;
    let mut collector = Builder::new().capacity(capacity).bind(&socket)?;
    let (process, child) = start(&arguments, &socket, &mut collector)?;
    forward_signals(&child, collector.stopper())?;
    let mut own = Own::default();
    let room = Arc::new(Room::default());
    let ended = follow(child, &process, &mut collector, &mut own, &room)?;

    let mut hub = Hub::new(outputs, 0);
    let mut figures = Figures::default();
    // The program's own writers leave when it and its output have ended; whatever else it started may stay connected longer.
    while let Some(event) = hub.step(&mut collector, |event| own.entry(event))? {
        room.made();
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

/// Starts the program, which inherits a connection for its writer; what it starts in turn finds the collector by its path.
fn start(arguments: &Run, socket: &Path, collector: &mut Collector) -> Result<(Process, Child)> {
    let invitation = Invitation::new().context("a connection for the program")?;
    let (inherited, value) = invitation.variable()?;
    let program = &arguments.program[0];
    let child = Command::new(program)
        .args(&arguments.program[1..])
        .env(SOCKET_VARIABLE, socket)
        .env(inherited, value)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(NotRun)
        .with_context(|| format!("cannot run {}", program.display()))?;
    let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
    let process = Process::this(0, name).with_id(child.id());
    collector.admit(invitation, process.clone())?;
    Ok((process, child))
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
    room: &Arc<Room>,
) -> Result<JoinHandle<io::Result<ExitStatus>>> {
    let stdout = child.stdout.take().expect("it is piped");
    let writer = own.writer(collector, process, Some(Stream::Stdout))?;
    let waits = room.clone();
    thread::spawn(move || pass_on(stdout, &writer, &waits));
    let stderr = child.stderr.take().expect("it is piped");
    let writer = own.writer(collector, process, Some(Stream::Stderr))?;
    let waits = room.clone();
    thread::spawn(move || pass_on(stderr, &writer, &waits));
    let end = own.writer(collector, process, None)?;
    Ok(thread::spawn(move || {
        let _end = end;
        child.wait()
    }))
}

/// Writes each line as a record, without its newline, until the stream ends or cannot be read.
fn pass_on(stream: impl Read, writer: &Iob, room: &Room) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while matches!(stream.by_ref().take(LONGEST).read_until(b'\n', &mut line), Ok(1..)) {
        room.write(writer, line.strip_suffix(b"\n").unwrap_or(&line));
        line.clear();
    }
}

/// Room in the ring, for which this process's own writers wait as the program would for a pipe.
#[derive(Default)]
struct Room {
    /// Held from before a write that finds none until the wait for some has begun, so that none goes unnoticed.
    lock: Mutex<()>,
    was_made: Condvar,
}

impl Room {
    /// Some may have been made.
    fn made(&self) {
        let _held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.was_made.notify_all();
    }

    /// Writes a record, once there is room.
    fn write(&self, writer: &Iob, message: &[u8]) {
        if writer.send(message) != Err(Status::NO_SPACE) {
            return;
        }
        let mut held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while writer.send(message) == Err(Status::NO_SPACE) {
            held = self.was_made.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Passes on what asks this process to end or to do something. What a terminal sends (Ctrl-C, a hang-up) comes from the kernel
/// and reaches the program by itself; what another process sends to this one, it does not.
fn forward_signals(child: &Child, stopper: Stopper) -> Result<()> {
    let pidfd = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).context("watching the program")?;
    let mut signals = SignalsInfo::<WithOrigin>::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2])?;
    thread::spawn(move || {
        for origin in signals.forever() {
            if matches!(origin.cause, Cause::Kernel) {
                continue;
            }
            let signal = Signal::from_named_raw(origin.signal).expect("one of those above");
            if pidfd_send_signal(&pidfd, signal).is_err() {
                // It has ended; whoever it left behind is not waited for any more.
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
