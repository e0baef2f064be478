//! `--fuzz`: every fuzz target for its share of the time, under AddressSanitizer, and what libFuzzer says of it.
//!
//! Nothing is installed by this; where nightly or cargo-fuzz is missing, that is the answer.

use crate::cli::Cli;
use crate::table::Table;
use crate::{markdown, work};
use indicatif::MultiProgress;
use serde::Serialize;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// What came of fuzzing.
pub enum Fuzzing {
    /// Nothing ran; why.
    NotRun(String),
    /// The targets ran, but for those that had not begun when somebody stopped it.
    Ran { targets: Vec<Target>, not_begun: usize },
}

/// What libFuzzer said of one target.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Target {
    target: String,
    /// For how long it was to run.
    seconds: u64,
    pub executions: u64,
    executions_per_second: u64,
    /// Edges of the program that some input has taken.
    edges: u64,
    /// Edges by how often they were taken, and what a target counts beside them.
    features: u64,
    /// Inputs worth keeping.
    corpus: u64,
    /// The longest that one input took.
    slowest_seconds: u64,
    crashes: u64,
    /// The inputs that crashed.
    artifacts: Vec<String>,
    /// The last lines it said, if it did not end well.
    last_words: Vec<String>,
    ended_well: bool,
}

impl Fuzzing {
    /// What keeps it from having found nothing.
    pub fn complaints(&self) -> Vec<String> {
        match self {
            Fuzzing::NotRun(why) => vec![format!("fuzzing was not run: {why}")],
            Fuzzing::Ran { targets, not_begun } => {
                let stopped = (*not_begun > 0).then(|| format!("stopped: {not_begun} fuzz targets were not begun"));
                targets.iter().filter_map(Target::complaint).chain(stopped).collect()
            }
        }
    }

    /// The targets that ran.
    pub fn targets(&self) -> &[Target] {
        match self {
            Fuzzing::NotRun(_) => &[],
            Fuzzing::Ran { targets, .. } => targets,
        }
    }
}

impl Target {
    fn complaint(&self) -> Option<String> {
        let Target { target, artifacts, last_words, .. } = self;
        if self.crashes > 0 {
            return Some(format!("{target} crashes: {}\n{}", artifacts.join(", "), last_words.join("\n")));
        }
        if !self.ended_well {
            return Some(format!("{target} did not end well: {}", last_words.join("\n")));
        }
        (self.executions == 0).then(|| format!("{target} ran nothing"))
    }

    /// Takes in a line of libFuzzer's.
    fn hear(&mut self, line: &str) {
        let number = |text: &str| text.trim().parse().unwrap_or(0);
        let after = |word: &str| {
            let mut words = line.split_whitespace().skip_while(|&found| found != word);
            words.nth(1).and_then(|value| value.split('/').next()).map(number)
        };
        if let Some((name, value)) = line.strip_prefix("stat::").and_then(|stat| stat.split_once(':')) {
            match name {
                "number_of_executed_units" => self.executions = number(value),
                "average_exec_per_sec" => self.executions_per_second = number(value),
                "slowest_unit_time_sec" => self.slowest_seconds = number(value),
                _ => {}
            }
        } else if let Some(status) = line.strip_prefix('#') {
            self.executions = status.split_whitespace().next().map_or(0, number);
            self.edges = after("cov:").unwrap_or(self.edges);
            self.features = after("ft:").unwrap_or(self.features);
            self.corpus = after("corp:").unwrap_or(self.corpus);
        } else if let Some((_, artifact)) = line.split_once("Test unit written to ")
            // What took long is kept too, and is nothing wrong on a busy machine.
            && !artifact.contains("/slow-unit-")
        {
            self.crashes += 1;
            self.artifacts.push(artifact.trim().into());
        }
    }
}

