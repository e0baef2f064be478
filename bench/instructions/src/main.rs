//! Counts the instructions of the ring's write and read paths under callgrind and compares them with what is recorded in
//! `counts.txt`. Counts repeat where times do not, so a path that grows by more than a tenth is a change, not noise.
//!
//! ```text
//! cargo run --release --manifest-path bench/instructions/Cargo.toml              compare
//! cargo run --release --manifest-path bench/instructions/Cargo.toml -- --record  write counts.txt anew
//! ```
//!
//! Ends with 0 if every path was counted and none has grown, with 1 if one has, and with 2, saying `NOT RUN`, where nothing
//! could be counted. The counts are those of x86-64 and of the compiler that `counts.txt` names.

mod callgrind;
mod counts;
mod paths;

use counts::Verdict;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // What callgrind runs.
        ["run", name, count] => {
            let (_, path) = paths::ALL.iter().find(|(path, _)| *path == name).expect("a path's name");
            path(count.parse().expect("a count"));
            ExitCode::SUCCESS
        }
        [] => report(compare()),
        ["--record"] => report(record()),
        _ => report(Err("usage: iobring-instructions [--record]".into())),
    }
}

fn report(outcome: Result<bool, String>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            println!("NOT RUN: {why}");
            ExitCode::from(2)
        }
    }
}

/// Counts every path and says how it compares; whether none has grown.
fn compare() -> Result<bool, String> {
    let recorded = counts::read()?;
    let mut fine = true;
    for (name, _) in paths::ALL {
        let counted = callgrind::count(name)?;
        let verdict = counts::judge(counted, recorded.get(*name).copied());
        println!("{name:34} {counted:6}  {verdict}");
        fine &= !matches!(verdict, Verdict::Grown { .. } | Verdict::Unknown);
    }
    Ok(fine)
}

/// Counts every path and writes the counts down.
fn record() -> Result<bool, String> {
    let counted = paths::ALL.iter().map(|(name, _)| Ok((*name, callgrind::count(name)?)));
    counts::write(&counted.collect::<Result<Vec<_>, String>>()?)?;
    Ok(true)
}
