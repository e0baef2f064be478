//! A service: logs numbered events through the layer until it is killed.

use crate::receipts::Receipts;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

#[derive(Args)]
pub struct Options {
    #[arg(long)]
    socket: PathBuf,
}

pub fn main(options: &Options) -> ExitCode {
    // Started by a campaign, and nothing without it.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let receipts = Receipts::open(std::io::stdout());
    tracing_iobring::init_at(&options.socket);
    let mut random = fastrand::Rng::new();
    let mut number = 0_u64;
    loop {
        for _ in 0..random.u32(1..200) {
            let payload = "x".repeat(random.usize(..200));
            tracing::info!(number, payload);
            receipts.accept();
            number += 1;
        }
        thread::sleep(Duration::from_micros(random.u64(..4_000)));
    }
}
