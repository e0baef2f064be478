//! `iobring`: collects the records of many processes on one machine, and shows them.
//!
//! | module | holds |
//! |---|---|
//! | `cli` | the command line |
//! | `entry` | a line of JSON about one thing that happened: what is printed, fed to watchers and kept in files |
//! | `text` | an entry as a person reads it |
//! | `output` | where entries go: standard output in either form, |
//! | `journald`, `otlp` | journald, a collector of OpenTelemetry |
//! | `hub` | what a collector's process does with what happens: output, retention, watchers, figures |
//! | `serve`, `run` | the two commands that collect |
//! | `watch` | the connection of the commands that look: `tail`, `record`, `stat`, `top` |
//! | `picture` | screens of `top` as a moving picture |
//! | `record`, `replay` | files of entries |
//! | `man` | the manual pages |

mod cli;
mod entry;
mod hub;
mod journald;
mod man;
#[cfg(feature = "otlp")]
mod otlp;
mod output;
#[cfg(feature = "top")]
mod picture;
mod record;
mod replay;
mod run;
mod serve;
mod stat;
mod status;
mod tail;
mod text;
#[cfg(feature = "top")]
mod top;
mod watch;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(arguments) => serve::serve(arguments).map(|()| ExitCode::SUCCESS),
        Command::Run(arguments) => Ok(run::run(arguments)),
        Command::Tail(arguments) => tail::tail(arguments).map(|()| ExitCode::SUCCESS),
        #[cfg(feature = "top")]
        Command::Top(arguments) => top::top(arguments).map(|()| ExitCode::SUCCESS),
        Command::Stat(arguments) => stat::stat(arguments).map(|()| ExitCode::SUCCESS),
        Command::Record(arguments) => record::record(arguments).map(|()| ExitCode::SUCCESS),
        Command::Replay(arguments) => replay::replay(arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "iobring", &mut script);
            output::print(String::from_utf8_lossy(&script).trim_end()).map(|()| ExitCode::SUCCESS)
        }
        Command::Man { command } => man::man(command.as_deref()).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

/// Says what went wrong, unless it is that nobody reads on: nobody to complain to.
fn complain(error: &anyhow::Error) {
    if error.downcast_ref::<io::Error>().is_none_or(|error| error.kind() != io::ErrorKind::BrokenPipe) {
        anstream::eprintln!("iobring: {error:#}");
    }
}
