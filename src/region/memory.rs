//! The protocol's accesses, on the mapping.
//!
//! Another process may write the same bytes at any time. Reads are therefore made of relaxed atomic loads, or of what amounts
//! to them ([`shared`]), and nothing is fetched twice. Writes are plain copies, since a store depends on nothing that another
//! process can change: what is stored beside a race is bytes all the same. By the letter of Rust's model, which has no word for other
//! processes, a store by one thread of this process and a load by another race if somebody has moved the indices against the rules;
//! `SECURITY.md` says so.

use super::{Region, lines, shared, short};
use crate::layout::{Accounts, Header};
use crate::orderings::BYTES;
use core::sync::atomic::AtomicU64;
use weakest_facade::Native;

impl Region {
    #[inline(always)]
    pub(crate) fn header(&self) -> &Header<Native> {
        self.mapping.header()
    }

    pub(crate) fn accounts(&self) -> &Accounts<Native> {
        self.mapping.accounts()
    }

    /// Reads the word at `offset`, a multiple of 8.
    #[inline(always)]
    pub(crate) fn read_word(&self, offset: u64) -> u64 {
        self.words(offset, 8)[0].load(BYTES)
    }

    /// Writes the word at `offset`, a multiple of 8.
    #[inline(always)]
    pub(crate) fn write_word(&self, offset: u64, value: u64) {
        self.words(offset, 8)[0].store(value, BYTES);
    }

    /// Reads the words at `offset`, a multiple of 8, and after it.
    #[inline(always)]
    pub(crate) fn read_pair(&self, offset: u64) -> [u64; 2] {
        let words = self.words(offset, 16);
        [words[0].load(BYTES), words[1].load(BYTES)]
    }

    /// Writes the words at `offset`, a multiple of 8, and after it.
    #[inline(always)]
    pub(crate) fn write_pair(&self, offset: u64, words: [u64; 2]) {
        for (to, word) in self.words(offset, 16).iter().zip(words) {
            to.store(word, BYTES);
        }
    }

    /// As [`Memory::prefetch`](crate::protocol::Memory::prefetch).
    #[inline(always)]
    pub(crate) fn prefetch(&self, offset: u64) {
        lines::prefetch(self.mapping.bytes(offset, 0));
    }

    /// As [`Memory::own`](crate::protocol::Memory::own), with lines of so many bytes.
    #[inline(always)]
    pub(crate) fn own(&self, offset: u64, len: u64, line: u64) {
        if !self.puts_back {
            return;
        }
        let words = self.words(offset, len as usize);
        let mut last = (((line - 1) & !offset) / 8) as usize;
        while let Some(word) = words.get(last) {
            word.store(word.load(BYTES), BYTES);
            last += line as usize / 8;
        }
    }

    /// Writes `bytes` from `offset` on.
    #[inline(always)]
    pub(crate) fn write_bytes(&self, offset: u64, bytes: &[u8]) {
        let at = self.mapping.bytes(offset, bytes.len());
        // SAFETY: `bytes` checked that the range is mapped; a caller's slice cannot overlap the mapping, of which we hand
        // out no mutable references.
        unsafe { short::copy(bytes.as_ptr(), at, bytes.len()) };
    }

    /// Appends `len` bytes from `offset`, a multiple of 8, to `out`.
    #[inline]
    pub(crate) fn append_to(&self, offset: u64, len: usize, out: &mut Vec<u8>) {
        let words = self.words(offset, len.next_multiple_of(8));
        out.reserve(len);
        let to = out.spare_capacity_mut().as_mut_ptr().cast::<u8>();
        // SAFETY: the words hold `len` bytes, `len` bytes are reserved at `to`, and private memory does not overlap the
        // mapping. Then exactly `len` bytes have been written.
        unsafe {
            shared::copy_out(words, to, len);
            out.set_len(out.len() + len);
        }
    }

    /// The address of `len` bytes from `offset` on.
    ///
    /// # Panics
    /// If they lie beyond the mirror.
    #[inline(always)]
    pub(crate) fn address(&self, offset: u64, len: usize) -> *const u8 {
        self.mapping.bytes(offset, len)
    }

    /// The words of `len` bytes, a multiple of 8, from `offset` on, a multiple of 8.
    #[inline(always)]
    fn words(&self, offset: u64, len: usize) -> &[AtomicU64] {
        if !offset.is_multiple_of(8) {
            not_of_a_word(offset);
        }
        let at = self.mapping.bytes(offset, len).cast::<AtomicU64>();
        // SAFETY: `bytes` checked that the range is mapped; page-aligned base plus a multiple of 8 is aligned for a word;
        // atomics may be changed by others.
        unsafe { core::slice::from_raw_parts(at, len / 8) }
    }
}

#[cold]
#[inline(never)]
fn not_of_a_word(offset: u64) -> ! {
    panic!("offset {offset} is not that of a word");
}
