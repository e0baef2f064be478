//! The command line of `cargo verify`.

use clap::{Parser, ValueEnum};
use iobring_models::suite::Level;
use std::path::PathBuf;
use weakest::explorer::Memory;
use weakest::shard::Shard;

/// Explores the ring's protocol core, the code that ships, with every engine; weakens every memory ordering in turn; kills
/// threads at every step; and gives a verdict.
#[derive(Debug, Parser)]
#[command(name = "cargo verify", bin_name = "cargo verify", version)]
pub struct Cli {
    /// Smaller bounds and fewer samples: a few minutes on two cores
    #[arg(long, conflicts_with = "full")]
    quick: bool,

    /// Larger bounds and more samples: as long as it takes
    #[arg(long)]
    full: bool,

    /// Only models whose "engine/name" contains this; without the matrix and the sweep
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,

    /// Only models of this engine, and the matrix by it alone; without the sweep
    #[arg(long, value_name = "ENGINE")]
    pub engine: Option<EngineName>,

    /// Only the explorer's models, on this memory; where reads may be stale, with the matrix there: which orderings this memory
    /// needs
    #[arg(long, value_name = "MEMORY", conflicts_with_all = ["fuzz", "explain"])]
    pub memory: Option<MemoryName>,

    /// Only the table of which memory needs which ordering: the matrix by the explorer on RC11, on what hardware does, and on
    /// that without control dependencies
    #[arg(long, conflicts_with_all = ["quick", "full", "filter", "engine", "memory", "fuzz", "explain", "list"])]
    pub memories: bool,

    /// Instead of all that, fuzz for so many seconds, shared by the targets, under AddressSanitizer. Takes nightly and
    /// cargo-fuzz; fails where they are missing
    #[arg(long, value_name = "SECONDS",
          conflicts_with_all = ["quick", "full", "filter", "engine", "list", "explain"])]
    pub fuzz: Option<u64>,

    /// Only the generated programs: all of the level, or those whose line contains this. Without the models, the matrix and
    /// the sweep
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["filter", "engine", "memory", "memories", "fuzz", "explain", "list"])]
    pub programs: Option<Option<String>>,

    /// Seed every fault of models/faults.toml, or those whose name contains this, into a copy of the protocol core, and see
    /// what finds it: what `--quick` runs, and then what the default run does
    #[arg(long, value_name = "NAME",
          conflicts_with_all = ["full", "filter", "engine", "memory", "memories", "programs", "fuzz", "explain", "list", "check",
                                "update", "report"])]
    pub faults: Option<Option<String>>,

    /// What a copy with faults does: end at the first failure, and say so in JSON
    #[arg(long, hide = true)]
    pub seek: bool,

    /// List what would be run, and end
    #[arg(long)]
    pub list: bool,

    /// Tell the story of an ordering: weaken this site and draw what goes wrong
    #[arg(long, value_name = "SITE", conflicts_with_all = ["list", "filter", "engine", "json"])]
    pub explain: Option<String>,

    /// Mutate the logic of these files (all of src, if none is named) with cargo-mutants, and record what became of it
    #[arg(long, value_name = "FILE", num_args = 0..)]
    pub mutants: Option<Vec<String>>,

    /// Only this part, such as 0/4, of the models, the weakened orderings and the sweeps (the generated programs are part 0's), or
    /// with --mutants of the mutants. For several machines: each writes its --json, and --merge puts them together
    #[arg(long, value_name = "K/N",
          conflicts_with_all = ["filter", "engine", "memory", "memories", "programs", "fuzz", "explain", "faults", "check", "update"])]
    pub shard: Option<Shard>,

    /// Merge the JSON of all parts, and give the verdict on the whole; --json writes it. Refuses a set that is not complete, or
    /// whose parts are not of the same source and level
    #[arg(long, value_name = "FILE", num_args = 1..,
          conflicts_with_all = ["shard", "filter", "engine", "memory", "memories", "programs", "fuzz", "explain", "faults", "check", "update",
                                "report", "list", "mutants"])]
    pub merge: Option<Vec<PathBuf>>,

    /// How many mutants are compiled and tested at a time
    #[arg(long, value_name = "N", requires = "mutants", default_value_t = 1)]
    pub jobs: usize,

    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write a report into this folder: a page, the results as JSON, and JUnit XML
    #[arg(long, value_name = "DIR", conflicts_with_all = ["list", "explain"])]
    pub report: Option<PathBuf>,

    /// Fail if the tables in a Markdown file are not what this run found
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "verification.md",
          conflicts_with_all = ["list", "filter", "engine", "memory", "programs", "explain", "update"])]
    pub check: Option<PathBuf>,

    /// Write the tables of this run into the marked places of a Markdown file
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "verification.md",
          conflicts_with_all = ["list", "filter", "engine", "memory", "programs", "explain"])]
    pub update: Option<PathBuf>,
}

/// An engine, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// Every interleaving and stale read, up to a bound of preemptions.
    Loom,
    /// Samples of schedules, judged by happens-before.
    Shuttle,
    /// Every state of release/acquire memory, without a bound.
    Explorer,
}

impl EngineName {
    /// The name that the engine's runs carry.
    pub fn as_str(self) -> &'static str {
        match self {
            EngineName::Loom => "loom",
            EngineName::Shuttle => "shuttle",
            EngineName::Explorer => "explorer",
        }
    }
}

/// The explorer's memory, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MemoryName {
    /// Release/acquire memory: what the orderings promise, and nothing more.
    Rc11,
    /// No read is stale; data races are judged by the orderings.
    Interleaved,
    /// Sequential consistency, whatever the orderings say.
    Sc,
    /// What ARMv8 and RISC-V do on top of rc11: stores performed before reads that come before them.
    Hardware,
    /// The same without dependencies of control.
    HardwareStrict,
}

impl From<MemoryName> for Memory {
    fn from(name: MemoryName) -> Self {
        match name {
            MemoryName::Rc11 => Memory::ReleaseAcquire,
            MemoryName::Interleaved => Memory::Interleaved,
            MemoryName::Sc => Memory::SequentiallyConsistent,
            MemoryName::Hardware => Memory::Hardware,
            MemoryName::HardwareStrict => Memory::HardwareStrict,
        }
    }
}

impl Cli {
    /// How patient the run is to be.
    pub fn level(&self) -> Level {
        match (self.quick, self.full) {
            (true, _) => Level::Quick,
            (_, true) => Level::Full,
            _ => Level::Default,
        }
    }

    /// Whether only part of the models were asked for.
    pub fn is_partial(&self) -> bool {
        self.programs.is_some()
            || self.filter.is_some()
            || self.engine.is_some()
            || self.memory.is_some()
            || self.memories
    }
}
