//! Collects the lines of several files through one ring: `cargo run --release --example collect -- FILE…`
//!
//! One writer thread for each file sends every line as a record that bears the file's number as its tag; the reader
//! prints `file: line` for each. Lines of one file stay in order; those of different files come as they come. At the end
//! a summary on standard error adds up what was sent and what arrived.
//!
//! Lines are bytes between newlines; they need not be text. A line longer than a record can carry (65,519 bytes) is
//! refused, counted and reported; a file that cannot be read is reported, and the lines read before that stand.
//!
//! Exit status: 0 if every line of every file was delivered, 1 if anything was refused or unreadable, 2 on wrong usage.

use iobring::layout::MAX_WRITE_SIZE;
use iobring::{Iob, Reader, RingBuffer, Status};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, StdoutLock, Write};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

/// How many bytes may be on their way.
const CAPACITY: usize = 1 << 20;

/// What became of one file's lines, by its writer.
#[derive(Default)]
struct Sent {
    accepted: u64,
    refused: u64,
    error: Option<io::Error>,
}

fn main() -> ExitCode {
    let files: Vec<OsString> = std::env::args_os().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: collect FILE…");
        return ExitCode::from(2);
    }
    match collect(&files) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Nobody reads on: nobody to complain to.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("collect: standard output: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Sends all lines through a ring and prints them. Returns whether all were delivered; an error is one of the output.
fn collect(files: &[OsString]) -> io::Result<bool> {
    let mut reader = RingBuffer::create(CAPACITY);
    let mut senders = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let pair = reader.new_iob_writer(number as u64).and_then(|(lines, _)| {
            let (end, _) = reader.new_iob_writer(end_of(files))?;
            Ok((lines, EndMark(end)))
        });
        let (lines, end) = pair.map_err(io::Error::from)?;
        let file = file.clone();
        senders.push(thread::spawn(move || {
            let _end = end;
            send_file(&file, &lines)
        }));
    }
    // On an error the process ends, and the senders with it.
    let delivered = print_lines(&mut reader, files)?;
    let sent = senders.into_iter().map(|sender| sender.join().expect("a sender panicked"));
    Ok(summarise(files, sent, &delivered))
}

/// The tag of the records that say that a sender has ended: the number of no file.
fn end_of(files: &[OsString]) -> u64 {
    files.len() as u64
}

/// Writes an end mark when it is dropped, however its sender ends.
struct EndMark(Iob);

impl Drop for EndMark {
    fn drop(&mut self) {
        send(&self.0, b"");
    }
}

fn send_file(file: &OsString, ring: &Iob) -> Sent {
    let mut sent = Sent::default();
    sent.error = File::open(file).and_then(|file| send_lines(BufReader::new(file), ring, &mut sent)).err();
    sent
}

/// Sends each line of `input`, without its newline.
fn send_lines(mut input: impl BufRead, ring: &Iob, sent: &mut Sent) -> io::Result<()> {
    // A line and its newline, or one byte too many: longer lines are never held in memory.
    let longest = MAX_WRITE_SIZE as u64 + 1;
    let mut line = Vec::new();
    while input.by_ref().take(longest).read_until(b'\n', &mut line)? != 0 {
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > MAX_WRITE_SIZE {
            input.skip_until(b'\n')?;
        }
        if line.len() <= MAX_WRITE_SIZE {
            send(ring, &line);
            sent.accepted += 1;
        } else {
            sent.refused += 1;
        }
        line.clear();
    }
    Ok(())
}

/// Writes one record, waiting for room. A ring has no bell for writers: they look again after a moment.
fn send(ring: &Iob, message: &[u8]) {
    loop {
        match ring.write(Default::default(), 0, message) {
            Ok(()) => return,
            Err(Status::NO_SPACE) => thread::sleep(Duration::from_micros(100)),
            Err(status) => panic!("the ring refuses a record of {} bytes: {status}", message.len()),
        }
    }
}

/// Prints what arrives until every sender has ended. Returns how many lines of each file arrived.
fn print_lines(reader: &mut Reader, files: &[OsString]) -> io::Result<Vec<u64>> {
    let mut output = BufWriter::new(io::stdout().lock());
    let mut delivered = vec![0; files.len()];
    let mut ended = 0;
    let mut message = Vec::new();
    while ended < files.len() {
        reader.wait_blocking(reader.tail(), None);
        let mut result = Ok(());
        let drained = reader.drain(|record| {
            match files.get(record.tag() as usize) {
                None => ended += 1,
                Some(file) => {
                    delivered[record.tag() as usize] += 1;
                    message.clear();
                    record.append_to(&mut message);
                    result = print_line(&mut output, file, &message);
                }
            }
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        drained.map_err(io::Error::other)?;
        result?;
    }
    output.flush()?;
    Ok(delivered)
}

fn print_line(output: &mut BufWriter<StdoutLock<'_>>, file: &OsString, line: &[u8]) -> io::Result<()> {
    output.write_all(file.as_bytes())?;
    output.write_all(b": ")?;
    output.write_all(line)?;
    output.write_all(b"\n")
}

/// Reports what went wrong and what went through. Returns whether every line of every file was delivered.
fn summarise(files: &[OsString], sent: impl Iterator<Item = Sent>, delivered: &[u64]) -> bool {
    let (mut accepted, mut refused, mut unreadable, mut lost) = (0, 0, 0, 0);
    for ((file, sent), delivered) in files.iter().zip(sent).zip(delivered) {
        let file = file.display();
        accepted += sent.accepted;
        refused += sent.refused;
        lost += sent.accepted.abs_diff(*delivered);
        if sent.refused > 0 {
            eprintln!("collect: {file}: refused: {} lines longer than {MAX_WRITE_SIZE} bytes", sent.refused);
        }
        if let Some(error) = sent.error {
            unreadable += 1;
            eprintln!("collect: {file}: {error}");
        }
    }
    let delivered: u64 = delivered.iter().sum();
    eprintln!(
        "collect: {} files, {unreadable} unreadable; {accepted} lines accepted, {refused} refused, {delivered} delivered",
        files.len()
    );
    refused == 0 && unreadable == 0 && lost == 0
}
