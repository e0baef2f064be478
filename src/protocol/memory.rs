//! Where one ring's shared words and bytes live: the seam between the protocol and what it runs on.

use crate::layout::{Header, Ledger};
use weakest_facade::Platform;

/// Bells: the reader's are the low bits of `interest` in the header.
pub mod bell {
    /// A task of the reader's process is to be woken.
    pub const WAKER: u32 = 1;
    /// The reader's descriptor is to become readable.
    pub const DESCRIPTOR: u32 = 2;
    /// A mediator that waits for room is to look again. Rung by the reader, never part of `interest`.
    pub const ROOM: u32 = 4;
    /// The bits of `interest` that are bells.
    pub const ALL: u64 = 7;
}

/// The memory of one ring.
///
/// Offsets are bytes from the start of the ring, multiples of 8 unless said otherwise, and less than
/// [`capacity`](Self::capacity). An access may run past the capacity by up to the mirror (`min(capacity, 64 KiB)`) and
/// then means the bytes at the start of the ring.
///
/// Accesses are to plain data: the protocol orders them through the header's atomics. An implementation over memory that an
/// untrusted process can write must read each byte at most once per call.
pub trait Memory<P: Platform>: Send + Sync {
    /// The size of a cache line in bytes, a power of two.
    const LINE: u64 = 64;

    /// How often in turn a thread publishes before the lock is biased towards it: so often that to end a bias, which takes
    /// about a microsecond, costs less than what these writes cost anyway.
    const BIAS_AFTER: u32 = 256;

    /// The shared words.
    fn header(&self) -> &Header<P>;

    /// The size of the ring in bytes: a non-zero multiple of 8.
    fn capacity(&self) -> u64;

    /// Reads a word.
    fn read_word(&self, offset: u64) -> u64;

    /// Writes a word.
    fn write_word(&self, offset: u64, value: u64);

    /// Reads two words, one after the other.
    #[inline(always)]
    fn read_pair(&self, offset: u64) -> [u64; 2] {
        [self.read_word(offset), self.read_word(offset + 8)]
    }

    /// Writes two words, one after the other.
    #[inline(always)]
    fn write_pair(&self, offset: u64, words: [u64; 2]) {
        self.write_word(offset, words[0]);
        self.write_word(offset + 8, words[1]);
    }

    /// Writes bytes. `offset` may be any.
    fn write_bytes(&self, offset: u64, bytes: &[u8]);

    /// Says that the next record will begin at `offset`, so that the cache lines there can be asked for.
    #[inline(always)]
    fn prefetch(&self, offset: u64) {
        let _ = offset;
    }

    /// Puts back, as it is, the last word of every cache line that ends within these bytes, which the reader has read and is
    /// about to give back. `offset` and `len` are multiples of 8.
    ///
    /// It changes nothing but whose the lines are. A line that one core wrote and another has only read is owned by both,
    /// and to be written again it must first be taken from the reader, line by line and in the order of the stores. A line
    /// that the reader has written is its alone and comes over as any other miss does, many at a time and ahead of need.
    /// The line in which the next record begins is left to whoever writes there now.
    ///
    /// Where processors do not share a line that is dirty there is nothing to put back, and this need do nothing.
    #[inline(always)]
    fn own(&self, offset: u64, len: u64) {
        let mut at = (offset | (Self::LINE - 1)) - 7;
        while at < offset + len {
            self.write_word(at, self.read_word(at));
            at += Self::LINE;
        }
    }

    /// The accounts that are kept in shared memory, if there are any.
    fn ledger(&self) -> Option<Ledger<'_, P>> {
        None
    }

    /// Whether a [`mediator`](crate::protocol::mediator) writes here, which can neither sleep nor wake who sleeps: then nobody
    /// sleeps on the lock word.
    #[inline(always)]
    fn is_mediated(&self) -> bool {
        false
    }

    /// Whether the lock may be biased towards a thread ([`bias`](crate::protocol::bias)), and every thread that takes it here goes by
    /// that. As long as the ring lives.
    #[inline(always)]
    fn is_biasable(&self) -> bool {
        false
    }

    /// Whether it may be biased towards the calling thread: a heavy fence of any thread that can take the lock reaches this one.
    fn may_bias(&self) -> bool {
        false
    }

    /// Rings the bells named in `wanted` ([`bell`]): somebody waits by other means than the lock word.
    fn ring_bell(&self, wanted: u32);
}
