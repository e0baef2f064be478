//! One machine's part of a run, and the parts of all machines put together.

use crate::cli::Cli;
use iobring::protocol::sites;
use iobring_models::suite::{self, Level};
use serde_json::Value;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use weakest::report::json::Part;
use weakest::report::merge::{Plan, merge};
use weakest::shard::Shard;
use weakest::suite::Entry;
use xxhash_rust::xxh3::Xxh3;

/// Whose text a part must share with the others.
const SOURCES: [&str; 4] = ["src", "models/src", "weakest/src", "weakest/facade/src"];

/// Which part of what this run is.
///
/// # Errors
/// If the project's sources cannot be read.
pub fn part(level: Level, models: &[Entry], shard: Shard) -> Result<Part, String> {
    let mortals = |entry: &Entry| {
        let name = format!("{}/{}", entry.engine.name(), entry.case.name());
        let threads = entry.case.threads().into_iter().filter(|thread| thread.mortal);
        threads.map(move |thread| format!("{name}/{}", thread.name)).collect::<Vec<_>>()
    };
    let mutants = |site: &'static weakest::facade::Site| {
        site.weaker().iter().map(move |order| format!("{} {}", site.name, order.name()))
    };
    let plan = Plan {
        of: format!("source {:032x}, level {level:?}", fingerprint()?),
        models: models.iter().map(|entry| format!("{}/{}", entry.engine.name(), entry.case.name())).collect(),
        mutants: sites::ALL.iter().flat_map(mutants).collect(),
        sweeps: suite::sweeps(level).iter().flat_map(mortals).collect(),
        sites: suite::unreached([]).into_iter().map(String::from).collect(),
        programs: true,
    };
    Ok(Part { part: shard.part(), parts: shard.parts(), plan })
}

/// A hash of the sources' names and texts.
fn fingerprint() -> Result<u128, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the models are a part of the project");
    let mut hash = Xxh3::new();
    for source in SOURCES {
        let folder = root.join(source);
        add(&folder, &mut hash).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(hash.digest128())
}

fn add(path: &Path, hash: &mut Xxh3) -> io::Result<()> {
    if path.is_dir() {
        let mut inside: Vec<PathBuf> = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        inside.sort();
        return inside.iter().try_for_each(|path| add(path, hash));
    }
    hash.update(path.file_name().expect("a file has a name").as_encoded_bytes());
    hash.update(&fs::read(path)?);
    Ok(())
}

/// `--merge`.
pub fn command(cli: &Cli, files: &[PathBuf]) -> ExitCode {
    let whole = match read(files).and_then(|documents| merge(&documents)) {
        Ok(whole) => whole,
        Err(wrong) => {
            eprintln!("NOT VERIFIED, the parts are no whole:\n{}", wrong.join("\n"));
            return ExitCode::FAILURE;
        }
    };
    if let Some(path) = &cli.json
        && let Err(error) = fs::write(path, format!("{whole:#}\n"))
    {
        eprintln!("{}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    let count = |key: &str| whole[key].as_array().map_or(0, Vec::len);
    if whole["verified"] != true {
        let complaints: Vec<&str> =
            whole["complaints"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        println!("NOT VERIFIED: {}", complaints.join("; "));
        return ExitCode::FAILURE;
    }
    println!(
        "verified, in {} parts: {} models pass, {} weakened orderings die, {} deaths are survived",
        files.len(),
        count("models"),
        count("matrix"),
        count("sweep")
    );
    ExitCode::SUCCESS
}

fn read(files: &[PathBuf]) -> Result<Vec<Value>, Vec<String>> {
    let read = |path: &PathBuf| {
        let text = fs::read(path).map_err(|error| error.to_string());
        text.and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()))
            .map_err(|error| vec![format!("{}: {error}", path.display())])
    };
    files.iter().map(read).collect()
}
