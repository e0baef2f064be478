//! Writes tables into the places of a Markdown file that are marked for them.
//!
//! ```text
//! <!-- table: NAME -->
//! …replaced…
//! <!-- end -->
//! ```

use std::path::Path;
use std::{fs, io};

/// Replaces what stands in each place that has a table in `tables`, by name.
///
/// # Errors
/// Those of reading and writing, and `InvalidData` for a table that has no place, or a place without an end.
pub fn update(path: &Path, tables: &[(&str, String)]) -> io::Result<()> {
    let mut text = fs::read_to_string(path)?;
    for (name, table) in tables {
        let begin = format!("<!-- table: {name} -->\n");
        let missing =
            |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{what} of table {name} is missing"));
        let start = text.find(&begin).ok_or_else(|| missing("the place"))? + begin.len();
        let length = text[start..].find("<!-- end -->").ok_or_else(|| missing("the end"))?;
        text.replace_range(start..start + length, &format!("\n{table}\n"));
    }
    fs::write(path, text)
}
