//! Replays every fuzz target's corpus and its past crashes, on stable Rust and without the fuzzer.

use iobring_fuzz_bodies::{ALL, Target};
use iobring_oracle::machine::Reached;
use iobring_oracle::page::page_size;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files of `fuzz/<kind>/<target>` whose names begin so, in order; none if there is no such directory.
fn inputs(kind: &str, target: &Target, prefix: &str) -> Vec<PathBuf> {
    let directory = Path::new("..").join(kind).join(target.name);
    let files = fs::read_dir(directory).into_iter().flatten().map(|entry| entry.unwrap());
    let ours = files.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    let mut files: Vec<_> = ours.map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn replay(files: &[PathBuf], target: &Target) -> Reached {
    let mut reached = Reached::new();
    for file in files {
        // Captured by the test and shown if this input panics.
        println!("{}", file.display());
        reached.extend((target.run)(&fs::read(file).unwrap()));
    }
    reached
}

/// In the rings for which the seeds were made: a page more or less, and an input ends elsewhere.
const PAGE: usize = 4096;

/// The seeds, which are in the repository; what the fuzzer has found beside them comes and goes while it runs.
#[test]
fn each_corpus_passes_and_reaches_what_its_target_is_for() {
    for target in ALL {
        let reached = replay(&inputs("corpus", target, "seed-"), target);
        if page_size() != PAGE {
            println!("NOT RUN: what the seeds of {} reach, which were made for pages of {PAGE} bytes", target.name);
            continue;
        }
        for promised in target.reaches {
            assert!(reached.contains(promised), "the corpus of {} does not reach {promised:?}", target.name);
        }
    }
}

#[test]
fn past_crashes_stay_fixed() {
    for target in ALL {
        replay(&inputs("regressions", target, ""), target);
    }
}

/// Every fuzz target has a body here, and every body a fuzz target.
#[cfg(feature = "models")]
#[test]
fn targets_and_bodies_belong_together() {
    let files = fs::read_dir("../fuzz_targets").unwrap().map(|entry| entry.unwrap().path());
    let mut in_fuzz: Vec<String> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    in_fuzz.sort();
    let mut here: Vec<_> = ALL.iter().map(|target| target.name).collect();
    here.sort();
    assert_eq!(in_fuzz, here);
}

/// The checks that `fuzz/breaks.sh` takes away are still where its patches look for them.
#[test]
fn the_breaks_apply() {
    let patches = fs::read_dir("../breaks").unwrap().map(|entry| entry.unwrap().path().canonicalize().unwrap());
    for patch in patches {
        let mut git = Command::new("git");
        let output = git.args(["apply", "--check"]).arg(&patch).current_dir("../..").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// An input that does not decode is no error: the fuzzer makes many.
#[test]
fn short_inputs_are_taken() {
    for target in ALL {
        for len in 0..40 {
            (target.run)(&vec![0xff; len]);
            (target.run)(&vec![0; len]);
        }
    }
}
