//! `--variants`: bugs that nobody has published, seeded into a copy of the exhibits, and whether their scenarios notice.
//!
//! All variants of `variants.toml` are spliced into one copy of this package, under `target/variants`, which is built once. Each is
//! then in force in a process of its own that runs the exhibit it was seeded into, which is known to be good: it must fail.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use weakest::seed::{self, Patch};

/// One of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    name: String,
    /// A file of `src/exhibits`.
    file: String,
    /// The exhibit that must fail.
    exhibit: String,
    /// Where to begin to look.
    after: Option<String>,
    old: String,
    new: String,
}

#[derive(Deserialize)]
struct File {
    variant: Vec<Variant>,
}

/// What the copy says of one exhibit.
#[derive(Deserialize)]
struct Document {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    verdict: String,
    states: u64,
}

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const LIST: &str = include_str!("../variants.toml");
/// The variable that names the variant in force.
const IN_FORCE: &str = "GALLERY_VARIANT";

/// Runs those whose name or exhibit contains `filter`.
pub fn command(filter: Option<&str>) -> ExitCode {
    match run(filter) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all are found.
fn run(filter: Option<&str>) -> Result<bool, String> {
    let variants = read()?;
    let wanted = |text: &str| filter.is_none_or(|filter| text.contains(filter));
    let chosen: Vec<&Variant> = variants.iter().filter(|one| wanted(&one.name) || wanted(&one.exhibit)).collect();
    if chosen.is_empty() {
        return Err(format!("no variant's name or exhibit contains {:?}", filter.unwrap_or_default()));
    }
    let copy = Path::new(ROOT).join("../../target/variants");
    let gallery = build(&copy, &variants)?;
    let mut missed = Vec::new();
    for variant in &chosen {
        // With none in force the exhibit passes: else its failure says nothing.
        let sound = ask(&gallery, &copy, variant, "")?;
        if sound.verdict != "pass" {
            return Err(format!("{}: {} with no variant in force", variant.exhibit, sound.verdict));
        }
        let row = ask(&gallery, &copy, variant, &variant.name)?;
        println!("{}: {}: {}, {} states", variant.exhibit, variant.name, row.verdict, row.states);
        if !row.verdict.starts_with("fail") {
            missed.push(variant.name.as_str());
        }
    }
    println!("\n{} variants, {} found", chosen.len(), chosen.len() - missed.len());
    if !missed.is_empty() {
        println!("NOT FOUND: {}", missed.join("; "));
    }
    Ok(missed.is_empty())
}

fn read() -> Result<Vec<Variant>, String> {
    let File { variant: variants } = toml::from_str(LIST).map_err(|error| format!("variants.toml: {error}"))?;
    match variants.iter().map(|one| &one.name).collect::<std::collections::BTreeSet<_>>().len() == variants.len() {
        true => Ok(variants),
        false => Err("variants.toml: two variants have the same name".into()),
    }
}

/// The copy's gallery, built.
fn build(copy: &Path, variants: &[Variant]) -> Result<PathBuf, String> {
    let at = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let exhibits = copy.join("src/exhibits");
    std::fs::create_dir_all(&exhibits).map_err(|error| at(&exhibits, error))?;
    let root = std::fs::canonicalize(Path::new(ROOT).join("../..")).map_err(|error| at(Path::new(ROOT), error))?;
    let spliced = splice_all(variants)?;
    let source = Path::new(ROOT).join("src");
    for name in ["lib.rs", "main.rs", "judge.rs", "exhibits.rs", "variants.rs", "shards.rs"] {
        let text = std::fs::read_to_string(source.join(name)).map_err(|error| at(&source.join(name), error))?;
        let text = if name == "lib.rs" { format!("#![allow(warnings)]\n{text}{SEEDED}") } else { text };
        std::fs::write(copy.join("src").join(name), text).map_err(|error| at(copy, error))?;
    }
    for (name, text) in spliced {
        std::fs::write(exhibits.join(name), text).map_err(|error| at(&exhibits, error))?;
    }
    let manifest =
        std::fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).map_err(|error| at(Path::new(ROOT), error))?;
    // A workspace of its own, with what it would inherit spelled out.
    let harness = format!("weakest = {{ path = {:?}, features = [\"loom\", \"shuttle\"] }}", root.join("weakest"));
    let manifest: String = (manifest.lines())
        .map(|line| match line {
            "version.workspace = true" => "version = \"0.0.0\"",
            "edition.workspace = true" => "edition = \"2024\"",
            "rust-version.workspace = true" | "license.workspace = true" | "[lints]" | "workspace = true" => "",
            "weakest.workspace = true" => &harness,
            "name = \"gallery\"" => "name = \"gallery-variants\"",
            other => other,
        })
        .flat_map(|line| [line, "\n"])
        .chain(["\n[workspace]\n"])
        .collect();
    std::fs::write(copy.join("Cargo.toml"), manifest).map_err(|error| at(copy, error))?;
    std::fs::write(copy.join("variants.toml"), LIST).map_err(|error| at(copy, error))?;
    std::fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock")).map_err(|error| at(copy, error))?;
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--quiet", "--bin", "gallery-variants"])
        .arg("--manifest-path")
        .arg(copy.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(root.join("target"))
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    match built.success() {
        true => Ok(root.join("target/release/gallery-variants")),
        false => Err("the copy with variants does not build".into()),
    }
}

/// Whether a variant is in force: the only thing that is added to the copy, beside the variants.
const SEEDED: &str = r#"
/// Whether the variant of this name is in force.
pub(crate) fn seeded(name: &str) -> bool {
    static NAME: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| std::env::var("GALLERY_VARIANT").unwrap_or_default());
    *NAME == name
}
"#;

