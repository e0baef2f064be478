//! Campaigns: writers in many processes over all transports, mistreated at random for a given time, every record checked.
//!
//! ```text
//! cargo run --release -p iobring-campaigns -- kill --seconds 60 --seed 7
//! cargo run --release -p iobring-campaigns -- kill --seconds 60 --transport kernel
//! ```
//!
//! | campaign | what happens to the writers |
//! |---|---|
//! | `kill` | SIGKILL at random instants, and another in its place |
//! | `fork` | their processes fork, and the owner's too, while a timer interrupts them |
//! | `stall` | SIGSTOP and SIGCONT at random |
//! | `flood` | greedy and hostile ones beside honest ones |
//! | `collect` | services that log through the layer: SIGKILL at random, and the collector is restarted in between |
//! | `hostile` | clients of a collector that babble, crowd, never read and flood, beside honest ones |
//! | `handover` | they are handed over, write once, and are dropped, one after the other: nothing grows |
//! | `soak` | nothing bad: they pause, end and begin at random, and the reader's waits are cancelled; for long |
//!
//! | module | holds |
//! |---|---|
//! | `campaign` | what they have in common: the ring, its workers, the reading, the figures |
//! | `kill`, `fork`, `stall`, `flood`, `handover`, `soak` | the mistreatment |
//! | `message` | messages that tell on whoever damages them |
//! | `receipts` | what a writer knows it was granted, in memory that survives it |
//! | `verifier` | whether each record is what it must be |
//! | `worker` | the writer's process |

mod campaign;
mod collect;
mod flood;
mod fork;
mod handover;
mod hostile;
mod kill;
mod message;
mod receipts;
mod soak;
mod stall;
mod verifier;
mod worker;

use campaign::Transport;
use clap::{Args, Parser, Subcommand, ValueEnum};
use iobring::{Reader, RingBuffer};
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Mistreats writers in many processes and checks every record they wrote")]
struct Command {
    #[command(subcommand)]
    campaign: Campaign,
}

#[derive(Subcommand)]
enum Campaign {
    /// Kill writers at random instants and start others in their place.
    Kill(Options),
    /// Fork writers and the owner at random, while a timer interrupts the writers.
    Fork(Options),
    /// Stop and continue writers at random.
    Stall(Options),
    /// Greedy and hostile writers beside honest ones.
    Flood(Options),
    /// Hand a writer over, have it write once and drop it, again and again: descriptors and memory stay flat.
    Handover(Options),
    /// Nothing bad, for long: random sizes, pauses and cancelled waits, all transports; accounts add up, memory stays flat.
    Soak(Options),
    /// Kill services that log through the layer, restart their collector, and look for every event.
    Collect(collect::Options),
    /// Hostile clients of a collector's socket beside honest ones: whose records keep flowing, and what that costs.
    Hostile(hostile::Options),
    /// The hostile clients' process of `hostile`.
    #[command(hide = true)]
    Nasty(hostile::ClientOptions),
    /// The collector's process of `collect`.
    #[command(hide = true)]
    Collector(collect::collector::Options),
    /// The services' process of `collect`.
    #[command(hide = true)]
    Service(collect::service::Options),
    /// The writer's process of the other commands.
    #[command(hide = true)]
    Worker(worker::Options),
}

#[derive(Args, Clone, Debug)]
struct Options {
    /// For how long.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// End after so many mistreatments (with `handover`: hand-overs; with `soak`: waits), if that is sooner.
    #[arg(long)]
    count: Option<u64>,
    /// What chooses whom, when and what. Random if not given; printed in either case. The processes' own timing is not in
    /// anybody's hands, so the same seed gives the same choices, not the same interleaving.
    #[arg(long)]
    seed: Option<u64>,
    /// How many writers, as many by each transport.
    #[arg(long, default_value_t = 8)]
    writers: u32,
    /// The size of the ring in bytes.
    #[arg(long, default_value_t = 256 * 1024)]
    capacity: usize,
    /// By which transports.
    #[arg(long, value_enum, default_value_t)]
    transport: Transports,
}

/// By which transports the writers write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Transports {
    /// Half of them mapped, half isolated; in a soak, some in this process.
    #[default]
    Ordinary,
    /// By the kernel, every fourth by the broker; in a soak, some in this process. NOT RUN (77) where the kernel cannot mediate.
    Kernel,
}

impl Transports {
    /// Of the writer of this number.
    fn of(self, number: u64) -> Transport {
        match self {
            Transports::Ordinary if number.is_multiple_of(2) => Transport::Mapped,
            Transports::Kernel if number % 4 != 3 => Transport::Kernel,
            _ => Transport::Isolated,
        }
    }
}

impl Options {
    fn create(&self) -> Reader {
        match self.transport {
            Transports::Ordinary => RingBuffer::try_create(self.capacity).expect("a ring"),
            Transports::Kernel => RingBuffer::try_create_mediated(self.capacity).expect("a mediated ring"),
        }
    }
}

fn main() -> ExitCode {
    let (name, options, run): (_, _, fn(&mut campaign::Campaign)) = match Command::parse().campaign {
        Campaign::Kill(options) => ("kill", options, kill::run),
        Campaign::Fork(options) => ("fork", options, fork::run),
        Campaign::Stall(options) => ("stall", options, stall::run),
        Campaign::Flood(options) => ("flood", options, flood::run),
        Campaign::Handover(options) => ("handover", options, handover::run),
        Campaign::Soak(options) => ("soak", options, soak::run),
        Campaign::Collect(options) => return collect::run(&options),
        Campaign::Hostile(options) => return hostile::run(&options),
        Campaign::Nasty(options) => return hostile::client(&options),
        Campaign::Collector(options) => return collect::collector::main(&options),
        Campaign::Service(options) => return collect::service::main(&options),
        Campaign::Worker(options) => return worker::main(&options),
    };
    if options.transport == Transports::Kernel
        && let Err(obstacle) = iobring::mediation()
    {
        println!("NOT RUN: {obstacle}");
        return ExitCode::from(77);
    }
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    println!(
        "{name}: seed {seed}, {} writers, {} s, ring of {} bytes",
        options.writers, options.seconds, options.capacity
    );
    let mut campaign = campaign::Campaign::new(name, &options, seed);
    run(&mut campaign);
    if campaign.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
