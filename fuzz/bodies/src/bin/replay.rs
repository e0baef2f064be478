//! Runs inputs of a fuzz target without the fuzzer, and says what they have reached:
//! `cargo run -p iobring-fuzz-bodies --bin replay -- hostile fuzz/corpus/hostile`.

use iobring_fuzz_bodies::ALL;
use iobring_oracle::machine::Reached;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1);
    let name = arguments.next();
    let Some(target) = ALL.iter().find(|target| name.as_ref().is_some_and(|name| name == target.name)) else {
        let names: Vec<_> = ALL.iter().map(|target| target.name).collect();
        eprintln!("usage: replay TARGET FILE-OR-DIRECTORY…\nThe targets are {}.", names.join(", "));
        std::process::exit(2)
    };
    let mut reached = Reached::new();
    let mut count = 0;
    for argument in arguments {
        for input in inputs(Path::new(&argument))? {
            reached.extend((target.run)(&fs::read(input)?));
            count += 1;
        }
    }
    let reached: Vec<_> = reached.into_iter().collect();
    println!("{count} inputs reach {}", reached.join(", "));
    Ok(())
}

/// A file, or those of a directory in order.
fn inputs(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.into()]);
    }
    let mut files = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}
