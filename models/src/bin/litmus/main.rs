//! Writes each pairing of the table of sites as litmus tests: in C11, for AArch64, RISC-V and x86, and for the kernel's model.
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
    let (tests, without) = litmus::tests(&matrix, options.workers);
    match run(&cli, &tests, &without, options.workers) {
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
fn run(cli: &Cli, tests: &[Test], without: &[(&str, &str)], workers: usize) -> Result<(bool, usize), String> {
    let mut written = Vec::new();
    for test in tests {
        for dialect in Dialect::ALL {
            for weakened in [false, true] {
                written.push((write(&cli.folder, test, dialect, weakened)?, dialect));
            }
        }
    }
    let herd = cli.herd.as_ref().map(|command| Herd::find(command, cli.libdir.as_deref(), cli.kernel.as_deref()));
    let herd = herd.unwrap_or_else(|| Err("not asked for (--herd)".into()));
    let verdicts = match &herd {
        Ok(herd) => herd.judge_all(&written, workers)?,
        Err(_) => vec![None; written.len()],
    };
    let (complete, mut wrong) = (verdicts.iter().all(Option::is_some), 0);
    let mut text = String::from("# Each pairing as a litmus test\n\n");
    text += "Written by `cargo run --release -p iobring-models --bin litmus -- DIR --record models/litmus.md`. Of each test: whether its\n\
             outcome is seen as it ships / with the weakened site. `-`: not judged there. Where even the weakened one is never seen, that model\n\
             does not need the ordering for this: what its mapping makes of the weaker one still forbids it (all but `SeqCst` on x86).\n\n";
    text += &match &herd {
        Ok(herd) => format!("Judged by herd7 {}.\n\n", herd.version()),
        Err(why) => format!("herd7: NOT RUN: {why}.\n\n"),
    };
    text += "| pairing | weakened | steps | explorer, RC11 | hardware";
    Dialect::ALL.iter().for_each(|dialect| text += &format!(" | {}", dialect.model()));
    text += &format!(" |\n|{}\n", "---|".repeat(5 + Dialect::ALL.len()));
    for (test, verdicts) in tests.iter().zip(verdicts.chunks_exact(2 * Dialect::ALL.len())) {
        let explored = |memory| both(&[false, true].map(|weakened| test.shows(weakened, memory)));
        text += &format!(
            "| `{}`, `{}` | `{}` {} | {} | {} | {}",
            test.pair.0,
            test.pair.1,
            test.mutant.0,
            test.mutant.1,
            test.steps(),
            explored(Memory::ReleaseAcquire),
            explored(Memory::Hardware)
        );
        for (dialect, verdicts) in Dialect::ALL.into_iter().zip(verdicts.chunks_exact(2)) {
            wrong += contradictions(test, dialect, verdicts);
            text += &format!(" | {}", both(verdicts));
        }
        text += " |\n";
    }
    text += &format!("\nOf {} pairings, {} have a test.\n", tests.len() + without.len(), tests.len());
    if !without.is_empty() {
        let pairs = without.iter().map(|(site, pair)| format!("`{site}` and `{pair}`")).collect::<Vec<_>>().join("; ");
        text += "Without a test, because no failing execution tells the orderings apart by what is read alone, or somebody dies in it:\n";
        text += &(pairs + ".\n");
    }
    println!("{text}");
    if let Some(path) = &cli.record {
        std::fs::write(path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok((complete, wrong))
}

/// How many of a model's verdicts, as it ships and weakened, cannot be if the explorer is right.
fn contradictions(test: &Test, dialect: Dialect, verdicts: &[Option<bool>]) -> usize {
    let rc11 = test.shows(true, Memory::ReleaseAcquire);
    let impossible = match dialect {
        // Both know the same model.
        Dialect::C11 => verdicts[1].is_some() && verdicts[1] != rc11,
        Dialect::AArch64 | Dialect::RiscV => {
            verdicts[1] == Some(true) && test.shows(true, Memory::HardwareStrict) == Some(false)
        }
        // Its mapping is to less than RC11 allows, and it buffers no loads.
        Dialect::X86 => verdicts[1] == Some(true) && rc11 == Some(false),
        Dialect::Lkmm => false,
    };
    usize::from(verdicts[0] == Some(true)) + usize::from(impossible)
}

/// Both verdicts, as it ships and weakened.
fn both(verdicts: &[Option<bool>]) -> String {
    let word = |verdict: &Option<bool>| match verdict {
        Some(true) => "seen",
        Some(false) => "never",
        None => "-",
    };
    verdicts.iter().map(word).collect::<Vec<_>>().join(" / ")
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
