//! Collects records from other processes: `cargo run --example collector -- /tmp/collector.sock`, then any number of
//! `cargo run --example writer -- /tmp/collector.sock hello world`.
//!
//! Whoever connects gets a writer with a tag of its own, isolated: it can write records with that tag and nothing else.

use iobring::{Iob, RingBuffer};
use std::collections::HashMap;
use std::error::Error;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: collector <socket>")?;
    let mut reader = RingBuffer::create(1024 * 1024);

    // Hands a writer to each process that connects, and its peer to the loop below.
    let ring = reader.clone();
    let listener = UnixListener::bind(&path)?;
    let (arrived, arrivals) = mpsc::channel::<(u64, Iob)>();
    thread::spawn(move || {
        for (tag, socket) in (1..).zip(listener.incoming()) {
            let hand_over = || -> Result<Iob, Box<dyn Error>> {
                let (writer, peer) = ring.new_iob_writer(tag)?;
                writer.send_to(&socket?)?;
                Ok(peer)
            };
            match hand_over() {
                Ok(peer) => arrived.send((tag, peer)).expect("the collector's loop"),
                Err(error) => eprintln!("writer {tag} was turned away: {error}"),
            }
        }
    });

    println!("collecting on {path}");
    let mut peers = HashMap::new();
    loop {
        peers.extend(arrivals.try_iter());
        // Looked at before reading: what a writer wrote is in the ring by the time its peer is closed.
        let gone: Vec<u64> = peers.iter().filter(|(_, peer)| peer.is_peer_closed()).map(|(&tag, _)| tag).collect();
        while let Some((tag, message)) = reader.try_read_message()? {
            println!("{tag}: {}", String::from_utf8_lossy(&message));
        }
        for tag in gone {
            peers.remove(&tag);
            println!("{tag}: gone");
        }
        reader.wait_blocking(reader.tail(), Some(Duration::from_millis(200)));
    }
}
