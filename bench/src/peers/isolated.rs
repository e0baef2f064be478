//! This project's ring, its writers isolated: each has a socket and nothing else, from which the ring's owner writes.

use crate::cores;
use crate::peer::{Peer, Seed, Shape, seed};
use crate::peers::ring::Writer;
use anyhow::Result;
use iobring::{Iob, Reader, RingBuffer};
use std::os::unix::net::UnixStream;

/// See the module.
pub enum Isolated {}

impl Peer for Isolated {
    const NAME: &'static str = "iobring";
    const CRATE: Option<&'static str> = Some("iobring");
    type Writer = Writer;
    type Reader = Reader;

    fn refuses(_: &Shape) -> Option<&'static str> {
        None
    }

    fn open(shape: &Shape) -> Result<(Vec<Seed<Writer>>, Reader)> {
        let reader = RingBuffer::try_create(shape.capacity)?;
        // The owner's thread that receives runs where the scheduler likes.
        cores::take(0, usize::MAX);
        let writers = (0..shape.writers as u64)
            .map(|tag| {
                let (writer, _) = reader.new_iob_writer(tag)?;
                let (ours, theirs) = UnixStream::pair()?;
                writer.send_to(&ours)?;
                Ok(seed(Writer(Iob::receive_from(&theirs)?)))
            })
            .collect::<Result<_>>()?;
        Ok((writers, reader))
    }
}
