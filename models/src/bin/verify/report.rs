//! The report: the ring's words for the harness's page.

use crate::cli::Cli;
use iobring_models::suite::{self, Level};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};
use weakest::report::page::Preface;
use weakest::report::{Results, json, junit, page};
use weakest::suite::{Engine, Entry};

const TITLE: &str = "iobring: the ring's proof";
const EVIDENCE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../verification.md"));
const LOCK_FILE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));

/// Writes the page, the JSON and the JUnit XML into the folder `directory`.
pub fn write(directory: &Path, cli: &Cli, models: &[Entry], results: &Results, elapsed: Duration) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("index.html"), page::draw(&preface(cli, models, elapsed), results))?;
    json::write(&directory.join("results.json"), results)?;
    junit::write(&directory.join("junit.xml"), "cargo verify", results)
}

fn preface(cli: &Cli, models: &[Entry], elapsed: Duration) -> Preface {
    Preface {
        title: TITLE.into(),
        about:
            "Many writers, one reader, tagged records in shared memory. The protocol code that ships was explored by \
                model checkers: every interleaving up to stated bounds, every memory ordering weakened, every death."
                .into(),
        facts: facts(cli, models, elapsed),
        engines: vec![
            ["loom".into(), version("loom"), "every interleaving and stale read, up to a bound of preemptions".into()],
            ["explorer".into(), version("weakest"), "every state of release/acquire memory, without a bound".into()],
            ["shuttle".into(), version("shuttle"), "samples of schedules, judged by happens-before".into()],
        ],
        again: Some(|site| format!("cargo verify --explain {site}")),
        left_out: left_out(cli, models),
        chapters: vec![("What no run covers".into(), chapter("What is not covered"))],
    }
}

fn facts(cli: &Cli, models: &[Entry], elapsed: Duration) -> Vec<(String, String)> {
    let command = ["cargo verify".into()].into_iter().chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" ");
    let seeds: BTreeSet<String> = (models.iter())
        .filter_map(|entry| match &entry.engine {
            Engine::Shuttle(options) => Some(format!("{:#x}", options.seed)),
            _ => None,
        })
        .collect();
    let level = match cli.level() {
        Level::Quick => "quick",
        Level::Default => "default",
        Level::Full => "full",
    };
    [
        ("command", command),
        ("level", level.into()),
        ("ended", humantime::format_rfc3339_seconds(SystemTime::now()).to_string()),
        ("took", format!("{:.0} s on {} cores", elapsed.as_secs_f64(), crate::work::workers())),
        ("iobring", env!("CARGO_PKG_VERSION").into()),
        ("compiler", format!("{}, {} {}", env!("COMPILER"), std::env::consts::OS, std::env::consts::ARCH)),
        ("seeds of sampling", Vec::from_iter(seeds).join(", ")),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .into()
}

/// The version of a package that this program was made of.
fn version(package: &str) -> String {
    let lock: toml::Table = LOCK_FILE.parse().expect("cargo's own file");
    let packages = lock["package"].as_array().into_iter().flatten();
    let versions = packages.filter(|entry| entry["name"].as_str() == Some(package));
    versions.filter_map(|entry| entry["version"].as_str()).collect::<Vec<_>>().join(", ")
}

/// The models that a more patient run takes, and the parts that were not asked for.
fn left_out(cli: &Cli, models: &[Entry]) -> Vec<(String, String)> {
    let mut left_out = Vec::new();
    if cli.is_partial() {
        left_out.push(("the matrix and the crash sweep".into(), "only some models were asked for".into()));
    }
    for (site, why) in suite::UNMODELLED {
        left_out.push((format!("{site}, in any model"), why.into()));
    }
    let name = |entry: &Entry| format!("{}/{}", entry.engine.name(), entry.case.name());
    let taken: BTreeSet<String> = models.iter().map(name).collect();
    for (level, command) in [(Level::Default, "cargo verify"), (Level::Full, "cargo verify --full")] {
        if level > cli.level() && !cli.is_partial() {
            let more: BTreeSet<String> = suite::models(level).iter().map(name).filter(|n| !taken.contains(n)).collect();
            let names = Vec::from_iter(more).join(", ");
            left_out
                .push((format!("What {command} does beside"), format!("larger bounds and more samples, and {names}")));
        }
    }
    left_out
}

/// A chapter of the evidence, as HTML.
fn chapter(title: &str) -> String {
    let after = EVIDENCE.split_once(&format!("## {title}\n")).map_or("", |(_, after)| after);
    let chapter = after.split_once("\n## ").map_or(after, |(chapter, _)| chapter);
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new(chapter));
    html
}

#[cfg(test)]
mod tests {
    use super::{chapter, version};

    #[test]
    fn what_the_report_quotes_is_there() {
        assert!(
            chapter("What is not covered")
                .contains("<strong>Load buffering beyond the models that run on it.</strong>")
        );
        for package in ["loom", "shuttle", "weakest"] {
            assert!(version(package).starts_with(|c: char| c.is_ascii_digit()), "{package}");
        }
    }
}
