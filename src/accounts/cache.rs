//! The reader's way from a tag to its entry, without a lock and without a bound on tags.

use super::{Book, Entry};
use std::sync::Arc;

/// The entries of the tags seen lately: one for each value of a few bits of the tag's hash.
#[derive(Debug)]
pub(crate) struct Cache {
    lines: Box<[Line; 1 << BITS]>,
}

const BITS: u32 = 6;

/// A tag and its entry.
type Line = Option<(u64, Arc<Entry>)>;

impl Default for Cache {
    fn default() -> Self {
        Cache { lines: Box::new([const { None }; 1 << BITS]) }
    }
}

impl Cache {
    /// Counts a message of `len` bytes as delivered.
    #[inline(always)]
    pub(crate) fn deliver(&mut self, book: &Book, tag: u64, len: usize) {
        self.count(book, tag, |entry| entry.read.0.delivered.add(1, len));
    }

    /// Counts a message of `len` bytes as dropped.
    pub(crate) fn drop_unread(&mut self, book: &Book, tag: u64, len: usize) {
        self.count(book, tag, |entry| entry.read.0.dropped.add(1, len));
    }

    #[inline(always)]
    fn count(&mut self, book: &Book, tag: u64, count: impl FnOnce(&Entry)) {
        // Fibonacci hashing: the top bits depend on all of the tag's.
        let line = &mut self.lines[(tag.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - BITS)) as usize];
        match line {
            Some((cached, entry)) if *cached == tag => count(entry),
            _ => match book.find(tag) {
                Some(entry) => {
                    count(&entry);
                    *line = Some((tag, entry));
                }
                // Only a process that misuses its mapping can make up tags, so they must not cost memory.
                None => count(book.others()),
            },
        }
    }
}
