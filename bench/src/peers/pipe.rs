//! A pipe of messages of a known size: one `write` per message, or one `writev` per batch; reads take what is there.

use crate::peer::{Peer, Seed, Shape, seed};
use anyhow::Result;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use std::io::IoSlice;
use std::sync::Arc;

/// Up to this many bytes are written as a whole or not at all.
const ATOMIC: usize = 4096;

/// See the module.
pub enum Pipe {}

/// The writing end, and how much of the message at hand the pipe has taken already.
pub struct Writer {
    pipe: Arc<OwnedFd>,
    written: usize,
}

/// The reading end, with the start of a message that has not all arrived.
pub struct Reader {
    pipe: OwnedFd,
    _writers: Arc<OwnedFd>,
    payload: usize,
    room: Vec<u8>,
    filled: usize,
}

impl Peer for Pipe {
    const NAME: &'static str = "pipe";
    const CRATE: Option<&'static str> = None;
    const WARMS_UP: bool = false;
    type Writer = Writer;
    type Reader = Reader;

    fn refuses(shape: &Shape) -> Option<&'static str> {
        (shape.writers > 1 && (shape.payload > ATOMIC || shape.batched)).then_some("large writes interleave")
    }

    fn open(shape: &Shape) -> Result<(Vec<Seed<Writer>>, Reader)> {
        let (pipe, writing) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        fcntl_setpipe_size(&pipe, shape.capacity)?;
        let writing = Arc::new(writing);
        let writers = (0..shape.writers).map(|_| seed(Writer { pipe: writing.clone(), written: 0 })).collect();
        let room = vec![0; shape.payload.max(65_536 / shape.payload * shape.payload)];
        Ok((writers, Reader { pipe, _writers: writing, payload: shape.payload, room, filled: 0 }))
    }
}

impl crate::peer::Writer for Writer {
    fn write(&mut self, message: &[u8]) -> bool {
        self.write_batch(&[message]) == 1
    }

    fn write_batch(&mut self, messages: &[&[u8]]) -> usize {
        let mut pieces: Vec<_> = messages.iter().map(|message| IoSlice::new(message)).collect();
        let mut rest = &mut pieces[..];
        IoSlice::advance_slices(&mut rest, self.written);
        self.written += rustix::io::writev(&self.pipe, rest).unwrap_or(0);
        let whole = self.written / messages[0].len();
        self.written %= messages[0].len();
        whole
    }
}

impl crate::peer::Reader for Reader {
    fn drain(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        self.filled += rustix::io::read(&self.pipe, &mut self.room[self.filled..]).unwrap_or(0);
        let whole = self.filled / self.payload;
        self.room[..whole * self.payload].chunks_exact(self.payload).for_each(visit);
        self.room.copy_within(whole * self.payload..self.filled, 0);
        self.filled -= whole * self.payload;
        whole
    }

    fn drain_blocking(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        // A poll that is interrupted is as good as one that finds nothing.
        let _ = poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], None);
        self.drain(visit)
    }
}
