//! This project's ring: direct writers, records read in place. Between processes, each writer is handed over with the mapping.

use crate::peer::{Between, Peer, Seed, Shape, seed};
use anyhow::Result;
use core::ops::ControlFlow;
use iobring::{Iob, Reader, RingBuffer};
use std::os::unix::net::UnixStream;

/// See the module.
pub enum Ring {}

/// A writer with a tag of its own.
pub struct Writer(pub Iob);

impl Peer for Ring {
    const NAME: &'static str = "iobring";
    const CRATE: Option<&'static str> = Some("iobring");
    type Writer = Writer;
    type Reader = Reader;

    fn refuses(_: &Shape) -> Option<&'static str> {
        None
    }

    fn open(shape: &Shape) -> Result<(Vec<Seed<Writer>>, Reader)> {
        let reader = RingBuffer::try_create(shape.capacity)?;
        let writers = (0..shape.writers as u64)
            .map(|tag| {
                let (writer, _) = reader.new_iob_writer(tag)?;
                Ok(match shape.between {
                    Between::Threads => seed(Writer(writer)),
                    Between::Processes => hand_over(&writer)?,
                })
            })
            .collect::<Result<_>>()?;
        Ok((writers, reader))
    }
}

/// What becomes the writer in another process, which maps the region anew.
fn hand_over(writer: &Iob) -> Result<Seed<Writer>> {
    let (ours, theirs) = UnixStream::pair()?;
    writer.send_mapped_to(&ours)?;
    Ok(Box::new(move || Ok(Writer(Iob::receive_from(&theirs)?))))
}

impl crate::peer::Writer for Writer {
    #[inline(always)]
    fn write(&mut self, message: &[u8]) -> bool {
        self.0.write(Default::default(), 0, message).is_ok()
    }

    #[inline(always)]
    fn write_batch(&mut self, messages: &[&[u8]]) -> usize {
        self.0.write_batch(Default::default(), 0, messages).unwrap_or(0)
    }
}

impl crate::peer::Reader for Reader {
    #[inline(always)]
    fn drain(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        Reader::drain(self, |record| {
            // SAFETY: nobody maps the region but this program, which keeps to the protocol.
            visit(unsafe { record.as_slice() });
            ControlFlow::Continue(())
        })
        .expect("a sound ring")
    }

    fn drain_blocking(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        self.wait_blocking(self.tail(), None);
        crate::peer::Reader::drain(self, visit)
    }
}
