//! Any header and any bytes in the ring, and every call that reads or writes them.
//!
//! Nothing changes while a call runs, so its answer is known exactly: it is worked out here from an image of the region,
//! by the documentation. What a call may cost is bounded too: a drain visits no more records than fit the ring.

use crate::{Target, decode_and_run};
use arbitrary::Arbitrary;
use iobring::{Error, Iob, MAX_MESSAGE_SIZE, Reader, RingBuffer, Status};
use iobring_oracle::machine::Reached;
use iobring_oracle::operation::{MOST_PAGES, ReadStyle, until_the_end};
use iobring_oracle::oracle::{Oracle, record_len};
use iobring_oracle::read::read;
use iobring_oracle::shared::{HEAD, HEADER_WORDS, INTEREST, LAP, LAST_HEAD, LOCK, RESERVED, Shared, TAIL, TOP};
use iobring_oracle::task::poll_once;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use std::ops::{ControlFlow, Range};
use std::time::Duration;

/// The target.
pub const TARGET: Target = Target {
    name: "hostile",
    run: |bytes| decode_and_run(bytes, run),
    reaches: &[
        "accounts",
        "drain: error",
        "drain: something",
        "first: error",
        "first: ok",
        "header",
        "read: BadAlignment",
        "read: BadLength",
        "read: TooSmall",
        "read: empty",
        "read: ok",
        "resync",
        "write: IO_DATA_INTEGRITY",
        "write: NO_SPACE",
        "write: ok",
    ],
};

/// A region and what is done with it.
#[derive(Debug, Arbitrary)]
struct Input {
    pages: u8,
    tail: Index,
    head: Gap,
    #[arbitrary(with = until_the_end)]
    steps: Vec<Step>,
}

/// An index into the ring.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Index {
    Any(u64),
    Words(u16),
    BelowTop(u16),
}

impl Index {
    fn get(self) -> u64 {
        match self {
            Index::Any(index) => index,
            Index::Words(words) => 8 * u64::from(words),
            Index::BelowTop(words) => TOP - 8 * u64::from(words),
        }
    }
}

/// How far one index is ahead of another.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Gap {
    Any(u64),
    Bytes(u16),
    Words(u16),
    AroundFull(i8),
}

impl Gap {
    fn after(self, index: u64, capacity: u64) -> u64 {
        index.wrapping_add(match self {
            Gap::Any(gap) => gap,
            Gap::Bytes(bytes) => bytes.into(),
            Gap::Words(words) => 8 * u64::from(words),
            Gap::AroundFull(by) => capacity.wrapping_add_signed((by % 20).into()),
        })
    }
}

/// A record's length: anything, or near where a check draws the line.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Length {
    Any(u64),
    AroundMaximum(i8),
    AroundCapacity(i8),
    AroundWhatIsThere(i8),
}

impl Length {
    fn get(self, capacity: u64, head: u64, tail: u64) -> u64 {
        // Near enough that a check which is off by a header, by the padding or by one is met often.
        let around = |record: u64, by: i8| record.wrapping_sub(16).wrapping_add_signed((by % 20).into());
        match self {
            Length::Any(len) => len,
            Length::AroundMaximum(by) => around(MAX_MESSAGE_SIZE as u64, by),
            Length::AroundCapacity(by) => around(capacity, by),
            Length::AroundWhatIsThere(by) => around(head.wrapping_sub(tail), by),
        }
    }
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Step {
    // What a hostile process does.
    SetHead(Gap),
    SetTail(Index),
    /// The lock word. While it names an owner nobody takes the lock, as nobody should: see [`Hostile::lock_is_free`].
    SetLock(u32),
    SetInterest(u32),
    /// A word of the first page, but the lock's.
    SetHeader {
        word: u8,
        value: Index,
    },
    /// Where the lap of `head` began, as the last writer noted it.
    SetLap(Index),
    /// A word anywhere in the ring.
    SetWord {
        index: u32,
        value: u64,
    },
    /// The length of the record at `tail`.
    SetLength(Length),
    /// As many records as given from `tail` on, all of one length.
    SetRecords {
        count: u8,
        len: u16,
    },
    // What the library does.
    Read(ReadStyle),
    Drain {
        at_most: u8,
    },
    Wait {
        index: Index,
        blocking: bool,
    },
    First {
        start: Index,
        end: Gap,
    },
    FirstAtTail {
        end: Gap,
    },
    Word(Index),
    IncrementTail(u16),
    Write {
        len: u16,
    },
    Resync,
    Poll,
}

/// A record without its bytes.
fn show(record: &Result<Option<(u64, Vec<u8>)>, Error>) -> String {
    match record {
        Ok(Some((tag, message))) => format!("{} bytes of {tag:#x}", message.len()),
        Ok(None) => "nothing".into(),
        Err(error) => format!("{error:?}"),
    }
}

struct Hostile {
    reader: Reader,
    writer: Iob,
    shared: Shared,
    capacity: u64,
    /// The highest `head` that the reader may have seen.
    highest: u64,
    reached: Reached,
}

fn run(input: &Input) -> Reached {
    // Mostly small: each look at the region costs a copy of it. Now and then more than what is mirrored.
    let pages = if input.pages < 224 { input.pages % 3 } else { input.pages % MOST_PAGES as u8 };
    let capacity = (1 + usize::from(pages)) * iobring_oracle::page::page_size();
    let reader = RingBuffer::try_create(capacity).expect("memory for a small ring");
    let shared = Shared::of(&reader);
    let (writer, _) = reader.new_iob_writer(0x7a67).expect("a pair");
    shared.set_word(TAIL, input.tail.get());
    shared.set_word(HEAD, input.head.after(input.tail.get(), capacity as u64));
    let (capacity, reached) = (capacity as u64, Reached::new());
    let mut hostile = Hostile { reader, writer, shared, capacity, highest: 0, reached };
    for step in &input.steps {
        hostile.step(*step);
    }
    // Whatever the steps have led to is read, if only they did not.
    for step in
        [Step::FirstAtTail { end: Gap::Words(u16::MAX) }, Step::Read(ReadStyle::Try), Step::Drain { at_most: u8::MAX }]
    {
        hostile.step(step);
    }
    hostile.reached
}

impl Hostile {
    fn head(&self) -> u64 {
        self.shared.word(HEAD)
    }

