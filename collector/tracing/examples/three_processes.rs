//! Three processes log by `tracing`, and this one shows what they log: `cargo run -p tracing-iobring --example three_processes`.

use iobring_collect::{Collector, Event};
use std::process::Command;

fn main() -> std::io::Result<()> {
    if std::env::var_os("IOBRING_SOCKET").is_some() {
        tracing_iobring::init();
        tracing::info!(answer = 42, "hello");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::bind(folder.path().join("socket"))?;
    for _ in 0..3 {
        Command::new(std::env::current_exe()?).env("IOBRING_SOCKET", folder.path().join("socket")).spawn()?;
    }
    let mut present = 3;
    while present > 0 {
        match collector.next_event(None)? {
            Some(Event::Record(record)) => println!("{}: {}", record.process, record.text()),
            Some(Event::Left(_)) => present -= 1,
            _ => {}
        }
    }
    Ok(())
}
