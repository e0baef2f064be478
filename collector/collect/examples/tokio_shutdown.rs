//! Shows what processes write, until Ctrl-C: `cargo run -p iobring-collect --features tokio --example tokio_shutdown -- SOCKET`.

use iobring_collect::{Collector, Event};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let path = std::env::args_os().nth(1).expect("the socket's path");
    let mut collector = Collector::bind(path)?.into_async()?;
    let stopper = collector.stopper();
    tokio::spawn(async move { tokio::signal::ctrl_c().await.map(|()| stopper.stop()) });
    while let Some(event) = collector.next_event().await? {
        match event {
            Event::Record(record) => println!("{}: {}", record.process, record.text()),
            Event::Lost(lost) => println!("{}: {} records lost", lost.process, lost.records),
            _ => {}
        }
    }
    Ok(())
}