    fn tail(&self) -> u64 {
        self.shared.word(TAIL)
    }

    fn step(&mut self, step: Step) {
        let (head, tail) = (self.head(), self.tail());
        assert_eq!((self.reader.head(), self.reader.tail()), (head, tail));
        self.highest = self.highest.max(head);
        match step {
            Step::SetHead(gap) => self.shared.set_word(HEAD, gap.after(tail, self.capacity)),
            Step::SetTail(index) => self.shared.set_word(TAIL, index.get()),
            Step::SetLock(word) => self.shared.write(LOCK, &word.to_ne_bytes()),
            Step::SetInterest(word) => self.shared.write(INTEREST, &word.to_ne_bytes()),
            Step::SetHeader { word, value } => {
                let offset = 8 * (u64::from(word) % HEADER_WORDS);
                if offset != LOCK {
                    self.shared.set_word(offset, value.get());
                    self.reached.insert("header");
                }
            }
            Step::SetLap(index) => self.shared.set_word(LAP, index.get()),
            Step::SetWord { index, value } => self.set_word(u64::from(index) * 8, value),
            Step::SetLength(len) => self.set_word((tail & !7).wrapping_add(8), len.get(self.capacity, head, tail)),
            Step::SetRecords { count, len } => {
                let records = (0..count.into()).map(|i: u64| (tail & !7).wrapping_add(i * record_len(len.into())));
                for start in records.take((self.capacity / record_len(len.into())) as usize) {
                    self.set_word(start, start);
                    self.set_word(start.wrapping_add(8), len.into());
                }
            }
            Step::Read(style) => self.read(style),
            Step::Drain { at_most } => self.drain(at_most.into()),
            Step::Wait { index, blocking } => {
                let index = index.get();
                let seen = match blocking {
                    true => self.reader.wait_blocking(index, Some(Duration::ZERO)),
                    false => poll_once(self.reader.wait(index)),
                };
                assert_eq!(seen, (head > index).then_some(head));
            }
            Step::First { start, end } => self.first(start.get()..end.after(start.get(), self.capacity)),
            Step::FirstAtTail { end } => self.first(tail..end.after(tail, self.capacity)),
            Step::Word(index) => {
                // SAFETY: nobody writes meanwhile; any bytes are a valid array of bytes.
                let word: [u8; 8] = unsafe { self.reader.read(index.get()) };
                assert_eq!(word, *self.bytes(&self.shared.ring(), index.get(), 8));
            }
            Step::IncrementTail(words) => {
                self.reader.increment_tail(8 * usize::from(words));
                assert_eq!(self.tail(), tail.wrapping_add(8 * u64::from(words)));
            }
            Step::Write { len } => self.write(len.into()),
            Step::Resync => self.resync(),
            Step::Poll => {
                let mut polled = [PollFd::from_borrowed_fd(self.reader.as_fd(), PollFlags::IN)];
                let ready = poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).expect("poll");
                assert_eq!(ready == 1, head != tail);
                self.accounts();
            }
        }
    }

