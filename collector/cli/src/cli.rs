//! The command line.

use bytesize::ByteSize;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::ffi::OsString;
use std::path::PathBuf;

const CONVENTIONS: &str = "\
Environment:
  IOBRING_SOCKET            the collector's socket; else iobring.sock in $XDG_RUNTIME_DIR, else /run/iobring.sock
  LISTEN_PID, LISTEN_FDS    the socket that systemd passes to `serve`
  NOTIFY_SOCKET             where `serve` says that it is ready, and that it stops
  NO_COLOR, CLICOLOR_FORCE  no colours, or colours where no terminal is

Exit status:
  0    all went well
  1    it did not: standard error says why
  2    the command line is not understood
  `run` exits as the program does (128 and the signal's number if one killed it); with 127 if there is no such program,
  126 if it cannot be run, 125 if it is the collecting that fails";

/// Collects the records of many processes on one machine, and shows them.
///
/// A process that crashes loses none of what it wrote, and none can write in another's name.
#[derive(Debug, Parser)]
#[command(name = "iobring", version, after_long_help = CONVENTIONS)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Collect from every process that connects
    Serve(Serve),
    /// Run a program and collect from it: its output, its records, and how it ended
    ///
    /// Exits as the program does: with its code, or with 128 and the signal that killed it. With 127 if there is no such program, 126
    /// if it cannot be run, 125 if it is the collecting that fails.
    Run(Run),
    /// Show what is retained, then what comes
    Tail(Tail),
    /// Show who writes how much, live
    ///
    /// Where standard output is no terminal, what a terminal would show, once.
    #[cfg(feature = "top")]
    Top(Top),
    /// Show who writes how much, once
    Stat(Stat),
    /// Keep what comes in files
    Record(Record),
    /// Show what was kept in files
    ///
    /// Lines that are no entries (a half-written last one, for example) are left out, and counted on standard error.
    Replay(Replay),
    /// Print a shell's completions
    Completions { shell: Shell },
    /// Print a manual page: `iobring man serve | man -l -`
    Man {
        /// Of this command [default: of the program]
        command: Option<String>,
    },
}

/// Which collector.
#[derive(Clone, Debug, Args)]
pub struct Look {
    /// The collector's socket [default: the user's, else the machine's]
    // Set to nothing the variable says nothing, as is usual.
    #[arg(long, short, env = "IOBRING_SOCKET", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub socket: Option<PathBuf>,
}

impl Look {
    pub fn path(&self) -> PathBuf {
        self.socket.clone().filter(|path| !path.as_os_str().is_empty()).unwrap_or_else(iobring_collect::default_socket)
    }
}

/// How entries are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// A line of JSON each
    Json,
    /// Not at all
    None,
}

/// Where entries go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    Stdout(Format),
    Journald(PathBuf),
    #[cfg(feature = "otlp")]
    Otlp(String),
}

impl Out {
    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "journald" => Ok(Out::Journald(crate::journald::SOCKET.into())),
            Some(("journald", path)) => Ok(Out::Journald(path.into())),
            #[cfg(feature = "otlp")]
            Some(("otlp", url)) if url.starts_with("http://") || url.starts_with("https://") => {
                Ok(Out::Otlp(url.to_owned()))
            }
            #[cfg(feature = "otlp")]
            Some(("otlp", url)) => Err(format!("otlp wants a URL such as http://localhost:4318; {url:?} is none")),
            #[cfg(not(feature = "otlp"))]
            Some(("otlp", _)) => Err("this iobring was built without its feature otlp".to_owned()),
            None if text == "otlp" => Err("otlp wants to know where to: otlp=http://localhost:4318".to_owned()),
            _ => Format::from_str(text, false)
                .map(Out::Stdout)
                .map_err(|_| format!("{text:?} is none of text, json, none, journald, otlp=URL")),
        }
    }
}

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    pub look: Look,
    /// How many bytes of entries to retain for those who come later to look
    #[arg(long, default_value = "64MiB", value_parser = size)]
    pub retain: ByteSize,
    /// The size of the ring in bytes
    #[arg(long, default_value = "1MiB", value_parser = size)]
    pub capacity: ByteSize,
    /// Admit processes of these users only; may be repeated
    #[arg(long, value_name = "UID")]
    pub allow_uid: Vec<u32>,
    /// How many processes may be connected at once
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,
    /// Where to: `text` or `json` on standard output, `journald`, `otlp=URL` (a collector of OpenTelemetry), or `none`; may be
    /// repeated
    #[arg(long, default_value = "text", value_parser = Out::parse)]
    pub out: Vec<Out>,
}

