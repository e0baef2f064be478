//! ipmpsc: a ring in a file under a mutex, messages serialised with bincode and borrowed from the ring when read.

use crate::peer::{Peer, Seed, Shape};
use anyhow::Result;
use core::time::Duration;
use ipmpsc::{Receiver, Sender, SharedRingBuffer};
use serde::Serialize;

/// See the module.
pub enum Ipmpsc {}

/// Bytes, serialised as such.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// The writing end.
pub struct Writer(Sender);

impl Peer for Ipmpsc {
    const NAME: &'static str = "ipmpsc";
    const CRATE: Option<&'static str> = Some("ipmpsc");
    type Writer = Writer;
    type Reader = Receiver;

    fn refuses(_: &Shape) -> Option<&'static str> {
        None
    }

    fn open(shape: &Shape) -> Result<(Vec<Seed<Writer>>, Receiver)> {
        let (path, buffer) = SharedRingBuffer::create_temp(shape.capacity as u32)?;
        let writers = (0..shape.writers)
            .map(|_| {
                let path = path.clone();
                Box::new(move || Ok(Writer(Sender::new(SharedRingBuffer::open(&path)?)))) as Seed<Writer>
            })
            .collect();
        Ok((writers, Receiver::new(buffer)))
    }
}

impl crate::peer::Writer for Writer {
    fn write(&mut self, message: &[u8]) -> bool {
        // A sender waits for room by itself; the limit only keeps a broken run from hanging.
        self.0.send_timeout(&Bytes(message), Duration::from_secs(10)).expect("a sound ring")
    }
}

impl crate::peer::Reader for Receiver {
    fn drain(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        let mut visited = 0;
        loop {
            match self.zero_copy_context().try_recv::<&[u8]>().expect("a sound ring") {
                Some(message) => visit(message),
                None => return visited,
            }
            visited += 1;
        }
    }

    fn drain_blocking(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        visit(self.zero_copy_context().recv::<&[u8]>().expect("a sound ring"));
        1 + self.drain(visit)
    }
}
