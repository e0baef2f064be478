//! The gallery in parts, for several machines, and the parts put together again.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};
use weakest::shard::{self, Shard};

/// What `--json` writes.
#[derive(Serialize, Deserialize)]
pub struct Document {
    /// Which part it is, as K/N.
    pub shard: String,
    /// The exhibits of all parts together, before any filter of names.
    pub exhibits: Vec<String>,
    /// How many rows should not be as they are.
    pub surprises: usize,
    /// The rows, as the judge has them.
    pub rows: Vec<Value>,
}

impl Document {
    /// Writes it.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).expect("rows are plain data") + "\n";
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// The whole, from the files of all its parts.
///
/// # Errors
/// If a part is missing or there twice, is of another gallery, or lacks an exhibit.
pub fn merge(files: &[PathBuf]) -> Result<Document, String> {
    let read = |path: &PathBuf| -> Result<Document, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    };
    join(files.iter().map(read).collect::<Result<_, _>>()?)
}

fn join(parts: Vec<Document>) -> Result<Document, String> {
    let first = parts.first().ok_or("no parts to merge")?;
    let (exhibits, total) = (first.exhibits.clone(), first.shard.parse::<Shard>()?.parts());
    let mut there = Vec::new();
    for part in &parts {
        let shard: Shard = part.shard.parse()?;
        if shard.parts() != total || part.exhibits != exhibits {
            return Err(format!("part {shard} is not of the same gallery as part {}", first.shard));
        }
        there.push(shard.part());
    }
    let holes = shard::holes(there, total);
    if !holes.is_empty() {
        return Err(holes.join("; "));
    }
    let surprises = parts.iter().map(|part| part.surprises).sum();
    let rows: Vec<Value> = parts.into_iter().flat_map(|part| part.rows).collect();
    let there = |name: &String| rows.iter().any(|row| row["name"] == Value::String(name.clone()));
    match exhibits.iter().find(|name| !there(name)) {
        Some(lost) => Err(format!("no part has the exhibit {lost:?}")),
        None => Ok(Document { shard: Shard::WHOLE.to_string(), exhibits, surprises, rows }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, join};
    use serde_json::json;

    fn part(shard: &str, names: &[&str]) -> Document {
        let rows = names.iter().map(|name| json!({ "name": name })).collect();
        Document { shard: shard.into(), exhibits: vec!["a".into(), "b".into()], surprises: 0, rows }
    }

    #[test]
    fn only_a_complete_set_is_merged() {
        let whole = join(vec![part("1/2", &["b"]), part("0/2", &["a"])]).unwrap();
        assert_eq!((whole.rows.len(), whole.shard.as_str()), (2, "0/1"));
        let refused = |parts| join(parts).err().unwrap();
        assert!(refused(vec![part("0/2", &["a"])]).contains("1/2 is missing"));
        assert!(refused(vec![part("0/2", &["a"]), part("0/2", &["a"])]).contains("twice"));
        assert!(refused(vec![part("0/2", &["a"]), part("1/3", &["b"])]).contains("not of the same"));
        assert!(refused(vec![part("0/2", &["a"]), part("1/2", &[])]).contains("no part has the exhibit \"b\""));
        assert!(refused(vec![]).contains("no parts"));
    }
}
