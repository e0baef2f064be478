//! `iobring record`: keeps what comes in files.
//!
//! A file is entries, a line of JSON each, written one by one: whatever becomes of this process, all but the last line is whole.
//! A new run begins a new line, so that a half-written one spoils nothing but itself.

use crate::cli::Record;
use crate::watch;
use anyhow::{Context, Result, bail};
use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How many files share the space: the one that is written, and older ones.
pub const FILES: usize = 4;

pub fn record(arguments: Record) -> Result<()> {
    let limit = usize::try_from(arguments.max_size.as_u64()).unwrap_or(usize::MAX) / FILES;
    if limit < 1 << 17 {
        bail!(
            "--max-size is shared by {FILES} files, each of which has to hold a few records: at least 512KiB; {} is less",
            arguments.max_size
        );
    }
    let lines = watch::lines(&arguments.look, true)?;
    let file = &arguments.file;
    // The library would make the folder too, and panics where it cannot.
    File::options().append(true).create(true).open(file).with_context(|| format!("cannot write {}", file.display()))?;
    let half_written = ends_within_a_line(file)?;
    // What passes the limit begins the next file: a little less, so that all together stay below.
    let limit = ContentLimit::BytesSurpassed(limit - (1 << 16));
    let mut files = FileRotate::new(file, AppendCount::new(FILES - 1), limit, Compression::None, None);
    if half_written {
        files.write_all(b"\n")?;
    }
    for line in lines {
        let mut line = line?;
        line.push(b'\n');
        files.write_all(&line).with_context(|| format!("cannot write {}", file.display()))?;
        files.flush()?;
    }
    Ok(())
}

/// Whether a file's last line has no newline.
fn ends_within_a_line(path: &Path) -> Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// The files of a recording, oldest first.
pub fn files(path: &Path) -> Vec<PathBuf> {
    let older = (1..FILES).rev().map(|number| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    });
    older.filter(|older| older.exists()).chain([path.to_owned()]).collect()
}
