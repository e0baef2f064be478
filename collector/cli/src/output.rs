//! Where entries go: standard output, in either form.

use crate::cli::Format;
use crate::entry::Entry;
use crate::text::Text;
use anstream::AutoStream;
use std::io::{self, BufWriter, Stdout, Write};

/// Standard output, in colours where a terminal shows them. Nothing is seen before it is flushed.
pub struct Output {
    format: Format,
    stream: BufWriter<AutoStream<Stdout>>,
}

impl Output {
    pub fn new(format: Format) -> Self {
        Output { format, stream: BufWriter::new(anstream::stdout()) }
    }

    /// Writes an entry, whose line is at hand.
    pub fn write(&mut self, entry: &Entry, line: &[u8]) -> io::Result<()> {
        match self.format {
            Format::Text => writeln!(self.stream, "{}", Text(entry)),
            Format::Json => self.stream.write_all(line).and_then(|()| self.stream.write_all(b"\n")),
            Format::None => Ok(()),
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
