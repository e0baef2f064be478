//! The limit: one thread copies messages of a known size into a buffer, the other sums them where they lie. No lock, no
//! header, no tags, no lengths, one writer.
//!
//! [`Memcpy`] publishes each copy; [`MemcpyBatches`] publishes a batch at once.

use crate::peer::{Peer, Seed, Shape, Waiting, seed};
use crate::shared::SharedBytes;
use anyhow::Result;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// Publishes each message.
pub enum Memcpy {}
/// Publishes each batch.
pub enum MemcpyBatches {}

#[repr(C, align(128))]
struct Index(AtomicUsize);

/// Counts of messages, each on a line of its own, and the slots behind them.
struct Pipeline {
    memory: SharedBytes,
    slot: usize,
    slots: usize,
}

impl Pipeline {
    fn new(slot: usize, capacity: usize) -> Result<Self> {
        let slots = capacity / slot;
        Ok(Pipeline { memory: SharedBytes::new(2 * size_of::<Index>() + slots * slot)?, slot, slots })
    }
    #[inline(always)]
    fn indices(&self) -> &[Index; 2] {
        // SAFETY: the mapping starts with two indices, zeroed, page-aligned, and only used as atomics.
        unsafe { &*self.memory.as_ptr().cast::<[Index; 2]>() }
    }
    #[inline(always)]
    fn slot(&self, slot: usize) -> *mut u8 {
        debug_assert!(slot < self.slots);
        self.memory.as_ptr().cast::<u8>().wrapping_add(2 * size_of::<Index>() + slot * self.slot)
    }
}

/// The writing end.
pub struct Writer<const BATCHES: bool> {
    pipeline: Arc<Pipeline>,
    head: usize,
    /// The slot at `head`.
    at: usize,
    /// The reader's index as last seen.
    tail: usize,
}

/// The reading end.
pub struct Reader {
    pipeline: Arc<Pipeline>,
    tail: usize,
    /// The slot at `tail`.
    at: usize,
}

fn refuses(shape: &Shape) -> Option<&'static str> {
    if shape.writers > 1 {
        Some("one writer only")
    } else if shape.waiting == Waiting::Blocking {
        Some("its reader polls")
    } else {
        None
    }
}

fn open<const BATCHES: bool>(shape: &Shape) -> Result<(Vec<Seed<Writer<BATCHES>>>, Reader)> {
    let pipeline = Arc::new(Pipeline::new(shape.payload, shape.capacity)?);
    let writer = Writer { pipeline: pipeline.clone(), head: 0, at: 0, tail: 0 };
    Ok((vec![seed(writer)], Reader { pipeline, tail: 0, at: 0 }))
}

impl Peer for Memcpy {
    const NAME: &'static str = "memcpy";
    const CRATE: Option<&'static str> = None;
    type Writer = Writer<false>;
    type Reader = Reader;

    fn refuses(shape: &Shape) -> Option<&'static str> {
        refuses(shape)
    }
    fn open(shape: &Shape) -> Result<(Vec<Seed<Self::Writer>>, Reader)> {
        open(shape)
    }
}

impl Peer for MemcpyBatches {
    const NAME: &'static str = "memcpy-batches";
    const CRATE: Option<&'static str> = None;
    type Writer = Writer<true>;
    type Reader = Reader;

    fn refuses(shape: &Shape) -> Option<&'static str> {
        if shape.batched { refuses(shape) } else { Some("see memcpy") }
    }
    fn open(shape: &Shape) -> Result<(Vec<Seed<Self::Writer>>, Reader)> {
        open(shape)
    }
}

impl<const BATCHES: bool> Writer<BATCHES> {
    /// Copies one message in, to be published later.
    #[inline(always)]
    fn put(&mut self, message: &[u8]) -> bool {
        if self.head - self.tail == self.pipeline.slots {
            self.tail = self.pipeline.indices()[1].0.load(Ordering::Acquire);
            if self.head - self.tail == self.pipeline.slots {
                return false;
            }
        }
        debug_assert_eq!(message.len(), self.pipeline.slot);
        // SAFETY: the slot is ours until `head` passes it (the reader's index was acquired), and as large as a message.
        unsafe { core::ptr::copy_nonoverlapping(message.as_ptr(), self.pipeline.slot(self.at), message.len()) };
        self.head += 1;
        self.at = if self.at + 1 == self.pipeline.slots { 0 } else { self.at + 1 };
        true
    }

    #[inline(always)]
    fn publish(&self) {
        self.pipeline.indices()[0].0.store(self.head, Ordering::Release);
    }
}

impl<const BATCHES: bool> crate::peer::Writer for Writer<BATCHES> {
    #[inline(always)]
    fn write(&mut self, message: &[u8]) -> bool {
        let put = self.put(message);
        self.publish();
        put
    }

    #[inline(always)]
    fn write_batch(&mut self, messages: &[&[u8]]) -> usize {
        if BATCHES {
            let put = messages.iter().take_while(|message| self.put(message)).count();
            self.publish();
            put
        } else {
            messages.iter().take_while(|message| self.write(message)).count()
        }
    }
}

impl crate::peer::Reader for Reader {
    #[inline(always)]
    fn drain(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        let [head, tail] = self.pipeline.indices();
        let there = head.0.load(Ordering::Acquire) - self.tail;
        for _ in 0..there {
            // SAFETY: the slot lies below `head`, which was acquired, and above `tail`: the writer leaves it alone.
            visit(unsafe { core::slice::from_raw_parts(self.pipeline.slot(self.at), self.pipeline.slot) });
            self.at = if self.at + 1 == self.pipeline.slots { 0 } else { self.at + 1 };
        }
        if there > 0 {
            self.tail += there;
            tail.0.store(self.tail, Ordering::Release);
        }
        there
    }
}