#[derive(Debug, Args)]
pub struct Run {
    /// Where to, as `serve` has it
    #[arg(long, default_value = "text", value_parser = Out::parse)]
    pub out: Vec<Out>,
    /// The size of the ring in bytes
    #[arg(long, default_value = "1MiB", value_parser = size)]
    pub capacity: ByteSize,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub program: Vec<OsString>,
}

/// A level of an event, as `tracing` and `log` have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Args)]
pub struct Tail {
    #[command(flatten)]
    pub look: Look,
    /// Only this process
    #[arg(long)]
    pub pid: Option<u32>,
    /// Only events of this level and above; what has no level is shown always
    #[arg(long)]
    pub level: Option<Level>,
    /// Only what comes, not what is retained
    #[arg(long)]
    pub new: bool,
    /// How to write it
    #[arg(long, default_value = "text")]
    pub format: Format,
}

#[cfg(feature = "top")]
#[derive(Debug, Args)]
pub struct Top {
    #[command(flatten)]
    pub look: Look,
    /// Write fifteen seconds of it to this file instead, as a moving picture (SVG)
    #[arg(long, value_name = "FILE")]
    pub picture: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Stat {
    #[command(flatten)]
    pub look: Look,
    /// How to write it
    #[arg(long, default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct Record {
    #[command(flatten)]
    pub look: Look,
    /// The file; older ones get .1, .2 and .3 behind their names
    pub file: PathBuf,
    /// The most bytes that all files together take
    #[arg(long, default_value = "1GiB", value_parser = size)]
    pub max_size: ByteSize,
}

#[derive(Debug, Args)]
pub struct Replay {
    /// The file, as `record` was given it; older ones are shown first
    pub file: PathBuf,
    /// So many times as fast as it happened [default: as fast as can be]
    #[arg(long, value_parser = speed)]
    pub speed: Option<f64>,
    /// How to write it
    #[arg(long, default_value = "text")]
    pub format: Format,
}

fn size(text: &str) -> Result<ByteSize, String> {
    text.parse().map_err(|_| "a size is a number of bytes, such as 65536, 64k (thousands) or 64KiB".to_owned())
}

fn speed(text: &str) -> Result<f64, String> {
    match text.strip_suffix('x').unwrap_or(text).parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(speed),
        _ => Err(format!("a speed is a number above 0, such as 2x; {text} is none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        assert_eq!(Out::parse("json"), Ok(Out::Stdout(Format::Json)));
        assert_eq!(Out::parse("journald"), Ok(Out::Journald("/run/systemd/journal/socket".into())));
        for none in ["", "otlp", "otlp=localhost", "jsonl", "text=x"] {
            assert!(Out::parse(none).is_err(), "{none}");
        }
        assert_eq!(size("64k").map(|size| size.as_u64()), Ok(64_000));
        assert_eq!(size("64KiB").map(|size| size.as_u64()), Ok(65_536));
        assert_eq!(size("1048576").map(|size| size.as_u64()), Ok(1_048_576));
        for none in ["5X", "-1", "", "k"] {
            assert!(size(none).is_err(), "{none}");
        }
        assert_eq!(speed("2x"), Ok(2.0));
        assert_eq!(speed("0.5"), Ok(0.5));
        for none in ["0", "-1x", "x", "inf", "NaN", ""] {
            assert!(speed(none).is_err(), "{none}");
        }
    }
}
