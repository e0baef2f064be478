//! Faults as text: where each goes, and a source that has them all behind switches.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use weakest::seed::{self, Patch};

/// A fault, as `models/faults.toml` has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub name: String,
    /// A file of `src/protocol`.
    pub file: String,
    /// Where to begin to look.
    pub after: Option<String>,
    pub old: String,
    pub new: String,
    pub harm: String,
}

impl Fault {
    fn patch(&self) -> Patch<'_> {
        Patch { name: &self.name, after: self.after.as_deref(), old: &self.old, new: &self.new }
    }
}

#[derive(Deserialize)]
struct File {
    fault: Vec<Fault>,
}

const FAULTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/faults.toml"));
/// The project.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// All faults.
pub fn read() -> Result<Vec<Fault>, String> {
    parse(FAULTS)
}

fn parse(text: &str) -> Result<Vec<Fault>, String> {
    let File { fault: faults } = toml::from_str(text).map_err(|error| format!("models/faults.toml: {error}"))?;
    let names: BTreeSet<&str> = faults.iter().map(|fault| fault.name.as_str()).collect();
    match names.len() == faults.len() {
        true => Ok(faults),
        false => Err("models/faults.toml: two faults have the same name".into()),
    }
}

/// The files that have faults, with all of them spliced in.
pub fn splice_all(faults: &[Fault]) -> Result<BTreeMap<String, String>, String> {
    let files: BTreeSet<&str> = faults.iter().map(|fault| fault.file.as_str()).collect();
    let spliced = files.into_iter().map(|file| {
        let path = Path::new(ROOT).join("src/protocol").join(file);
        let source = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((file.to_string(), splice(file, &source, faults)?))
    });
    spliced.collect()
}

/// `source` with the faults of `file` behind switches.
fn splice(file: &str, source: &str, faults: &[Fault]) -> Result<String, String> {
    let (numbers, patches): (Vec<usize>, Vec<Patch<'_>>) = faults
        .iter()
        .enumerate()
        .filter(|(_, fault)| fault.file == file)
        .map(|(number, fault)| (number, fault.patch()))
        .unzip();
    let switch = |index: usize| format!("crate::seeded({})", numbers[index]);
    seed::splice(source, &patches, switch).map_err(|error| format!("fault {error}, in src/protocol/{file}"))
}

#[cfg(test)]
mod tests {
    use super::{Fault, parse, read, splice, splice_all};

    fn fault(name: &str, old: &str, new: &str) -> Fault {
        let [name, old, new] = [name, old, new].map(String::from);
        Fault { name, file: "a.rs".into(), after: None, old, new, harm: String::new() }
    }

    #[test]
    fn every_fault_has_its_place() {
        let faults = read().unwrap();
        assert!(faults.len() >= 60, "{} faults", faults.len());
        splice_all(&faults).unwrap();
    }

    #[test]
    fn one_behind_another_and_one_in_another() {
        let faults = [fault("a", "x + 1", "x + 2"), fault("b", "f(x + 1);", ""), fault("c", "x + 1", "x")];
        assert_eq!(
            splice("a.rs", "{ f(x + 1); }", &faults).unwrap(),
            "{ if crate::seeded(1) {  } else { f((if crate::seeded(0) { x + 2 } else if crate::seeded(2) { x } else { x + 1 })); } }"
        );
    }

    #[test]
    fn a_stale_fault_is_an_error() {
        let stale = |source, faults: &[Fault]| splice("a.rs", source, faults).unwrap_err();
        assert!(stale("f(y);", &[fault("a", "f(x);", "")]).contains("fault a is stale"));
        assert!(stale("f(x); f(x);", &[fault("a", "f(x);", "")]).contains("twice"));
        assert!(stale("f(x);", &[fault("a", "f(x", "g(x"), fault("b", "x);", "y);")]).contains("in part"));
        let after = Fault { after: Some("fn g".into()), ..fault("a", "f(x);", "") };
        assert!(stale("f(x);", &[after]).contains("`after` is not there"));
        assert!(parse("[[fault]]\nname = \"a\"").is_err());
    }
}
