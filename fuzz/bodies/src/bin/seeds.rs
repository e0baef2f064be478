//! Writes the seed corpora of the fuzz targets: `cargo run -p iobring-fuzz-bodies --bin seeds -- fuzz/corpus`.
//!
//! Inputs are drawn at random, always the same ones; those that reach something no earlier one reached are kept. So the
//! corpora are small, reach all that the targets promise, and can be made again when the format of the inputs changes.

use iobring_fuzz_bodies::{ALL, Target};
use iobring_oracle::machine::Reached;
use std::path::Path;
use std::{fs, io};

/// How many inputs to draw for a target before giving up.
const DRAWS: u64 = 200_000;

fn main() -> io::Result<()> {
    let corpora = std::env::args_os().nth(1).unwrap_or_else(|| {
        eprintln!("usage: seeds DIRECTORY [TARGET]");
        std::process::exit(2)
    });
    let only = std::env::args().nth(2);
    for target in ALL.iter().filter(|target| only.as_deref().is_none_or(|only| only == target.name)) {
        let directory = Path::new(&corpora).join(target.name);
        fs::create_dir_all(&directory)?;
        for (number, seed) in seeds(target).iter().enumerate() {
            fs::write(directory.join(format!("seed-{number:02}")), seed)?;
        }
        println!("{}: {} files", directory.display(), fs::read_dir(&directory)?.count());
    }
    Ok(())
}

/// Inputs that together reach everything the target promises.
fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let mut reached = Reached::new();
    let mut random = Random(1);
    for _ in 0..DRAWS {
        if target.reaches.iter().all(|promised| reached.contains(promised)) {
            return seeds;
        }
        let input: Vec<u8> = (0..64 + random.next() % 192).map(|_| random.next() as u8).collect();
        let by_this = (target.run)(&input);
        if !by_this.is_subset(&reached) {
            reached.extend(by_this);
            seeds.push(input);
        }
    }
    panic!("{}: after {DRAWS} inputs nothing reached {:?}", target.name, missing(target, &reached));
}

fn missing(target: &Target, reached: &Reached) -> Vec<&'static str> {
    target.reaches.iter().copied().filter(|promised| !reached.contains(promised)).collect()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
