//! herd7, which judges litmus tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use weakest::litmus::Dialect;

/// How many seconds one test may take; what takes longer is not judged.
const PATIENCE: &str = "60";

pub struct Herd {
    command: PathBuf,
    libdir: Option<PathBuf>,
    kernel: Option<PathBuf>,
    version: String,
}

impl Herd {
    /// The herd7 of this command, or why there is none.
    pub fn find(command: &Path, libdir: Option<&Path>, kernel: Option<&Path>) -> Result<Self, String> {
        let output = Command::new(command).arg("-version").output();
        let output = output.map_err(|error| format!("{}: {error}", command.display()))?;
        let version = String::from_utf8_lossy(&output.stdout).split(',').next().unwrap_or_default().trim().to_string();
        let (libdir, kernel) = (libdir.map(Path::to_path_buf), kernel.map(Path::to_path_buf));
        Ok(Herd { command: command.into(), libdir, kernel, version })
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether the test's outcome is seen; nothing if it was not judged.
    pub fn judge(&self, path: &Path, dialect: Dialect) -> Result<Option<bool>, String> {
        let mut herd = Command::new("timeout");
        herd.arg(PATIENCE).arg(&self.command);
        match (dialect, &self.kernel) {
            (Dialect::Lkmm, None) => return Ok(None),
            (Dialect::Lkmm, Some(kernel)) => {
                herd.arg("-I").arg(kernel).args(["-conf", "linux-kernel.cfg"]);
            }
            _ => {}
        }
        if let Some(libdir) = &self.libdir {
            herd.arg("-set-libdir").arg(libdir);
        }
        let output = herd.args(["-model", dialect.model()]).arg(path).output();
        let output = output.map_err(|error| format!("{}: {error}", self.command.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        if output.status.code() == Some(124) {
            return Ok(None);
        }
        let observation = text.lines().find(|line| line.starts_with("Observation"));
        match observation.and_then(|line| line.split_whitespace().nth(2)) {
            Some("Never") => Ok(Some(false)),
            Some("Sometimes" | "Always") => Ok(Some(true)),
            _ => Err(format!("{}: {text}{}", path.display(), String::from_utf8_lossy(&output.stderr))),
        }
    }
}