    fn set_word(&self, index: u64, value: u64) {
        self.shared.set_word(self.shared.offset(index), value);
    }

    /// Whether the lock word names no owner. If it names one who does not exist, everybody waits for him for ever: the
    /// lock belongs to those who map the region, who trust each other.
    fn lock_is_free(&self) -> bool {
        let [a, b, c, d, ..] = self.shared.word(LOCK).to_ne_bytes();
        u32::from_ne_bytes([a, b, c, d]) & 0x3fff_ffff == 0
    }

    /// The ring's bytes from `index` on, going on at its start.
    fn bytes(&self, ring: &[u8], index: u64, len: usize) -> Vec<u8> {
        let start = (index % self.capacity) as usize;
        let before_the_end = len.min(ring.len() - start);
        [&ring[start..start + before_the_end], &ring[..len - before_the_end]].concat()
    }

    /// The first record of a range, by the documentation.
    fn expect_first(&self, ring: &[u8], range: Range<u64>) -> Result<(u64, Vec<u8>), Error> {
        if !range.start.is_multiple_of(8) {
            return Err(Error::BadAlignment);
        }
        if range.end < range.start || range.end - range.start < 16 {
            return Err(Error::TooSmall);
        }
        let word =
            |index: u64| u64::from_ne_bytes(self.bytes(ring, index % self.capacity, 8).try_into().expect("8 bytes"));
        let len = word(range.start % self.capacity + 8);
        let limit = (range.end - range.start).min(self.capacity).min(MAX_MESSAGE_SIZE as u64);
        if len > limit - 16 || len.next_multiple_of(8) > limit - 16 {
            return Err(Error::BadLength);
        }
        let message = self.bytes(ring, range.start % self.capacity + 16, len as usize);
        Ok((word(range.start), message))
    }

    /// The record at `tail`, by the documentation.
    fn expect_read(&self, ring: &[u8], tail: u64, head: u64) -> Result<Option<(u64, Vec<u8>)>, Error> {
        if head == tail {
            return Ok(None);
        }
        let record = self.expect_first(ring, tail..head)?;
        if head - tail > self.capacity { Err(Error::BadLength) } else { Ok(Some(record)) }
    }

    /// Whether a reader that saw another `head` before may have read this record: it lies at `tail` and fits the ring.
    fn is_record_at(&self, ring: &[u8], tail: u64, record: &(u64, Vec<u8>)) -> bool {
        let any_head = tail.saturating_add(self.capacity);
        self.expect_first(ring, tail..any_head).as_ref() == Ok(record)
    }

    fn read(&mut self, style: ReadStyle) {
        let (head, tail, ring) = (self.head(), self.tail(), self.shared.ring());
        let expected = self.expect_read(&ring, tail, head);
        let result = match style {
            ReadStyle::Drain => return self.drain(1),
            style => read(&mut self.reader, style),
        };
        let Some(result) = result else { return self.first(tail..head) };
        match &result {
            Ok(Some(record)) => {
                let right = result == expected || self.is_record_at(&ring, tail, record);
                assert!(right, "{} for {}", show(&result), show(&expected));
                assert_eq!(self.tail(), tail + record_len(record.1.len()));
            }
            _ => {
                assert!(result == expected, "{} for {}", show(&result), show(&expected));
                assert_eq!(self.tail(), tail);
            }
        }
        assert_eq!(self.head(), head);
        self.reached.insert(match result {
            Ok(Some(_)) => "read: ok",
            Ok(None) => "read: empty",
            Err(Error::BadAlignment) => "read: BadAlignment",
            Err(Error::TooSmall) => "read: TooSmall",
            Err(Error::BadLength) => "read: BadLength",
        });
    }

