//! The newest records, up to so many bytes.

use crate::event::Record;
use std::collections::VecDeque;

/// What can be retained.
pub trait Bytes {
    /// The bytes it holds beside itself.
    fn bytes(&self) -> usize;
}

impl Bytes for Record {
    fn bytes(&self) -> usize {
        self.message.len()
    }
}

impl Bytes for Vec<u8> {
    fn bytes(&self) -> usize {
        self.len()
    }
}

/// Keeps the newest records (or lines made of them) that take at most so many bytes together.
#[derive(Clone, Debug)]
pub struct Retained<T = Record> {
    records: VecDeque<T>,
    bytes: usize,
    most: usize,
    dropped: u64,
}

impl<T: Bytes> Retained<T> {
    /// What one costs beside the bytes it holds.
    const OVERHEAD: usize = size_of::<T>();

    /// Keeps at most `most` bytes, what each costs beside its message included.
    pub fn new(most: usize) -> Self {
        Retained { records: VecDeque::new(), bytes: 0, most, dropped: 0 }
    }

    /// Adds a record, and drops the oldest until all fit.
    pub fn push(&mut self, record: T) {
        self.bytes += Self::OVERHEAD + record.bytes();
        self.records.push_back(record);
        while self.bytes > self.most
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= Self::OVERHEAD + oldest.bytes();
            self.dropped += 1;
        }
    }

    /// The records, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        self.records.iter()
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many records were dropped to make room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Adds each, as [`push`](Retained::push) does.
impl<T: Bytes> Extend<T> for Retained<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, records: I) {
        records.into_iter().for_each(|record| self.push(record));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Process;
    use std::sync::Arc;

    #[test]
    fn the_newest_stay() {
        let process = Arc::new(Process::this(1, "test"));
        let mut retained = Retained::new(3 * (size_of::<Record>() + 10));
        for number in 0..10_u8 {
            retained.push(Record::new(process.clone(), vec![number; 10]));
        }
        assert_eq!(retained.iter().map(|record| record.message[0]).collect::<Vec<_>>(), [7, 8, 9]);
        assert_eq!((retained.len(), retained.dropped()), (3, 7));
        // One that is larger than all together is not kept, and nothing else either.
        retained.push(Record::new(process, vec![0; 10_000]));
        assert!(retained.is_empty() && retained.bytes == 0);
    }
}
