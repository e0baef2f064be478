//! The recorded counts, and the judgement on new ones.

use core::fmt;
use std::collections::BTreeMap;
use std::process::Command;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt");

/// How a count compares with the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// More than a tenth above it.
    Grown { recorded: u64 },
    /// Not above it by more than that.
    Fine { recorded: u64 },
    /// Nothing is recorded for the path.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Grown { recorded } => write!(f, "GREW by more than a tenth, from {recorded}"),
            Verdict::Fine { recorded } => write!(f, "recorded {recorded}"),
            Verdict::Unknown => write!(f, "NOT RECORDED: run with --record and commit counts.txt"),
        }
    }
}

/// Compares.
pub fn judge(counted: u64, recorded: Option<u64>) -> Verdict {
    match recorded {
        None => Verdict::Unknown,
        Some(recorded) if 10 * counted > 11 * recorded => Verdict::Grown { recorded },
        Some(recorded) => Verdict::Fine { recorded },
    }
}

/// The recorded counts, by path.
///
/// # Errors
/// If there are none of this compiler: another one's code takes other instructions to do the same.
pub fn read() -> Result<BTreeMap<String, u64>, String> {
    let text = std::fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
    let (recorded, text) = text.split_once('\n').unwrap_or_default();
    let compiler = compiler()?;
    if recorded != compiler {
        return Err(format!("{FILE} is of {recorded}, and this is {compiler}"));
    }
    let line = |line: &str| -> Option<(String, u64)> {
        let (name, count) = line.rsplit_once('\t')?;
        Some((name.to_owned(), count.parse().ok()?))
    };
    text.lines().map(|text| line(text).ok_or_else(|| format!("{FILE}: not a count: {text}"))).collect()
}

/// Records counts.
pub fn write(counts: &[(&str, u64)]) -> Result<(), String> {
    let header = compiler()? + "\n";
    let text: String =
        core::iter::once(header).chain(counts.iter().map(|(name, count)| format!("{name}\t{count}\n"))).collect();
    std::fs::write(FILE, text).map_err(|error| format!("{FILE}: {error}"))
}

/// The compiler's name and version, in a line.
fn compiler() -> Result<String, String> {
    let output = Command::new("rustc").arg("--version").output().map_err(|error| format!("rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_tenth_is_growth() {
        assert_eq!(judge(110, Some(100)), Verdict::Fine { recorded: 100 });
        assert_eq!(judge(111, Some(100)), Verdict::Grown { recorded: 100 });
        assert_eq!(judge(1, Some(100)), Verdict::Fine { recorded: 100 });
        assert_eq!(judge(1, None), Verdict::Unknown);
    }
}
