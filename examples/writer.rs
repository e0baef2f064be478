//! Writes its arguments, one record each, to a collector: `cargo run --example writer -- /tmp/collector.sock hello world`.

use iobring::{Iob, Status};
use std::error::Error;
use std::os::unix::net::UnixStream;
use std::thread;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: writer <socket> <message>...")?;
    let writer = Iob::receive_from(&UnixStream::connect(path)?)?;
    for message in arguments {
        while let Err(status) = writer.write(Default::default(), 0, message.as_bytes()) {
            match status {
                // The collector is behind. A program with something better to do would drop the record, or keep it for later.
                Status::NO_SPACE => thread::yield_now(),
                status => return Err(status.into()),
            }
        }
    }
    Ok(())
}
