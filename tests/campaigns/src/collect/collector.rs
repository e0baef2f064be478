//! The collector: writes what it is told to a file, a line each.

use clap::Args;
use iobring_collect::{Builder, Event, Stopper};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Args)]
pub struct Options {
    #[arg(long)]
    socket: PathBuf,
    #[arg(long)]
    output: PathBuf,
    #[arg(long)]
    capacity: usize,
}

pub fn main(options: &Options) -> ExitCode {
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let mut collector = Builder::new().capacity(options.capacity).bind(&options.socket).expect("a collector");
    stop_when_asked(collector.stopper());
    let mut output = BufWriter::new(File::create(&options.output).expect("a file"));
    println!("ready");
    loop {
        let event = match collector.next_event(Some(Duration::ZERO)).expect("events") {
            Some(event) => Some(event),
            None => {
                output.flush().expect("room on the disk");
                collector.next_event(None).expect("events")
            }
        };
        let Some(event) = event else {
            break;
        };
        let written = match event {
            Event::Record(record) => writeln!(output, "record {} {}", record.process.pid, record.text()),
            Event::Lost(lost) => writeln!(output, "lost {} {}", lost.process.pid, lost.records),
            Event::TurnedAway { process, why } => writeln!(output, "away {} {why}", process.pid),
            Event::Damaged { bytes } => writeln!(output, "damaged {bytes}"),
            _ => Ok(()),
        };
        written.expect("room on the disk");
    }
    output.flush().expect("room on the disk");
    ExitCode::SUCCESS
}

/// SIGTERM ends the collector.
fn stop_when_asked(stopper: Stopper) {
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM]).expect("a handler");
    std::thread::spawn(move || signals.forever().for_each(|_| stopper.stop()));
}
