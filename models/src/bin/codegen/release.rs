//! The library's release build, in assembly with the line numbers of everything that was inlined.
//!
//! An instruction is a site's if its chain of inlined calls leads from the facade to a call that names the site.

use crate::source::{Sources, root};
use crate::{Listing, Target, mapping};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The instructions of each site, one sequence for each distinct place it was inlined to; or why there are none.
pub fn listing(target: &Target) -> Result<Listing, String> {
    let installed = Command::new("rustc").args(["--print", "target-libdir", "--target", target.triple]).output();
    let folder = installed.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    if !folder.is_ok_and(|folder| !folder.is_empty() && Path::new(&folder).is_dir()) {
        return Err(format!("rustup target add {}", target.triple));
    }
    Ok(sequences(&compile(target)))
}

fn compile(target: &Target) -> String {
    let folder = root().join("target/codegen").join(target.features.replace(['+', '-', ','], "_"));
    let built = folder.join(target.triple).join("release/deps");
    // What is old goes, and with it cargo's note that nothing has changed since.
    for old in ours(&built, ".s").into_iter().chain(ours(&built.with_file_name(".fingerprint"), "")) {
        if old.is_dir() { fs::remove_dir_all(old) } else { fs::remove_file(old) }
            .expect("the target folder can be written");
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["rustc", "--quiet", "--release", "--locked", "--lib", "--package", "iobring", "--target", target.triple])
        .arg("--target-dir")
        .arg(&folder)
        // One unit: else what is inlined where depends on how many there are.
        .args(["--", "--emit", "asm", "-C", "codegen-units=1", "-C", "debuginfo=line-tables-only", "-Z", "verbose-asm"])
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            if target.features.is_empty() { String::new() } else { format!("-Ctarget-feature={}", target.features) },
        )
        // The comments are an unstable option; it changes no instruction.
        .env("RUSTC_BOOTSTRAP", "iobring")
        .current_dir(root())
        .status();
    assert!(status.expect("cargo starts").success(), "the library compiles for {}", target.triple);
    let files = ours(&built, ".s");
    assert!(files.len() == 1, "one listing in {}, not {}", built.display(), files.len());
    fs::read_to_string(&files[0]).expect("the listing can be read")
}

/// What a folder has of this library, with names that end so.
fn ours(folder: &Path, end: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_ours = |name: &str| name.starts_with("iobring-") && name.ends_with(end);
    files.filter(|file| file.file_name().to_str().is_some_and(is_ours)).map(|file| file.path()).collect()
}

fn sequences(assembly: &str) -> Listing {
    let mut sources = Sources::default();
    let mut instances = BTreeMap::<(String, String), (&'static str, Vec<String>)>::new();
    let (mut function, mut chain) = (String::new(), None);
    for line in assembly.lines() {
        if let Some(place) = line.trim_start().strip_prefix(".loc") {
            chain =
                place.split_once('#').or(place.split_once("//")).and_then(|(_, places)| resolve(places, &mut sources));
        } else if let Some(label) =
            line.strip_suffix(':').filter(|label| label.starts_with("_R") || label.starts_with("_Z"))
        {
            function = label.into();
        } else if let (Some((site, place)), Some(instruction)) = (&chain, mapping::instruction(line)) {
            let entry = instances.entry((function.clone(), place.clone())).or_insert((site, Vec::new()));
            entry.1.push(instruction);
        }
    }
    let mut listing = Listing::new();
    for (site, sequence) in instances.into_values() {
        listing.entry(site).or_default().insert(sequence);
    }
    listing
}

/// The site of a chain of inlined calls, `FILE:LINE:COLUMN @[ … ]` from the innermost, and the chain from there on.
fn resolve(places: &str, sources: &mut Sources) -> Option<(&'static str, String)> {
    let frames: Vec<_> = places.split("@[").map(|frame| frame.trim_matches([' ', ']'])).collect();
    frames.iter().enumerate().skip(1).filter(|(index, _)| frames[index - 1].contains("weakest/facade/")).find_map(
        |(index, frame)| {
            let mut parts = frame.rsplitn(3, ':');
            let (column, line, file) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
            Some((sources.site(file, line, column)?, frames[index..].join(" ")))
        },
    )
}