    fn drain(&mut self, at_most: u64) {
        let (head, tail, ring) = (self.head(), self.tail(), self.shared.ring());
        let mut visited = Vec::new();
        let result = self.reader.drain(|record| {
            assert_eq!(record.len(), record.to_vec().len());
            visited.push((record.tag(), record.to_vec()));
            if (visited.len() as u64) < at_most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let mut index = tail;
        let mut expected = Vec::new();
        let end = loop {
            match self.expect_read(&ring, index, head) {
                Ok(Some(record)) if (expected.len() as u64) < at_most.max(1) => {
                    index += record_len(record.1.len());
                    expected.push(record);
                }
                end => break end,
            }
        };
        match end {
            Err(error) if visited.is_empty() => assert_eq!(result, Err(error)),
            _ => assert_eq!(result, Ok(visited.len())),
        }
        assert!(visited.starts_with(&expected), "{} records visited, {} expected", visited.len(), expected.len());
        // It may go on to where `head` was when it last looked.
        for record in &visited[expected.len()..] {
            assert!(self.is_record_at(&ring, index, record), "no record at {index}: {} bytes", record.1.len());
            index += record_len(record.1.len());
            assert!(index <= self.highest, "visited {index}, where head has never been");
        }
        assert!(index - tail <= self.capacity, "{} bytes visited, which is more than fits", index - tail);
        assert_eq!((self.head(), self.tail()), (head, index));
        self.reached.insert(if result.is_err() { "drain: error" } else { "drain: something" });
    }

    fn first(&mut self, range: Range<u64>) {
        // SAFETY: nobody writes while the slice lives.
        let found = unsafe { self.reader.first_message_in(range.clone()) };
        let found = found.map(|(tag, message)| (tag, message.to_vec()));
        let reached = if found.is_ok() { "first: ok" } else { "first: error" };
        let expected = self.expect_first(&self.shared.ring(), range.clone());
        assert!(found == expected, "{} for {}, in {range:?}", show(&found.map(Some)), show(&expected.map(Some)));
        self.reached.insert(reached);
    }

    /// Whether writers find noted that the lap of `head` began where it did not, but could have. They believe it then, and put
    /// the record elsewhere: whoever may scribble there may as well scribble on the record.
    fn is_misled(&self) -> bool {
        let head = self.head();
        let offset = head.wrapping_sub(self.shared.word(LAP));
        let possible = offset < self.capacity && offset.is_multiple_of(8);
        self.shared.word(LAST_HEAD) == head && possible && offset != head % self.capacity
    }

    fn write(&mut self, len: usize) {
        if !self.lock_is_free() || self.is_misled() {
            return;
        }
        // Room that is set aside is nobody's but the broker's, and whoever may scribble there may as well fill the ring.
        if self.shared.word(RESERVED) != 0 {
            return;
        }
        let before = self.shared.ring();
        let mut oracle = Oracle::new(self.capacity as usize, 0);
        (oracle.head, oracle.tail) = (self.head(), self.tail());
        let head = oracle.head;
        let message = vec![0xa5; len];
        let result = self.writer.write(Default::default(), 0, &message);
        assert_eq!(result, oracle.write(0x7a67, 1, &message));
        assert_eq!((self.head(), self.tail()), (oracle.head, oracle.tail));
        assert!(self.lock_is_free(), "the lock was kept");
        let after = self.shared.ring();
        match result {
            Ok(()) => {
                let record = record_len(len);
                assert!(
                    self.expect_first(&after, head..head + record) == Ok((0x7a67, message)),
                    "not what was written"
                );
                let rest = self.capacity - record;
                let rest_of = |ring: &[u8]| self.bytes(ring, head % self.capacity + record, rest as usize);
                assert!(rest_of(&after) == rest_of(&before), "bytes outside the record changed");
            }
            Err(_) => assert!(after == before, "bytes changed on an error"),
        }
        self.reached.insert(match result {
            Ok(()) => "write: ok",
            Err(Status::NO_SPACE) => "write: NO_SPACE",
            Err(Status::IO_DATA_INTEGRITY) => "write: IO_DATA_INTEGRITY",
            Err(_) => "write: another error",
        });
    }

    /// Whatever lies in the ring is walked over once, by nobody further than the ring is long.
    fn accounts(&mut self) {
        if !self.lock_is_free() {
            return;
        }
        let (head, tail, ring) = (self.head(), self.tail(), self.shared.ring());
        let (mut index, mut records, mut bytes) = (tail, 0, 0);
        while let Ok(Some((_, message))) = self.expect_read(&ring, index, head) {
            index += record_len(message.len());
            records += 1;
            bytes += message.len() as u64;
        }
        let there = self.reader.accounts().total.in_ring;
        assert_eq!((there.records, there.bytes), (records, bytes));
        assert_eq!((self.head(), self.tail()), (head, tail));
        self.reached.insert("accounts");
    }

    fn resync(&mut self) {
        if !self.lock_is_free() {
            return;
        }
        let mut oracle = Oracle::new(self.capacity as usize, 0);
        (oracle.head, oracle.tail) = (self.head(), self.tail());
        assert_eq!(self.reader.resync(), oracle.resync());
        assert_eq!((self.head(), self.tail()), (oracle.head, oracle.tail));
        assert!(self.lock_is_free(), "the lock was kept");
        self.reached.insert("resync");
    }
}
