//! Keeps the newest 3 MB of what processes write, and shows them once nothing has come for ten seconds:
//! `cargo run -p iobring-collect --example newest -- SOCKET`.

use iobring_collect::{Collector, Retained};

fn main() -> std::io::Result<()> {
    let mut newest = Retained::new(3_000_000);
    let mut collector = Collector::bind(std::env::args_os().nth(1).expect("the socket's path"))?;
    while let Some(event) = collector.next_event(Some(std::time::Duration::from_secs(10)))? {
        newest.extend(event.into_record());
    }
    newest.iter().for_each(|record| println!("{}: {}", record.process, record.text()));
    Ok(())
}
