//! Aeron's many-to-one ring buffer, from aeron-rs, over shared memory so that it also works between processes.

use crate::peer::{Peer, Seed, Shape, Waiting, seed};
use crate::shared::SharedBytes;
use aeron_rs::command::control_protocol_events::AeronCommand;
use aeron_rs::concurrent::atomic_buffer::AtomicBuffer;
use aeron_rs::concurrent::ring_buffer::{ManyToOneRingBuffer, TRAILER_LENGTH};
use anyhow::Result;
use std::sync::Arc;

/// See the module.
pub enum Aeron {}

/// Both ends: the ring, and the memory it lies in.
pub struct End {
    ring: ManyToOneRingBuffer,
    _memory: Arc<SharedBytes>,
}

impl End {
    fn new(memory: &Arc<SharedBytes>) -> Result<Self> {
        let ring = ManyToOneRingBuffer::new(AtomicBuffer::wrap_raw_slice(memory.as_ptr()))?;
        Ok(End { ring, _memory: memory.clone() })
    }
}

impl Peer for Aeron {
    const NAME: &'static str = "aeron-rs";
    const CRATE: Option<&'static str> = Some("aeron-rs");
    type Writer = End;
    type Reader = End;

    fn refuses(shape: &Shape) -> Option<&'static str> {
        (shape.waiting == Waiting::Blocking).then_some("its readers poll")
    }

    fn open(shape: &Shape) -> Result<(Vec<Seed<End>>, End)> {
        let memory = Arc::new(SharedBytes::new(shape.capacity + TRAILER_LENGTH as usize)?);
        let writers = (0..shape.writers).map(|_| Ok(seed(End::new(&memory)?))).collect::<Result<_>>()?;
        Ok((writers, End::new(&memory)?))
    }
}

impl crate::peer::Writer for End {
    #[inline(always)]
    fn write(&mut self, message: &[u8]) -> bool {
        let source = AtomicBuffer::wrap_raw_slice(core::ptr::from_ref(message).cast_mut());
        self.ring.write(AeronCommand::ClientKeepAlive, source, 0, message.len() as i32).is_ok()
    }
}

impl crate::peer::Reader for End {
    #[inline(always)]
    fn drain(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        self.ring.read_all(|_, message| visit(message.as_slice())) as usize
    }
}