/// The table of targets.
pub fn table(fuzzing: &Fuzzing) -> Table {
    let header = vec!["target", "seconds", "executions", "per second", "edges", "features", "corpus", "crashes"];
    let row = |target: &Target| {
        let numbers = [
            target.seconds,
            target.executions,
            target.executions_per_second,
            target.edges,
            target.features,
            target.corpus,
            target.crashes,
        ];
        [target.target.clone()].into_iter().chain(numbers.map(|number| number.to_string())).collect()
    };
    match fuzzing {
        Fuzzing::NotRun(why) => Table::new(vec!["not run"], vec![vec![why.clone()]]),
        Fuzzing::Ran { targets, .. } => Table::new(header, targets.iter().map(row).collect()),
    }
}

/// Fuzzes for `seconds`, says what came of it, and writes the files that were asked for.
pub fn command(cli: &Cli, seconds: u64, stop: &AtomicBool) -> ExitCode {
    let fuzzing = run(seconds, stop);
    println!("Fuzzing\n{}", table(&fuzzing));
    if let Err(error) = write_files(cli, &fuzzing) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let complaints = fuzzing.complaints();
    if !complaints.is_empty() {
        println!("\nNOT VERIFIED: {}", complaints.join("; "));
        return ExitCode::FAILURE;
    }
    let executions: u64 = fuzzing.targets().iter().map(|target| target.executions).sum();
    println!("\n{} fuzz targets found nothing in {executions} executions", fuzzing.targets().len());
    ExitCode::SUCCESS
}

/// The figures as JSON (`fuzz[].{target,executions,edges,crashes}` and more) and in the marked table of a Markdown file.
fn write_files(cli: &Cli, fuzzing: &Fuzzing) -> Result<(), String> {
    if let Some(path) = &cli.json {
        let document = serde_json::json!({ "fuzz": fuzzing.targets() });
        std::fs::write(path, format!("{document:#}\n")).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if let Some(path) = &cli.update {
        let tables = [("fuzz", table(fuzzing).markdown())];
        markdown::update(path, &tables).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Fuzzes for `seconds`, shared by all targets; as many of them at once as models are run.
fn run(seconds: u64, stop: &AtomicBool) -> Fuzzing {
    let targets = match prepare() {
        Ok(targets) => targets,
        Err(why) => return Fuzzing::NotRun(why),
    };
    let share = seconds / targets.len() as u64;
    if share == 0 {
        return Fuzzing::NotRun(format!("{seconds} seconds are too few for {} targets", targets.len()));
    }
    let next = AtomicUsize::new(0);
    let bars = work::bars();
    let ran = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..work::workers() {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed)
                    && let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let heard = fuzz(target, share, &bars);
                    ran.lock().expect("nobody panics with it").push(heard);
                }
            });
        }
    });
    let mut ran = ran.into_inner().expect("nobody panics with it");
    ran.sort_by(|a: &Target, b| a.target.cmp(&b.target));
    Fuzzing::Ran { not_begun: targets.len() - ran.len(), targets: ran }
}

/// Builds the targets and names them.
fn prepare() -> Result<Vec<String>, String> {
    let answer = |command: &mut Command, missing: &str| {
        let output = command.output().map_err(|error| format!("{missing} ({error})"))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(format!("{missing}\n{}", String::from_utf8_lossy(&output.stderr).trim_end())),
        }
    };
    let mut compiler = Command::new("rustup");
    compiler.args(["run", "nightly", "rustc", "--version"]);
    answer(&mut compiler, "there is no nightly: `rustup toolchain install nightly`")?;
    answer(
        cargo_fuzz("--version").stdin(Stdio::null()),
        "there is no cargo-fuzz: `cargo install cargo-fuzz --locked`",
    )?;
    let targets = answer(&mut cargo_fuzz("list"), "`cargo fuzz list` fails")?;
    let build = || answer(&mut cargo_fuzz("build"), "`cargo fuzz build` fails");
    work::while_ticking(&work::bars(), || "building the fuzz targets".into(), build)?;
    Ok(targets.lines().map(String::from).collect())
}

