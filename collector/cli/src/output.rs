//! Where entries go: standard output in either form, journald, a collector of OpenTelemetry.

use crate::cli::{Format, Out};
use crate::entry::Entry;
use crate::journald::Journald;
#[cfg(feature = "otlp")]
use crate::otlp::Otlp;
use crate::text::Text;
use anstream::AutoStream;
use anyhow::{Context, Result};
use std::io::{self, BufWriter, Stdout, Write};

/// Text and a newline, to standard output.
pub fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).context(CANNOT)
}

const CANNOT: &str = "cannot write to standard output";

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
    pub fn write(&mut self, entry: &Entry, line: &[u8]) -> Result<()> {
        match self.format {
            Format::Text => writeln!(self.stream, "{}", Text(entry)),
            Format::Json => self.stream.write_all(line).and_then(|()| self.stream.write_all(b"\n")),
            Format::None => Ok(()),
        }
        .context(CANNOT)
    }

    pub fn flush(&mut self) -> Result<()> {
        self.stream.flush().context(CANNOT)
    }
}

/// All places where entries go.
#[derive(Default)]
pub struct Outputs {
    stdout: Vec<Output>,
    journald: Vec<Journald>,
    #[cfg(feature = "otlp")]
    otlp: Vec<Otlp>,
}

impl Outputs {
    pub fn new(outs: &[Out]) -> Result<Self> {
        let mut outputs = Outputs::default();
        for out in outs {
            match out {
                Out::Stdout(format) => outputs.stdout.push(Output::new(*format)),
                Out::Journald(path) => outputs
                    .journald
                    .push(Journald::new(path).with_context(|| format!("no journald at {}", path.display()))?),
                #[cfg(feature = "otlp")]
                Out::Otlp(url) => outputs.otlp.push(Otlp::new(url)),
            }
        }
        Ok(outputs)
    }

    /// Writes an entry, whose line is at hand. Only standard output is waited for.
    pub fn write(&mut self, entry: &Entry, line: &[u8]) -> Result<()> {
        self.journald.iter_mut().for_each(|journald| journald.write(entry));
        #[cfg(feature = "otlp")]
        self.otlp.iter_mut().for_each(|otlp| otlp.write(entry));
        self.stdout.iter_mut().try_for_each(|stdout| stdout.write(entry, line))
    }

    pub fn flush(&mut self) -> Result<()> {
        self.stdout.iter_mut().try_for_each(Output::flush)
    }
}
