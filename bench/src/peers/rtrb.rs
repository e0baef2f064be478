//! rtrb, a ring of bytes between one writer and one reader: messages with their length before them.
//!
//! It can write several messages as one chunk, so it appears twice: [`Rtrb`] publishes each message, as the protocols it
//! is usually compared with do; [`RtrbChunks`] publishes a batch at once.

use crate::peer::{Between, Peer, Seed, Shape, Waiting, seed};
use anyhow::Result;
use core::mem::MaybeUninit;
use rtrb::{Consumer, Producer, RingBuffer};

/// The size of the length before each message.
const LENGTH: usize = 8;

/// A chunk per message.
pub enum Rtrb {}
/// A chunk per batch.
pub enum RtrbChunks {}

/// The writing end.
pub struct Writer<const CHUNKS: bool>(Producer<u8>);

/// The reading end, with room to put together what lies across the end of the ring.
pub struct Reader(Consumer<u8>, Vec<u8>);

fn refuses(shape: &Shape) -> Option<&'static str> {
    if shape.writers > 1 {
        Some("one writer only")
    } else if shape.waiting == Waiting::Blocking {
        Some("its readers poll")
    } else if shape.between == Between::Processes {
        Some("one process only")
    } else {
        None
    }
}

fn open<const CHUNKS: bool>(shape: &Shape) -> (Vec<Seed<Writer<CHUNKS>>>, Reader) {
    let (producer, consumer) = RingBuffer::new(shape.capacity);
    (vec![seed(Writer(producer))], Reader(consumer, Vec::new()))
}

impl Peer for Rtrb {
    const NAME: &'static str = "rtrb";
    const CRATE: Option<&'static str> = Some("rtrb");
    type Writer = Writer<false>;
    type Reader = Reader;

    fn refuses(shape: &Shape) -> Option<&'static str> {
        refuses(shape)
    }
    fn open(shape: &Shape) -> Result<(Vec<Seed<Self::Writer>>, Reader)> {
        Ok(open(shape))
    }
}

impl Peer for RtrbChunks {
    const NAME: &'static str = "rtrb-chunks";
    const CRATE: Option<&'static str> = Some("rtrb");
    type Writer = Writer<true>;
    type Reader = Reader;

    fn refuses(shape: &Shape) -> Option<&'static str> {
        if shape.batched { refuses(shape) } else { Some("see rtrb") }
    }
    fn open(shape: &Shape) -> Result<(Vec<Seed<Self::Writer>>, Reader)> {
        Ok(open(shape))
    }
}

/// Copies `bytes` to position `at` of two slices that follow each other.
#[inline(always)]
fn put((first, second): &mut (&mut [MaybeUninit<u8>], &mut [MaybeUninit<u8>]), at: usize, bytes: &[u8]) {
    if let Some(place) = first.get_mut(at..at + bytes.len()) {
        place.write_copy_of_slice(bytes);
    } else if at >= first.len() {
        second[at - first.len()..][..bytes.len()].write_copy_of_slice(bytes);
    } else {
        let (left, right) = bytes.split_at(first.len() - at);
        first[at..].write_copy_of_slice(left);
        second[..right.len()].write_copy_of_slice(right);
    }
}

impl<const CHUNKS: bool> Writer<CHUNKS> {
    #[inline(always)]
    fn write_chunk(&mut self, messages: &[&[u8]]) -> usize {
        let len = messages.iter().map(|message| LENGTH + message.len()).sum();
        let Ok(mut chunk) = self.0.write_chunk_uninit(len) else {
            return 0;
        };
        let mut place = chunk.as_mut_slices();
        let mut at = 0;
        for message in messages {
            put(&mut place, at, &message.len().to_ne_bytes());
            put(&mut place, at + LENGTH, message);
            at += LENGTH + message.len();
        }
        // SAFETY: all `len` bytes have been written.
        unsafe { chunk.commit_all() };
        messages.len()
    }
}

impl<const CHUNKS: bool> crate::peer::Writer for Writer<CHUNKS> {
    #[inline(always)]
    fn write(&mut self, message: &[u8]) -> bool {
        self.write_chunk(&[message]) == 1
    }

    fn write_batch(&mut self, messages: &[&[u8]]) -> usize {
        if CHUNKS {
            // What does not fit as a whole goes message by message, so that large ones go at all.
            match self.write_chunk(messages) {
                0 => messages.iter().take_while(|message| self.write(message)).count(),
                n => n,
            }
        } else {
            messages.iter().take_while(|message| self.write(message)).count()
        }
    }
}

impl crate::peer::Reader for Reader {
    #[inline(always)]
    fn drain(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        let Reader(consumer, scratch) = self;
        let there = consumer.slots();
        let Ok(chunk) = consumer.read_chunk(there) else {
            return 0;
        };
        let (first, second) = chunk.as_slices();
        let mut get = |at: usize, len: usize, visit: &mut dyn FnMut(&[u8])| {
            if let Some(bytes) = first.get(at..at + len) {
                visit(bytes);
            } else if at >= first.len() {
                visit(&second[at - first.len()..][..len]);
            } else {
                scratch.clear();
                scratch.extend_from_slice(&first[at..]);
                scratch.extend_from_slice(&second[..len - scratch.len()]);
                visit(scratch);
            }
        };
        let (mut at, mut visited) = (0, 0);
        while at < there {
            let mut len = 0;
            get(at, LENGTH, &mut |bytes| len = usize::from_ne_bytes(bytes.try_into().expect("eight bytes")));
            get(at + LENGTH, len, visit);
            at += LENGTH + len;
            visited += 1;
        }
        chunk.commit_all();
        visited
    }
}
