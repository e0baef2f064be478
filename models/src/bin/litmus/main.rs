//! Writes each pairing of the table of sites as litmus tests: in C11, for AArch64 and RISC-V, and for the kernel's model.
//!
//! With `--herd`, herd7 judges them; where it is not to be had that is NOT RUN (exit status 77). `weakest::litmus` says how they come
//! out of the scenarios.

mod herd;

use clap::Parser;
use herd::Herd;
use iobring::protocol::sites;
use iobring_models::suite;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use weakest::explorer::Memory;
use weakest::litmus::{self, Dialect, Test};
use weakest::matrix::{self, Chase, MatrixOptions};

/// Writes each pairing of the table of sites as litmus tests in herd7's format: as it ships, and with a weakened site.
#[derive(Debug, Parser)]
struct Cli {
    /// The folder to write to
    folder: PathBuf,
    /// Let herd7 judge them: the command
    #[arg(long, value_name = "COMMAND")]
    herd: Option<PathBuf>,
    /// Where herd7 has its models, if it is not installed where it was built for
    #[arg(long, value_name = "DIR", requires = "herd")]
    libdir: Option<PathBuf>,
    /// The kernel's tools/memory-model, without which its dialect is not judged
    #[arg(long, value_name = "DIR", requires = "herd")]
    kernel: Option<PathBuf>,
    /// Write the table of verdicts to this file
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let options = MatrixOptions { chase: Chase::Always, ..Default::default() };
    let matrix = matrix::run(sites::ALL, &suite::explorer_killers(), &options);
    let (tests, without) = litmus::tests(&matrix);
    match run(&cli, &tests, &without) {
        Ok((_, wrong)) if wrong > 0 => {
            eprintln!("{wrong} tests have outcomes that the explorer rules out");
            ExitCode::FAILURE
        }
        Ok((true, _)) => ExitCode::SUCCESS,
        Ok((false, _)) => ExitCode::from(77),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes and judges; whether all dialects were judged, and how many verdicts contradict the explorer's.
fn run(cli: &Cli, tests: &[Test], without: &[(&str, &str)]) -> Result<(bool, usize), String> {
    let herd = cli.herd.as_ref().map(|command| Herd::find(command, cli.libdir.as_deref(), cli.kernel.as_deref()));
    let herd = herd.unwrap_or_else(|| Err("not asked for (--herd)".into()));
    let (mut complete, mut wrong) = (herd.is_ok(), 0);
    let mut text = String::from("# Each pairing as a litmus test\n\n");
    text += "Written by `cargo run --release -p iobring-models --bin litmus -- DIR --record models/litmus.md`. Of each test: whether its\n\
             outcome is seen as it ships / with the weakened site. `-`: not judged there.\n\n";
    text += &match &herd {
        Ok(herd) => format!("Judged by herd7 {}.\n\n", herd.version()),
        Err(why) => format!("herd7: NOT RUN: {why}.\n\n"),
    };
    text += "| pairing | weakened | steps | explorer, RC11 | hardware";
    Dialect::ALL.iter().for_each(|dialect| text += &format!(" | {}", dialect.model()));
    text += &format!(" |\n|{}\n", "---|".repeat(5 + Dialect::ALL.len()));
    for test in tests {
        let explored = |memory| both(|weakened| test.shows(weakened, memory));
        let mut row = format!(
            "| `{}`, `{}` | `{}` {} | {} | {} | {}",
            test.pair.0,
            test.pair.1,
            test.mutant.0,
            test.mutant.1,
            test.steps(),
            explored(Memory::ReleaseAcquire),
            explored(Memory::Hardware)
        );
        for dialect in Dialect::ALL {
            let mut verdicts = [None; 2];
            for weakened in [false, true] {
                let path = write(&cli.folder, test, dialect, weakened)?;
                if let Ok(herd) = &herd {
                    verdicts[usize::from(weakened)] = herd.judge(&path, dialect)?;
                    complete &= verdicts[usize::from(weakened)].is_some();
                }
            }
            wrong += usize::from(verdicts[0] == Some(true));
            // Of C11 both know the same model.
            let rc11 = test.shows(true, Memory::ReleaseAcquire);
            wrong += usize::from(dialect == Dialect::C11 && verdicts[1].is_some() && verdicts[1] != rc11);
            let allowed = test.shows(true, Memory::HardwareStrict) == Some(false);
            let hardware = matches!(dialect, Dialect::AArch64 | Dialect::RiscV);
            wrong += usize::from(hardware && allowed && verdicts[1] == Some(true));
            row += &format!(" | {}", both(|weakened| verdicts[usize::from(weakened)]));
        }
        text += &(row + " |\n");
    }
    text += "\n";
    if !without.is_empty() {
        text += "Without a test, because no failing execution tells the orderings apart by what is read alone, or somebody dies in it:\n";
        without.iter().for_each(|(site, pair)| text += &format!("`{site}` and `{pair}`; "));
        text += "\n";
    }
    println!("{text}");
    if let Some(path) = &cli.record {
        std::fs::write(path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if let Err(why) = &herd {
        println!("herd7: NOT RUN: {why}");
    }
    Ok((complete, wrong))
}

fn both(verdict: impl Fn(bool) -> Option<bool>) -> String {
    let word = |weakened| match verdict(weakened) {
        Some(true) => "seen",
        Some(false) => "never",
        None => "-",
    };
    format!("{} / {}", word(false), word(true))
}

/// Writes one test, and returns where.
fn write(folder: &Path, test: &Test, dialect: Dialect, weakened: bool) -> Result<PathBuf, String> {
    let name = format!("{}-{}", test.pair.0, test.pair.1);
    let name = if weakened { format!("{name}-weakened") } else { name };
    let path = folder.join(dialect.name()).join(format!("{name}.litmus"));
    let text = dialect.write(&name, test, weakened);
    let written = std::fs::create_dir_all(path.parent().expect("a folder")).and_then(|()| std::fs::write(&path, text));
    written.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}