fn cargo_fuzz(subcommand: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "fuzz", subcommand]).current_dir(root());
    // Not the stack: where a model's thread dies, its coroutine's stack is unwound unknown to the sanitizer, and whoever uses
    // that stack next is reported for it.
    command.env("RUSTFLAGS", "-Cllvm-args=-asan-stack=0");
    // Nor at the fuzzer itself, whose source is compiled with Rust's sanitizer otherwise, and takes up to a quarter of the time then.
    command.env("CXXFLAGS", "-fno-sanitize=all");
    command
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// How many of libFuzzer's lines are kept for when it does not end well: enough for a report of the sanitizer's.
const LAST_WORDS: usize = 80;

/// An input that takes longer than this many seconds counts as a hang.
const HANG: u64 = 60;

fn fuzz(target: &str, seconds: u64, bars: &MultiProgress) -> Target {
    let mut command = cargo_fuzz("run");
    command.arg(target).arg("--").arg(format!("-max_total_time={seconds}"));
    command.args(["-print_final_stats=1", "-rss_limit_mb=4096"]).arg(format!("-timeout={HANG}"));
    let dictionary = root().join("fuzz/dictionaries").join(target);
    if dictionary.exists() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    let heard = Mutex::new(Target { target: target.into(), seconds, ..Target::default() });
    let message = || {
        let heard = heard.lock().expect("nobody panics with it");
        let Target { executions, edges, features, .. } = *heard;
        format!("{target}: {executions} executions, {edges} edges, {features} features")
    };
    let listen = || -> std::io::Result<bool> {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        for line in BufReader::new(child.stderr.take().expect("piped")).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            let mut heard = heard.lock().expect("nobody panics with it");
            heard.hear(&line);
            if heard.last_words.len() == LAST_WORDS {
                heard.last_words.remove(0);
            }
            heard.last_words.push(line);
        }
        Ok(child.wait()?.success())
    };
    let ended = work::while_ticking(bars, message, listen);
    let mut heard = heard.into_inner().expect("nobody panics with it");
    heard.ended_well = ended.unwrap_or_else(|error| {
        heard.last_words.push(error.to_string());
        false
    });
    if heard.ended_well {
        heard.last_words.clear();
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_understood() {
        let mut target = Target::default();
        target.hear("#256\tpulse  cov: 12 ft: 20 corp: 3/5b lim: 4 exec/s: 128 rss: 33Mb");
        assert_eq!((target.executions, target.edges, target.corpus), (256, 12, 3));
        target.hear("#1000\tDONE   cov: 812 ft: 2210 corp: 77/13Kb lim: 4096 exec/s: 500 rss: 61Mb");
        target.hear("stat::number_of_executed_units: 1001");
        target.hear("stat::average_exec_per_sec:     500");
        target.hear("stat::slowest_unit_time_sec:    2");
        let Target { executions, executions_per_second, edges, features, corpus, slowest_seconds, .. } = target;
        assert_eq!((executions, executions_per_second, slowest_seconds), (1001, 500, 2));
        assert_eq!((edges, features, corpus), (812, 2210, 77));
    }

    #[test]
    fn a_crash_and_a_bad_end_are_complained_of() {
        let mut target = Target { ended_well: true, executions: 1, ..Target::default() };
        target.hear("artifact_prefix='/fuzz/artifacts/t/'; Test unit written to /fuzz/artifacts/t/slow-unit-1");
        assert_eq!(target.complaint(), None);
        target.hear("artifact_prefix='/fuzz/artifacts/t/'; Test unit written to /fuzz/artifacts/t/crash-1");
        assert_eq!((target.crashes, target.complaint().is_some()), (1, true));
        let ran = Fuzzing::Ran { targets: vec![Target { executions: 1, ..Target::default() }], not_begun: 1 };
        assert_eq!(ran.complaints().len(), 2);
        assert_eq!(Fuzzing::NotRun("no nightly".into()).complaints(), ["fuzzing was not run: no nightly"]);
    }
}
