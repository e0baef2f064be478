//! The oracle: a queue of records, two numbers, and the rules.

use iobring::{Error, MAX_MESSAGE_SIZE, RING_BUFFER_MESSAGE_HEADER_SIZE, Status};
use std::collections::VecDeque;

const HEADER: u64 = RING_BUFFER_MESSAGE_HEADER_SIZE as u64;

/// What a ring of `capacity` bytes holds and what it answers.
///
/// `head` and `tail` may be set to what a damaged ring's words say; the answers are then a damaged ring's.
#[derive(Clone, Debug)]
pub struct Oracle {
    /// In bytes.
    pub capacity: u64,
    /// As the shared word.
    pub head: u64,
    /// As the shared word.
    pub tail: u64,
    /// Tags and messages, oldest first.
    pub records: VecDeque<(u64, Vec<u8>)>,
}

/// The length of the record that carries a message of `len` bytes.
pub fn record_len(len: usize) -> u64 {
    HEADER + len.next_multiple_of(8) as u64
}

impl Oracle {
    /// An empty ring.
    pub fn new(capacity: usize, index: u64) -> Self {
        Oracle { capacity: capacity as u64, head: index, tail: index, records: VecDeque::new() }
    }

    /// The room left, in bytes.
    pub fn room(&self) -> u64 {
        self.capacity - (self.head - self.tail)
    }

    /// The longest record that could lie at `tail`.
    pub fn limit(&self) -> u64 {
        (self.head - self.tail).min(self.capacity).min(MAX_MESSAGE_SIZE as u64)
    }

    /// What a write of `message` in so many vectors answers; the record is there if it may be.
    pub fn write(&mut self, tag: u64, vectors: usize, message: &[u8]) -> Result<(), Status> {
        if vectors > 8 || message.len() > 65_519 {
            return Err(Status::INVALID_ARGS);
        }
        let record = record_len(message.len());
        if record > self.capacity {
            return Err(Status::NO_SPACE);
        }
        if self.tail > self.head || !self.head.is_multiple_of(8) || u64::MAX - self.head < record {
            return Err(Status::IO_DATA_INTEGRITY);
        }
        if self.capacity.saturating_sub(self.head - self.tail) < record {
            return Err(Status::NO_SPACE);
        }
        self.head += record;
        self.records.push_back((tag, message.to_vec()));
        Ok(())
    }

    /// The next record, given back. Of a sound ring.
    pub fn read(&mut self) -> Option<(u64, Vec<u8>)> {
        let record = self.records.pop_front()?;
        self.tail += record_len(record.1.len());
        Some(record)
    }

    /// What reading answers where `head` and `tail` say what they say now and the first record's length is `len`.
    pub fn read_error(&self, len: u64) -> Option<Error> {
        if self.head == self.tail {
            return None;
        }
        if !self.tail.is_multiple_of(8) {
            return Some(Error::BadAlignment);
        }
        if self.head < self.tail || self.head - self.tail < HEADER {
            return Some(Error::TooSmall);
        }
        let longest = (self.limit() & !7) - HEADER;
        (len > longest || self.head - self.tail > self.capacity).then_some(Error::BadLength)
    }

    /// Gives everything up and returns how many bytes that was.
    pub fn resync(&mut self) -> u64 {
        let given_up = self.head.saturating_sub(self.tail).min(self.capacity);
        let aligned = self.head.checked_next_multiple_of(8);
        let sound = aligned.filter(|aligned| u64::MAX - aligned >= MAX_MESSAGE_SIZE as u64).unwrap_or(0);
        (self.head, self.tail) = (sound, sound);
        self.records.clear();
        given_up
    }
}
