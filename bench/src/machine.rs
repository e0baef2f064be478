//! What was measured, and where.

use rustix::system::{sysinfo, uname};
use serde_json::{Value, json};

/// The CPU's name.
pub fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "unknown".into(), |(_, name)| name.trim().into())
}

/// The kernel's release.
pub fn kernel() -> String {
    let name = uname();
    format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy())
}

/// The load averages of the last 1 and 5 minutes, this program included.
fn load() -> [f64; 2] {
    let loads = sysinfo().loads;
    [loads[0], loads[1]].map(|load| load as f64 / 65_536.0)
}

/// The version of a crate that this program was built with.
pub fn version(name: &str) -> Option<&'static str> {
    let lock = include_str!("../Cargo.lock");
    let package = lock.split("[[package]]").find(|package| package.contains(&format!("name = \"{name}\"\n")))?;
    package.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
}

/// All of it, for JSON.
pub fn describe() -> Value {
    json!({
        "cpu": cpu(),
        "cores": crate::cores::count(),
        "kernel": kernel(),
        "load": load(),
    })
}
