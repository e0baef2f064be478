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

use crate::layout::{Accounts, Header, Ledger, MAX_VECTORS, RING_BUFFER_MESSAGE_HEADER_SIZE};
use crate::protocol::Memory;
use crate::protocol::memory::bell;
use crate::protocol::mediator::{Answer, Asked, BATCH, ask};
use crate::symbols::{Bell, arguments, capacity, copy, opaque, read_user, region, ring};
use weakest_facade::Native;

/// The size of page 0, in bytes.
const PAGE: usize = 4096;

/// What stands before a message, in bytes.
const HEADER: u64 = RING_BUFFER_MESSAGE_HEADER_SIZE as u64;

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

    /// Copies the pieces of message number `i` to `offset`, a multiple of 8 behind a record's header, with zeros behind them. Whether
    /// all could be read.
    #[inline(always)]
    pub fn gather(&self, offset: u64, request: &Request, i: u64) -> bool {
        let ring = unsafe { region().add(PAGE) };
        let len = request.len_of(i);
        let padded = (len + 7) & !7;
        if offset < HEADER || offset > capacity() + HEADER - 8 || padded > PIECE + 1 {
            return false;
        }
        let end = offset + padded;
        // The last word there is: of no message it is the header's, which is written later.
        unsafe { ring.add(end as usize - 8).cast::<u64>().write_volatile(0) };
        let mut at = offset;
        let could = request.each_piece(i, |[from, piece]| {
            let to = at;
            // Pieces may be so long that their sum has wrapped.
            if piece > PIECE || to > capacity() + PIECE || to + piece > offset + len {
                return false;
            }
            at = to + piece;
            unsafe { read_user(ring.add(to as usize), piece, from) }
        });
        if !could {
            return false;
        }
        if end > capacity() {
            let over = end - capacity();
            if over > PIECE {
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
    #[inline(always)]
    fn write_pair(&self, offset: u64, words: [u64; 2]) {
        if offset < capacity() {
            let ring = unsafe { region().add(PAGE) };
            // At the ring's start, if it does not go on. Without a branch, both of whose sides the verifier would follow.
            let second = (offset + 8) & mask_if_negative((offset + 8).wrapping_sub(capacity()));
            unsafe { ring.add(offset as usize).cast::<u64>().write_volatile(words[0]) };
            unsafe { ring.add(second as usize).cast::<u64>().write_volatile(words[1]) };
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

/// All ones or none, by the sign. Where this stands for a branch the verifier follows one path less.
#[inline(always)]
fn mask_if_negative(number: u64) -> u64 {
    opaque((opaque(number) as i64 >> 63) as u64)
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
    pub asked: Asked,
    /// All ones if messages are of one piece each, else none.
    are_single: u64,
    /// All ones if each piece is a message, as far as the writer says so, else none.
    is_batch: u64,
    /// The message's length, if it is one, and not of one piece; else 0.
    len: u64,
    pieces: Pieces,
}

impl Request {
    /// Room for one.
    #[inline(always)]
    pub fn new() -> Self {
        let asked = Asked { messages: 0, pieces: 0, waits: false };
        Request { asked, are_single: 0, is_batch: 0, len: 0, pieces: Pieces { nothing: () } }
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
        // Of too many the writer has added up by itself.
        self.len = len;
        let (count, is_batch) = (count_of(what), what & IS_BATCH != 0);
        if count == 1 && !is_batch {
            unsafe { self.pieces.fetched[0] = [address, len] };
        } else if count <= if is_batch { BATCH } else { MAX_VECTORS as u64 } {
            let to = (&raw mut self.pieces).cast::<u8>();
            if !unsafe { read_user(to, count * size_of::<Piece>() as u64, address) } {
                return Err(Answer::Fault);
            }
            if !is_batch {
                self.len = self.sum(count);
            }
        } else if is_batch {
            return Err(Answer::Invalid);
        }
        // The same number, of which the verifier has forgotten what it found out above: from here on there is one path.
        let what = opaque(what ^ address) ^ address;
        self.is_batch = mask_if_negative(what << 48);
        self.asked.waits = what & ask::WAITS != 0;
        // One where the mask says so.
        self.asked.messages = 1 + ((count_of(what) - 1) & self.is_batch);
        self.asked.pieces = 1 + ((count_of(what) - 1) & !self.is_batch);
        self.are_single = mask_if_negative((self.asked.pieces ^ 1) - 1);
        self.len = self.len & !self.are_single;
        Ok(())
    }

    /// The sum of the lengths of so many pieces.
    #[inline(always)]
    fn sum(&self, count: u64) -> u64 {
        let mut sum = 0u64;
        macro_rules! add { ($($i:literal)*) => { $(
            sum = sum.wrapping_add(self.piece($i)[1] & mask_if_negative($i - count));
        )* } }
        add!(0 1 2 3 4 5 6 7);
        sum
    }

    /// How long message number `i` is.
    #[inline(always)]
    pub fn len_of(&self, i: u64) -> u64 {
        self.piece(i)[1] & self.are_single | self.len
    }

    /// Calls `copy` with each piece of message number `i`, as long as it can; whether it always could.
    #[inline(always)]
    fn each_piece(&self, i: u64, mut copy: impl FnMut(Piece) -> bool) -> bool {
        if self.are_single & 1 != 0 {
            return copy(self.piece(i));
        }
        // There is no other message.
        let failed = (0..MAX_VECTORS as u64).find_map(|k| {
            if k >= self.asked.pieces {
                return Some(false);
            }
            if copy(self.piece(k)) { None } else { Some(true) }
        });
        !failed.is_some_and(|failed| failed)
    }

    /// What the program says of so many messages written: how many those were, if it was asked to write several, and what became of
    /// the next.
    #[inline(always)]
    pub fn result(&self, written: u64, end: Answer) -> u32 {
        ((written & self.is_batch) as u32) << 8 | end as u32
    }

    /// A piece. Read anew from the stack, which the verifier follows.
    #[inline(always)]
    fn piece(&self, i: u64) -> Piece {
        unsafe { (&raw const self.pieces.fetched[i as usize]).read_volatile() }
    }
}

/// The bit of an [`ask`] that says that each piece is a message.
const IS_BATCH: u64 = ask::RECORDS ^ ask::RECORD;

/// How many pieces there are, by what is asked.
#[inline(always)]
fn count_of(what: u64) -> u64 {
    what & (ask::WAITS - 1)
}
