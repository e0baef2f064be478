//! The region, as the program reaches it: by offsets that the verifier sees to be within the map.
//!
//! ```text
//! map | page 0 | the ring: `capacity` bytes | 128 KiB more |
//! ```
//!
//! Safety throughout: every access is at an offset that was compared just before with what the map holds, which the verifier checks
//! too; what others may write meanwhile is accessed volatile, and a word at a time.
//!
//! A message is copied as if the ring went on behind its end, and what then stands there is copied to the ring's start. Nobody
//! else maps what is behind.

use crate::layout::{Accounts, MAX_VECTORS};
use crate::layout::{Header, Ledger};
use crate::protocol::Memory;
use crate::protocol::memory::bell;
use crate::protocol::mediator::{Answer, BATCH, ask};
use crate::symbols::{Bell, arguments, capacity, copy, opaque, read_user, region, ring};
use weakest_facade::Native;

/// The size of page 0, in bytes.
const PAGE: usize = 4096;

/// More than any piece is long.
const PIECE: u64 = 65_535;

/// The region of the one ring that there is for this program.
pub struct Region;

impl Region {
    /// The address of the word at an offset that may lie behind the ring's end.
    #[inline(always)]
    fn word(&self, offset: u64) -> Option<*mut u64> {
        let offset = if offset >= capacity() { offset - capacity() } else { offset };
        // Always so; but it is here that the verifier sees it.
        if offset < capacity() { Some(unsafe { region().add(PAGE + offset as usize).cast() }) } else { None }
    }

    /// Copies so many pieces from number `first` on, which are `len` bytes, to `offset`, a multiple of 8, with zeros behind. Whether all
    /// could be read.
    #[inline(always)]
    pub fn gather(&self, offset: u64, request: &Request, first: u64, count: u64, len: u64) -> bool {
        let ring = unsafe { region().add(PAGE) };
        let start = if offset >= capacity() { offset - capacity() } else { offset };
        let last = start + (len & !7);
        if start >= capacity() || last > capacity() + PIECE {
            return false;
        }
        if len & 7 != 0 {
            unsafe { ring.add(last as usize).cast::<u64>().write_volatile(0) };
        }
        let mut at = start;
        let mut i = 0;
        while i < MAX_VECTORS as u64 && i < count {
            let [from, len] = request.piece(first + i);
            if at > capacity() + PIECE || len > PIECE || !unsafe { read_user(ring.add(at as usize), len, from) } {
                return false;
            }
            at += len;
            i += 1;
        }
        let end = last + if len & 7 != 0 { 8 } else { 0 };
        if end > capacity() {
            let over = end - capacity();
            if over > PIECE + 1 {
                return false;
            }
            unsafe { copy(ring, over, ring.add(capacity() as usize)) };
        }
        true
    }
}

impl Memory<Native> for Region {
    #[inline(always)]
    fn header(&self) -> &Header<Native> {
        unsafe { &*region().cast::<Header<Native>>() }
    }
    #[inline(always)]
    fn capacity(&self) -> u64 {
        capacity()
    }
    #[inline(always)]
    fn read_word(&self, offset: u64) -> u64 {
        match self.word(offset) {
            Some(word) => unsafe { word.read_volatile() },
            None => 0,
        }
    }
    #[inline(always)]
    fn write_word(&self, offset: u64, value: u64) {
        if let Some(word) = self.word(offset) {
            unsafe { word.write_volatile(value) };
        }
    }
    /// Messages come from the writer's memory, by [`Region::gather`].
    #[inline(always)]
    fn write_bytes(&self, _: u64, _: &[u8]) {}
    #[inline(always)]
    fn ledger(&self) -> Option<Ledger<'_, Native>> {
        let accounts = unsafe { &*region().add(size_of::<Header<Native>>()).cast::<Accounts<Native>>() };
        Some(Ledger { journal: &accounts.journal.0, slots: &accounts.slots })
    }
    #[inline(always)]
    fn is_mediated(&self) -> bool {
        true
    }
    #[inline(always)]
    fn ring_bell(&self, wanted: u32) {
        if wanted & bell::WAKER != 0 {
            ring(Bell::Wakers);
        }
        if wanted & bell::DESCRIPTOR != 0 {
            ring(Bell::Descriptors);
        }
    }
}

/// A piece of the writer's memory: its address, and its length.
type Piece = [u64; 2];

/// Pieces on the stack, of which only those are there that were fetched: so nothing is put there before.
union Pieces {
    nothing: (),
    fetched: [Piece; BATCH as usize],
}

/// What the writer asks for, by the numbers of [`mediator::ask`].
pub struct Request {
    /// How many pieces there are.
    pub count: u64,
    pieces: Pieces,
    /// Whether each is a record of its own.
    pub is_batch: bool,
    /// Whether whoever asks waits for room.
    pub waits: bool,
    /// The sum of their lengths, if they are one record.
    pub len: u64,
}

impl Request {
    /// Room for one.
    #[inline(always)]
    pub fn new() -> Self {
        Request { count: 0, pieces: Pieces { nothing: () }, is_batch: false, waits: false, len: 0 }
    }

    /// Fetches what is asked for, each word of it once, and adds up; or says that there is nothing to write.
    #[inline(always)]
    pub fn fetch(&mut self) -> Result<(), Answer> {
        let [address, len, what] = arguments();
        if what == ask::NOTHING {
            return Err(Answer::Ready);
        }
        if what >> 16 != ask::RECORD >> 16 {
            return Err(Answer::Invalid);
        }
        self.count = what & 0x3fff;
        self.is_batch = what & ask::RECORDS & 0xffff != 0;
        self.waits = what & ask::WAITS != 0;
        // Of too many the writer has added up by itself.
        self.len = len;
        if self.count == 1 && !self.is_batch {
            unsafe { self.pieces.fetched[0] = [address, len] };
        } else if self.count <= if self.is_batch { BATCH } else { MAX_VECTORS as u64 } {
            let to = (&raw mut self.pieces).cast::<u8>();
            if !unsafe { read_user(to, self.count * size_of::<Piece>() as u64, address) } {
                return Err(Answer::Fault);
            }
            if !self.is_batch {
                self.len = self.sum();
            }
        } else if self.is_batch {
            return Err(Answer::Invalid);
        }
        Ok(())
    }

    /// The sum of the lengths of the pieces. Without a branch for each, whose every combination the verifier would go through.
    #[inline(always)]
    fn sum(&self) -> u64 {
        let mut sum = 0u64;
        macro_rules! add { ($($i:literal)*) => { $(
            let is_one = opaque((($i as i64).wrapping_sub(self.count as i64) >> 63) as u64);
            sum = sum.wrapping_add(self.piece($i)[1] & is_one);
        )* } }
        add!(0 1 2 3 4 5 6 7);
        sum
    }

    /// A piece. Read anew from the stack, which the verifier follows.
    #[inline(always)]
    pub fn piece(&self, i: u64) -> Piece {
        unsafe { (&raw const self.pieces.fetched[i as usize]).read_volatile() }
    }
}
