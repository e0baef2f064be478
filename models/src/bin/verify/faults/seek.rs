//! What a process with a fault does: it runs what a level runs, until something fails.

use iobring_models::programs::choose;
use iobring_models::programs::run::{self, Plan};
use iobring_models::suite::{self, Level};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use weakest::draw::words::sentence;
use weakest::run::{Changes, Run, Verdict};

/// What was found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Found {
    pub found_by: Option<String>,
    pub level: String,
    pub programs: u64,
    pub seconds: f64,
    pub says: Option<String>,
}

/// A process that says nothing for so long hangs: no state comes after the last.
const PATIENCE: Duration = Duration::from_secs(600);

/// Runs the levels up to this one, quick ones first, and prints what was found.
pub fn seek(level: Level) -> ExitCode {
    let begun = Instant::now();
    let mut found = Found::default();
    for (at, name) in [(Level::Quick, "quick"), (Level::Default, "default")] {
        if at <= level && found.found_by.is_none() {
            found.level = name.into();
            look(at, &mut found);
        }
    }
    found.seconds = begun.elapsed().as_secs_f64();
    println!("{}", serde_json::to_string(&found).expect("plain data"));
    ExitCode::SUCCESS
}

/// The generated programs, and then the models, those of the explorer first.
fn look(level: Level, found: &mut Found) {
    let plan = Plan { workers: 1, first: true, most: choose::most_states(level), ..Plan::default() };
    let outcome = run::run(&choose::shapes(level), &plan);
    found.programs += outcome.programs();
    if let Some(run) = outcome.failures.first() {
        return tell(run, found);
    }
    let mut models = suite::models(level);
    models.sort_by_key(|entry| ["explorer", "loom", "shuttle"].iter().position(|name| *name == entry.engine.name()));
    for model in models {
        let run = model.run(Changes::default());
        if !run.verdict.passed() {
            return tell(&run, found);
        }
    }
}

fn tell(run: &Run, found: &mut Found) {
    found.found_by = Some(format!("{}/{}", run.engine, run.scenario));
    found.says = Some(match &run.verdict {
        Verdict::Fail(trace) => sentence(trace),
        other => other.to_string(),
    });
}

/// Has a process seek with this fault in force.
pub fn run(program: &Path, fault: Option<usize>, level: Level, stop: &AtomicBool) -> Result<Found, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", program.display());
    let mut command = Command::new(program);
    command.arg("--seek").stdout(Stdio::piped()).stderr(Stdio::null());
    if level == Level::Quick || fault.is_none() {
        command.arg("--quick");
    }
    if let Some(number) = fault {
        command.env("IOBRING_FAULT", number.to_string());
    }
    let begun = Instant::now();
    let mut child = command.spawn().map_err(|error| failed(&error))?;
    while child.try_wait().map_err(|error| failed(&error))?.is_none() {
        if stop.load(Ordering::Relaxed) || begun.elapsed() > PATIENCE {
            // It is our own child, and nothing is lost with it.
            let _ = child.kill();
            let _ = child.wait();
            return match stop.load(Ordering::Relaxed) {
                true => Err("stopped by hand".into()),
                false => Ok(Found { seconds: begun.elapsed().as_secs_f64(), ..Found::default() }),
            };
        }
        thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().map_err(|error| failed(&error))?;
    let line = String::from_utf8_lossy(&output.stdout);
    match serde_json::from_str(&line) {
        Ok(found) => Ok(found),
        // A fault may end the process, which nobody would overlook.
        Err(_) if fault.is_some() => {
            let says = Some(format!("ends with {}", output.status));
            let seconds = begun.elapsed().as_secs_f64();
            Ok(Found { found_by: Some("the process itself".into()), level: "quick".into(), seconds, says, programs: 0 })
        }
        Err(error) => Err(failed(&error)),
    }
}
