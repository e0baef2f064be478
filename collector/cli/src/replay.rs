//! `iobring replay`: shows what was kept in files.

use crate::cli::Replay;
use crate::entry::Entry;
use crate::output::Output;
use crate::record::files;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

pub fn replay(arguments: Replay) -> Result<ExitCode> {
    let mut output = Output::new(arguments.format);
    let mut pace = arguments.speed.map(|speed| Pace { speed, began: None });
    let mut broken = 0;
    for path in files(&arguments.file) {
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for line in BufReader::new(file).split(b'\n') {
            let line = line.with_context(|| format!("cannot read {}", path.display()))?;
            let Ok(entry) = Entry::parse(&line) else {
                broken += u64::from(!line.is_empty());
                continue;
            };
            if let (Some(pace), Some(time)) = (&mut pace, entry.since_epoch()) {
                output.flush()?;
                pace.wait_until(time);
            }
            output.write(&entry, &line)?;
        }
    }
    output.flush()?;
    if broken > 0 {
        let lines = if broken == 1 { "line is no entry" } else { "lines are no entries" };
        anstream::eprintln!("iobring: {broken} {lines}, half-written perhaps: left out");
    }
    Ok(ExitCode::SUCCESS)
}

/// As it happened, so many times as fast.
struct Pace {
    speed: f64,
    /// When the first entry was shown, and when it happened.
    began: Option<(Instant, Duration)>,
}

impl Pace {
    fn wait_until(&mut self, time: Duration) {
        let (shown, happened) = *self.began.get_or_insert((Instant::now(), time));
        let after = time.saturating_sub(happened).as_secs_f64() / self.speed;
        if let Ok(after) = Duration::try_from_secs_f64(after) {
            thread::sleep(after.saturating_sub(shown.elapsed()));
        }
    }
}
