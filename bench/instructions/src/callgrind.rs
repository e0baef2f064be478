//! Counting by callgrind: this program runs itself under it, twice, and the difference is free of whatever start-up costs.

use std::process::{Command, Stdio};

/// How often a path is run in the shorter of the two runs.
const RUNS: u64 = 1_000;

/// How many instructions one run of a path takes.
pub fn count(path: &str) -> Result<u64, String> {
    let (short, long) = (total(path, RUNS)?, total(path, 2 * RUNS)?);
    Ok(long.saturating_sub(short) / RUNS)
}

fn total(path: &str, runs: u64) -> Result<u64, String> {
    let this = std::env::current_exe().map_err(|error| format!("this program's own file: {error}"))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args(["run", path, &runs.to_string()])
        .stdout(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("valgrind ended with {}: {said}", output.status));
    }
    let collected = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    collected.ok_or_else(|| format!("valgrind told no count: {said}"))
}
