//! Writes tables into the places of a Markdown file that are marked for them, and reads them back.
//!
//! ```text
//! <!-- table: NAME -->
//! …replaced…
//! <!-- end -->
//! ```

use std::ops::Range;
use std::path::Path;
use std::{fs, io};

/// Replaces what stands in each place that has a table in `tables`, by name.
///
/// # Errors
/// Those of reading and writing, and `InvalidData` for a table that has no place, or a place without an end.
pub fn update(path: &Path, tables: &[(&str, String)]) -> io::Result<()> {
    let mut text = fs::read_to_string(path)?;
    for (name, table) in tables {
        let place = place(&text, name)?;
        text.replace_range(place, &format!("\n{table}\n"));
    }
    fs::write(path, text)
}

/// The rows of the table of this name, without its header.
///
/// # Errors
/// As [`update`].
pub fn read(path: &Path, name: &str) -> io::Result<Vec<Vec<String>>> {
    let text = fs::read_to_string(path)?;
    let rows = text[place(&text, name)?].lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    Ok(rows.skip(2).map(|row| row.split(" | ").map(String::from).collect()).collect())
}

/// Where the table of this name stands.
fn place(text: &str, name: &str) -> io::Result<Range<usize>> {
    let missing = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{what} of table {name} is missing"));
    let begin = format!("<!-- table: {name} -->\n");
    let start = text.find(&begin).ok_or_else(|| missing("the place"))? + begin.len();
    let length = text[start..].find("<!-- end -->").ok_or_else(|| missing("the end"))?;
    Ok(start..start + length)
}