/// The row of the variant's exhibit, with the variant of this name in force.
fn ask(gallery: &Path, copy: &Path, variant: &Variant, in_force: &str) -> Result<Row, String> {
    let json = copy.join("rows.json");
    let run = Command::new(gallery)
        .args(["--explorer", "--filter", &variant.exhibit, "--json"])
        .arg(&json)
        .env(IN_FORCE, in_force)
        .output()
        .map_err(|error| format!("{}: {error}", gallery.display()))?;
    let text = std::fs::read_to_string(&json).map_err(|error| format!("{}: {error}", json.display()))?;
    let _ = std::fs::remove_file(&json);
    let document: Document = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", json.display()))?;
    let row = document.rows.into_iter().find(|row| row.name == variant.exhibit);
    row.ok_or_else(|| format!("there is no exhibit {:?}: {}", variant.exhibit, String::from_utf8_lossy(&run.stderr)))
}

/// Every file of exhibits, with its variants behind switches.
fn splice_all(variants: &[Variant]) -> Result<BTreeMap<String, String>, String> {
    let folder = Path::new(ROOT).join("src/exhibits");
    let files = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut all = BTreeMap::new();
    for file in files {
        let path = file.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let source = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        all.insert(name.clone(), splice(&name, &source, variants)?);
    }
    match variants.iter().find(|one| !all.contains_key(&one.file)) {
        Some(lost) => Err(format!("{}: there is no file {}", lost.name, lost.file)),
        None => Ok(all),
    }
}

fn splice(file: &str, source: &str, variants: &[Variant]) -> Result<String, String> {
    let here: Vec<&Variant> = variants.iter().filter(|one| one.file == file).collect();
    let patches: Vec<Patch<'_>> = here
        .iter()
        .map(|one| Patch { name: &one.name, after: one.after.as_deref(), old: &one.old, new: &one.new })
        .collect();
    let switch = |number: usize| format!("crate::seeded({:?})", here[number].name);
    seed::splice(source, &patches, switch).map_err(|error| format!("{error}, in {file}"))
}

#[cfg(test)]
mod tests {
    use super::{Variant, read, splice, splice_all};

    #[test]
    fn every_variant_has_its_place() {
        let variants = read().unwrap();
        assert!(variants.len() >= 15, "{} variants", variants.len());
        splice_all(&variants).unwrap();
    }

    #[test]
    fn a_stale_variant_is_an_error() {
        let [name, file, exhibit, old, new] = ["v", "a.rs", "e", "x + 1", "x"].map(String::from);
        let variant = [Variant { name, file, exhibit, after: None, old, new }];
        assert_eq!(splice("a.rs", "f(x + 1)", &variant).unwrap(), r#"f((if crate::seeded("v") { x } else { x + 1 }))"#);
        assert!(splice("a.rs", "f(x)", &variant).unwrap_err().contains("stale"));
        assert!(splice("a.rs", "f(x + 1, x + 1)", &variant).unwrap_err().contains("twice"));
    }
}
