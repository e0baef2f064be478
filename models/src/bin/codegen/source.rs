//! The protocol's sources: which site a call names.

use iobring::protocol::sites;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the whole project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the models are one folder in").into()
}

/// Which files of the library use each site.
pub fn uses() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut uses = BTreeMap::<_, BTreeSet<_>>::new();
    let folder = root().join("src/protocol");
    for entry in fs::read_dir(&folder).expect("the protocol's sources are here").flatten() {
        let text = fs::read_to_string(entry.path()).expect("a source is text");
        for site in sites::ALL.iter().filter(|site| names(&text).any(|name| name == site.name)) {
            uses.entry(site.name).or_default().insert(format!("src/protocol/{}", entry.file_name().to_string_lossy()));
        }
    }
    uses
}

/// What is borrowed in a piece of source, in order: `load(&SITE)` names a site.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('&').skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_uppercase() && c != '_').next().unwrap_or(""))
}

/// The project's sources as they are asked for.
#[derive(Default)]
pub struct Sources(BTreeMap<String, Option<String>>);

impl Sources {
    /// The site that the call at a place of a file names, if it names one. Lines and columns count from one.
    pub fn site(&mut self, file: &str, line: usize, column: usize) -> Option<&'static str> {
        let read = || fs::read_to_string(root().join(file)).ok();
        let text = self.0.entry(file.into()).or_insert_with(read).as_ref()?;
        let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
        let call = text.get(start + column.checked_sub(1)?..)?;
        let (open, mut depth) = (call.find('(')?, 0);
        let close = call[open..].find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        })?;
        let name = names(&call[open..open + close]).next()?;
        sites::ALL.iter().find(|site| site.name == name).map(|site| site.name)
    }
}
