//! herd7, which judges litmus tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
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

    /// Whether the outcome of each test is seen, in their order, on so many threads; nothing where one was not judged.
    pub fn judge_all(&self, tests: &[(PathBuf, Dialect)], workers: usize) -> Result<Vec<Option<bool>>, String> {
        let next = AtomicUsize::new(0);
        let verdicts = Mutex::new(vec![Ok(None); tests.len()]);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some((at, (path, dialect))) = {
                        let at = next.fetch_add(1, Relaxed);
                        tests.get(at).map(|test| (at, test))
                    } {
                        let verdict = self.judge(path, *dialect);
                        verdicts.lock().expect("nobody panics with it")[at] = verdict;
                    }
                });
            }
        });
        verdicts.into_inner().expect("nobody panics with it").into_iter().collect()
    }

    /// Whether the test's outcome is seen; nothing if it was not judged.
    fn judge(&self, path: &Path, dialect: Dialect) -> Result<Option<bool>, String> {
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
