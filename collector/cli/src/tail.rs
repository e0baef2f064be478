//! `iobring tail`: shows what is retained, then what comes.

use crate::cli::Tail;
use crate::entry::{Entry, What};
use crate::output::Output;
use crate::text::level;
use crate::watch;
use anyhow::{Context, Result};

pub fn tail(arguments: Tail) -> Result<()> {
    let mut output = Output::new(arguments.format);
    for line in watch::lines(&arguments.look, !arguments.new)? {
        let line = line?;
        let entry = Entry::parse(&line).context("what the collector says is not understood")?;
        if is_wanted(&entry, &arguments) {
            output.write(&entry, &line)?;
            output.flush()?;
        }
    }
    Ok(())
}

fn is_wanted(entry: &Entry, arguments: &Tail) -> bool {
    let of_process = |pid| entry.process.as_ref().is_some_and(|process| process.pid == pid);
    let level = match &entry.what {
        What::Event { event } => level(event),
        _ => None,
    };
    arguments.pid.is_none_or(of_process) && arguments.level.is_none_or(|least| level.is_none_or(|level| level <= least))
}
