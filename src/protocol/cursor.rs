//! The reader's place in the ring: visiting records in order, and giving their room back once per batch.

use crate::layout::RING_BUFFER_MESSAGE_HEADER_SIZE;
use crate::protocol::memory::Memory;
use crate::protocol::read::{self, Error, Found};
use crate::protocol::repair;
use core::marker::PhantomData;
use core::ops::ControlFlow;
use weakest_facade::Platform;

/// What the one reader remembers between its calls. In its own memory, where nobody else writes.
#[derive(Debug, Default)]
pub struct Cursor {
    /// `head` as last seen: while it is ahead of `tail`, the shared line need not be looked at.
    seen: u64,
    /// An index whose offset is known: `tail`, unless somebody else has moved that.
    index: u64,
    /// The offset of `index`.
    offset: u64,
}

impl Cursor {
    /// Visits the records that are there when it is called, in order, until there is none left or `visit` says `Break`. What
    /// comes meanwhile may be left for later, so that a fast writer cannot keep the reader for ever. The room of every record
    /// whose visit returned is given back once, at the end, however the visits end. Returns how many records that were; 0
    /// means the ring was empty.
    ///
    /// # Errors
    /// If there is damage at the first record; damage further on ends the visits and is reported by the next call.
    #[inline]
    pub fn drain<P: Platform, M: Memory<P> + ?Sized>(
        &mut self,
        memory: &M,
        mut visit: impl FnMut(&Found) -> ControlFlow<()>,
    ) -> Result<usize, Error> {
        let capacity = memory.capacity();
        let start = read::tail(memory);
        if start != self.index {
            (self.index, self.offset) = (start, start % capacity);
        }
        let batch = Batch { memory, start, cursor: self, platform: PhantomData };
        let mut looked = false;
        let mut visited = 0;
        loop {
            let found = match batch.cursor.first(memory, start, &mut looked) {
                Ok(Some(found)) => found,
                Err(error) if visited == 0 => return Err(error),
                Ok(None) | Err(_) => return Ok(visited),
            };
            let flow = visit(&found);
            memory.own(found.offset - RING_BUFFER_MESSAGE_HEADER_SIZE as u64, found.record_len());
            batch.cursor.pass(&found, capacity);
            visited += 1;
            if flow.is_break() {
                return Ok(visited);
            }
        }
    }

    /// [`repair::resynchronise_with`], after which nothing that was seen before counts: `head` may be lower than that.
    pub fn resynchronise<P: Platform, M: Memory<P> + ?Sized>(&mut self, memory: &M, emptied: impl FnOnce()) -> u64 {
        *self = Cursor::default();
        repair::resynchronise_with(memory, emptied)
    }

    /// The record at `index`, if there is one. What was seen of `head` is only used to find records; emptiness and damage
    /// are told of the header as it is now, since it may have been repaired. It is looked at only if that has not been
    /// `looked` at yet. The visits began at `start`, from where on nothing was given back yet.
    #[inline(always)]
    fn first<P: Platform, M: Memory<P> + ?Sized>(
        &mut self,
        memory: &M,
        start: u64,
        looked: &mut bool,
    ) -> Result<Option<Found>, Error> {
        if self.seen > self.index
            && let Ok(found) = read::first_at(memory, self.index, self.offset, self.seen)
        {
            return Ok(found);
        }
        if !*looked {
            *looked = true;
            self.seen = read::head(memory);
        }
        let found = match read::first_at(memory, self.index, self.offset, self.seen) {
            // Together with what was visited already, more than the ring holds cannot have been published.
            Ok(_) if self.seen.saturating_sub(start) > memory.capacity() => Err(Error::BadLength),
            found => found,
        };
        if found.is_err() {
            // It may be this head that is damaged, and be put right: not to be remembered.
            self.seen = 0;
        }
        found
    }

    /// Moves past a record.
    #[inline(always)]
    fn pass(&mut self, found: &Found, capacity: u64) {
        let record_len = found.record_len();
        self.index += record_len;
        self.offset += record_len;
        if self.offset >= capacity {
            self.offset -= capacity;
        }
    }
}

/// Gives the visited records' room back, also when a visit panics.
struct Batch<'a, P: Platform, M: Memory<P> + ?Sized> {
    memory: &'a M,
    start: u64,
    cursor: &'a mut Cursor,
    platform: PhantomData<P>,
}

impl<P: Platform, M: Memory<P> + ?Sized> Drop for Batch<'_, P, M> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.cursor.index != self.start {
            read::release_to(self.memory, self.cursor.index);
        }
    }
}
