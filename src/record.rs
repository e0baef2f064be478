//! One record in place, before its room is given back.

use crate::protocol::read::{self, Error, Found};
use crate::ring::Ring;

/// A record that was copied out of its ring.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Message {
    /// The tag of the endpoint that wrote it.
    pub tag: u64,
    /// What it wrote.
    pub bytes: Vec<u8>,
}

impl Message {
    /// A record with this tag and these bytes.
    pub fn new(tag: u64, bytes: Vec<u8>) -> Self {
        Message { tag, bytes }
    }
}

/// What [`Reader::read_message`](crate::Reader::read_message) and its like return.
impl From<(u64, Vec<u8>)> for Message {
    fn from((tag, bytes): (u64, Vec<u8>)) -> Self {
        Message { tag, bytes }
    }
}

impl From<Message> for (u64, Vec<u8>) {
    fn from(message: Message) -> Self {
        (message.tag, message.bytes)
    }
}

/// See [`Reader::records`](crate::Reader::records): each item is the index of a record, and the record.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    ring: &'a Ring,
    index: u64,
    head: u64,
}

impl<'a> Records<'a> {
    pub(crate) fn new(ring: &'a Ring, index: u64, head: u64) -> Self {
        Records { ring, index, head }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<(u64, Message), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.index >= self.head {
            return None;
        }
        match read::first(self.ring, self.index, self.head) {
            Ok(found) => found.map(|found| {
                let index = self.index;
                // A record lies within what `head` covers.
                self.index += found.record_len();
                Ok((index, Record::new(self.ring, found).to_message()))
            }),
            Err(error) => {
                self.index = self.head;
                Some(Err(error))
            }
        }
    }
}

impl core::iter::FusedIterator for Records<'_> {}

/// A record that still lies in the ring.
///
/// Its tag and length were checked once and are kept here; nobody can change them any more. The message's bytes are in
/// shared memory: the safe methods copy them out, word by word, so they are defined whatever another process does meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    ring: &'a Ring,
    found: Found,
}

impl<'a> Record<'a> {
    #[inline]
    pub(crate) fn new(ring: &'a Ring, found: Found) -> Self {
        Record { ring, found }
    }

    /// The tag of the endpoint that wrote the record.
    #[inline]
    pub fn tag(&self) -> u64 {
        self.found.tag
    }

    /// The length of the message in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.found.len
    }

    /// Whether the message has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.found.len == 0
    }

    /// Appends the message to `out`.
    #[inline]
    pub fn append_to(&self, out: &mut Vec<u8>) {
        self.ring.region.append_to(self.found.offset, self.found.len, out);
    }

    /// A copy of the record.
    pub fn to_message(&self) -> Message {
        Message::new(self.tag(), self.to_vec())
    }

    /// A copy of the message.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.append_to(&mut out);
        out
    }

    /// The message where it lies, without a copy.
    ///
    /// # Safety
    /// Every process that maps the region must keep to the protocol: the bytes of a published record rest until `tail`
    /// passes them. That is so as long as the region's descriptor went to nobody, or only to trusted processes. Against a
    /// hostile one there is no sound `&[u8]` over shared memory (rust-lang/unsafe-code-guidelines#607); use the copies.
    #[inline]
    pub unsafe fn as_slice(&self) -> &'a [u8] {
        let at = self.ring.region.address(self.found.offset, self.found.len);
        // SAFETY: `address` checked that the bytes are mapped; they rest, because `tail` moves only after the visit that
        // lent this record, and the caller vouches for everybody else.
        unsafe { core::slice::from_raw_parts(at, self.found.len) }
    }
}
