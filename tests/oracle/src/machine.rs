//! Runs operations on a real ring and on the oracle, and compares everything that can be seen after each.

use crate::bytes;
use crate::damage::{Damage, Remedy};
use crate::elsewhere;
use crate::operation::{Case, Message, Operation, ReadStyle, WaitIndex};
use crate::oracle::{Oracle, record_len};
use crate::read::{Taken, read};
use crate::shared::{HEAD, Shared, TAIL};
use crate::task::{Count, poll_once};
use iobring::{Error, Iob, Reader, RingBuffer, Status};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use std::collections::BTreeSet;
use std::io::IoSlice;
use std::ops::ControlFlow;
use std::pin::pin;
use std::task::Context;
use std::time::Duration;

/// The most pairs of endpoints at a time.
const MOST_PAIRS: usize = 8;

/// What came of the operations, by name: what a corpus must reach to be worth replaying.
pub type Reached = BTreeSet<&'static str>;

/// A ring under test beside its oracle.
pub struct Machine {
    reader: Reader,
    /// How a writer gets into the hands of who writes.
    by: fn(Iob) -> Iob,
    /// Whether that is another process's, as far as the owner knows.
    elsewhere: bool,
    oracle: Oracle,
    shared: Shared,
    pairs: Vec<Pair>,
    /// Counts messages, so that no two have the same bytes soon.
    written: usize,
    reached: Reached,
}

/// The copies of one writer, and its peer while it is there.
struct Pair {
    tag: u64,
    copies: Vec<Iob>,
    peer: Option<Iob>,
}

/// Runs a case.
///
/// # Panics
/// If the ring does anything that the oracle does not.
pub fn run(case: &Case) -> Reached {
    let reader = RingBuffer::try_create(case.setup.capacity()).expect("memory for a small ring");
    run_with(case, reader, |writer| writer)
}

/// As [`run`], on a fresh ring whose writers write by way of the kernel.
///
/// # Panics
/// As [`run`], and where the kernel cannot do it ([`iobring::mediation`]).
pub fn run_by_kernel(case: &Case) -> Reached {
    let reader = RingBuffer::try_create_mediated(case.setup.capacity()).expect("a small mediated ring");
    run_with(case, reader, |writer| elsewhere::by_kernel(&writer))
}

fn run_with(case: &Case, reader: Reader, by: fn(Iob) -> Iob) -> Reached {
    let mut machine = Machine::new(reader, case.setup.index(), by);
    for operation in &case.operations {
        machine.apply(operation);
        machine.compare();
    }
    machine.finish()
}

impl Machine {
    /// A fresh ring with one writer. Every writer is what `by` makes of it.
    fn new(reader: Reader, index: u64, by: fn(Iob) -> Iob) -> Self {
        let capacity = reader.capacity();
        let shared = Shared::of(&reader);
        shared.start_at(index);
        let mut machine = Machine {
            elsewhere: reader.is_mediated(),
            reader,
            by,
            oracle: Oracle::new(capacity, index),
            shared,
            pairs: Vec::new(),
            written: 0,
            reached: Reached::new(),
        };
        machine.new_writer(1);
        machine
    }

    /// Does one thing to ring and oracle.
    pub fn apply(&mut self, operation: &Operation) {
        match *operation {
            Operation::Write { writer, message } => self.write(writer, &message),
            Operation::WriteBatch { writer, count, messages } => {
                self.write_batch(writer, &messages[..usize::from(count) % (messages.len() + 1)]);
            }
            Operation::WriteToPeer { writer, region, message } => self.write_to_peer(writer, region, &message),
            Operation::WriteToRegion { writer, region, message } => self.write_to_region(writer, region, &message),
            Operation::Read(style) => self.read_one(style),
            Operation::Drain { at_most } => self.drain(at_most.into()),
            Operation::Await { writer, message } => self.await_message(writer, &message),
            Operation::Wait { index, blocking } => self.wait(index, blocking),
            Operation::Poll => assert_eq!(self.readable(), self.oracle.head > self.oracle.tail, "the descriptor"),
            Operation::NewWriter { tag } => self.new_writer(tag),
            Operation::CopyWriter { writer } => self.copy_writer(writer),
            Operation::DropWriter { writer } => self.drop_writer(writer),
            Operation::DropPeer { writer } => self.drop_peer(writer),
            Operation::Break(damage, remedy) => self.damage(damage, remedy),
            Operation::Resync => self.resync(),
        }
    }

    /// Compares what can be seen of ring and oracle without changing either.
    pub fn compare(&self) {
        assert_eq!((self.reader.head(), self.reader.tail()), (self.oracle.head, self.oracle.tail), "(head, tail)");
        for pair in &self.pairs {
            if let Some(peer) = &pair.peer {
                assert!(!peer.is_peer_closed(), "a peer says that writer {} is gone", pair.tag);
            }
            assert!(pair.copies.iter().all(|copy| copy.is_peer_closed() == pair.peer.is_none()), "a writer's peer");
        }
    }

    /// Reads what is left, and says what was reached.
    pub fn finish(mut self) -> Reached {
        while !self.oracle.records.is_empty() {
            self.read_one(ReadStyle::Try);
        }
        assert_eq!(self.reader.try_read_message(), Ok(None));
        self.compare();
        self.reached
    }

    fn pair(&mut self, writer: u8) -> usize {
        usize::from(writer) % self.pairs.len()
    }

    /// A message as long as `message` says.
    fn bytes(&mut self, message: &Message) -> Vec<u8> {
        self.written += 1;
        let room = self.oracle.room();
        let len = message.len(self.oracle.capacity, room);
        bytes::message(self.written, len)
    }

    fn write(&mut self, writer: u8, message: &Message) {
        let bytes = self.bytes(message);
        let pieces: Vec<IoSlice<'_>> = message.cut(&bytes).into_iter().map(IoSlice::new).collect();
        let pair = self.pair(writer);
        let Pair { tag, copies, .. } = &self.pairs[pair];
        let copy = &copies[self.written % copies.len()];
        let result = match pieces[..] {
            [ref whole] => copy.write(Default::default(), 0, whole),
            _ => copy.writev(Default::default(), 0, &pieces),
        };
        let expected = self.oracle.write(*tag, pieces.len(), &bytes);
        assert_eq!(result, expected, "{} bytes in {} vectors", bytes.len(), pieces.len());
        self.reached.insert(match result {
            Ok(()) if self.oracle.room() == 0 => "write: full",
            Ok(()) => "write: ok",
            Err(Status::NO_SPACE) => "write: NO_SPACE",
            Err(Status::INVALID_ARGS) => "write: INVALID_ARGS",
            Err(Status::IO_DATA_INTEGRITY) => "write: IO_DATA_INTEGRITY",
            Err(status) => panic!("no write of a writer answers {status:?}"),
        });
    }

    fn write_batch(&mut self, writer: u8, messages: &[Message]) {
        let messages: Vec<Vec<u8>> = messages.iter().map(|message| self.bytes(message)).collect();
        let slices: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let pair = self.pair(writer);
        let Pair { tag, copies, peer } = &self.pairs[pair];
        if let Some(peer) = peer {
            assert_eq!(peer.write_batch(Default::default(), 0, &slices), Err(Status::ACCESS_DENIED));
        }
        assert_eq!(copies[0].write_batch(Default::default(), 1, &slices), Err(Status::OUT_OF_RANGE));
        let result = copies[0].write_batch(Default::default(), 0, &slices);
        let mut written = 0;
        let refused = slices.iter().find_map(|message| {
            let result = self.oracle.write(*tag, 1, message);
            written += usize::from(result.is_ok());
            result.err()
        });
        let expected = if written > 0 { Ok(written) } else { refused.map_or(Ok(0), Err) };
        assert_eq!(result, expected, "messages of {:?} bytes", slices.iter().map(|message| message.len()));
        self.reached.insert(match result {
            Ok(written) if written == slices.len() => "write_batch: all",
            Ok(_) => "write_batch: some",
            Err(_) => "write_batch: refused",
        });
    }

    fn write_to_peer(&mut self, writer: u8, region: u8, message: &Message) {
        let bytes = self.bytes(message);
        let pieces: Vec<IoSlice<'_>> = message.cut(&bytes).into_iter().map(IoSlice::new).collect();
        let pair = self.pair(writer);
        if let Some(peer) = &self.pairs[pair].peer {
            assert_eq!(peer.writev(Default::default(), region.into(), &pieces), Err(Status::ACCESS_DENIED));
            self.reached.insert("write: ACCESS_DENIED");
        }
    }

    fn write_to_region(&mut self, writer: u8, region: u32, message: &Message) {
        let bytes = self.bytes(message);
        let pieces: Vec<IoSlice<'_>> = message.cut(&bytes).into_iter().map(IoSlice::new).collect();
        let pair = self.pair(writer);
        let result = self.pairs[pair].copies[0].writev(Default::default(), region.max(1), &pieces);
        assert_eq!(result, Err(Status::OUT_OF_RANGE));
        self.reached.insert("write: OUT_OF_RANGE");
    }

    fn read_one(&mut self, style: ReadStyle) {
        let expected = self.oracle.read();
        let wrapped = self.oracle.tail % self.oracle.capacity < self.reader.tail() % self.oracle.capacity;
        self.reached.insert(match (&expected, wrapped) {
            (None, _) => "read: empty",
            (Some(_), false) => "read: ok",
            (Some(_), true) => "read: across the end",
        });
        assert_eq!(self.read(style), Ok(expected), "{style:?}");
    }

    /// Reads one record from the ring alone.
    fn read(&mut self, style: ReadStyle) -> Taken {
        read(&mut self.reader, style).unwrap_or_else(|| self.read_in_place())
    }

    /// As Fuchsia's callers do it. Also looks at the padding, which no other style can see.
    fn read_in_place(&mut self) -> Taken {
        let (tail, head) = (self.reader.tail(), self.reader.head());
        if tail == head {
            return Ok(None);
        }
        // SAFETY: this thread is the only one that knows of the ring, and it writes nothing while the slice lives.
        let (tag, message) = unsafe { self.reader.first_message_in(tail..head) }?;
        let message = message.to_vec();
        let record = iobring::ring_buffer_record_len(message.len());
        assert_eq!(record as u64, record_len(message.len()));
        // SAFETY: as above; any bytes are a valid array of bytes.
        let last: [u8; 8] = unsafe { self.reader.read(tail + record as u64 - 8) };
        let padding = message.len().next_multiple_of(8) - message.len();
        assert_eq!(last[8 - padding..], [0; 8][..padding], "the padding of a message of {} bytes", message.len());
        self.reader.increment_tail(record);
        Ok(Some((tag, message)))
    }

    fn drain(&mut self, at_most: usize) {
        let mut visited = Vec::new();
        let count = self.reader.drain(|record| {
            visited.push((record.tag(), record.to_vec()));
            if visited.len() < at_most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert_eq!(count, Ok(visited.len()));
        let expected: Vec<_> = (0..at_most.max(1)).map_while(|_| self.oracle.read()).collect();
        assert_eq!(visited, expected);
        self.reached.insert(if self.oracle.records.is_empty() { "drain: all" } else { "drain: broken off" });
    }

    fn await_message(&mut self, writer: u8, message: &Message) {
        if !self.oracle.records.is_empty() {
            return;
        }
        let bytes = self.bytes(message);
        let pieces: Vec<IoSlice<'_>> = message.cut(&bytes).into_iter().map(IoSlice::new).collect();
        let pair = self.pair(writer);
        let Pair { tag, copies, .. } = &self.pairs[pair];
        let (count, waker) = Count::waker();
        let mut context = Context::from_waker(&waker);
        let mut reading = pin!(self.reader.read_message());
        assert!(reading.as_mut().poll(&mut context).is_pending());
        let result = copies[0].writev(Default::default(), 0, &pieces);
        assert_eq!(result, self.oracle.write(*tag, pieces.len(), &bytes));
        if result.is_ok() {
            // The owner's thread passes a ring of the kernel's on. If it did not, this would never end.
            while self.elsewhere && count.get() == 0 {
                std::thread::yield_now();
            }
            assert_eq!(count.get(), 1, "a waiting task is woken once");
            let expected = self.oracle.read().map(Ok);
            assert_eq!(poll_once(reading), expected);
            self.reached.insert("await: woken");
        } else {
            // Anybody who took the lock may have rung; a task that looks for nothing waits on.
            assert!(reading.as_mut().poll(&mut context).is_pending());
            self.reached.insert("await: refused");
        }
    }

    fn wait(&mut self, index: WaitIndex, blocking: bool) {
        let Oracle { head, tail, .. } = self.oracle;
        let index = match index {
            WaitIndex::Tail => tail,
            WaitIndex::Head => head,
            WaitIndex::BelowHead => head.saturating_sub(1),
            WaitIndex::Never => u64::MAX,
        };
        let seen = match blocking {
            true => self.reader.wait_blocking(index, Some(Duration::ZERO)),
            false => poll_once(self.reader.wait(index)),
        };
        assert_eq!(seen, (head > index).then_some(head), "waiting for more than {index}");
        self.reached.insert(if seen.is_some() { "wait: there" } else { "wait: not there" });
    }

    fn readable(&mut self) -> bool {
        self.reached.insert("poll");
        let fd = self.reader.as_fd();
        let mut polled = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
        poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).expect("poll") == 1
    }

    fn new_writer(&mut self, tag: u64) {
        if self.pairs.len() < MOST_PAIRS {
            let (writer, peer) = self.reader.new_iob_writer(tag).expect("a pair");
            self.pairs.push(Pair { tag, copies: vec![(self.by)(writer)], peer: Some(peer) });
        }
    }

    fn copy_writer(&mut self, writer: u8) {
        let pair = self.pair(writer);
        let copies = &mut self.pairs[pair].copies;
        if copies.len() < MOST_PAIRS {
            copies.push(copies[0].clone());
        }
    }

    /// Drops a copy of a writer, but never the last copy of the last writer.
    fn drop_writer(&mut self, writer: u8) {
        let pair = self.pair(writer);
        if self.pairs.len() == 1 && self.pairs[pair].copies.len() == 1 {
            return;
        }
        self.pairs[pair].copies.pop();
        if self.pairs[pair].copies.is_empty() {
            let gone = self.pairs.swap_remove(pair);
            // At once, or as soon as the owner's thread has seen it.
            let told = |peer: Iob| if self.elsewhere { peer.wait_peer_closed(None) } else { peer.is_peer_closed() };
            assert!(gone.peer.is_none_or(told), "writer {} is gone", gone.tag);
            self.reached.insert("peer closed");
        }
    }

    fn drop_peer(&mut self, writer: u8) {
        let pair = self.pair(writer);
        self.pairs[pair].peer = None;
    }

    fn resync(&mut self) {
        assert_eq!(self.reader.resync(), self.oracle.resync(), "bytes given up");
        self.reached.insert("resync");
    }

    /// Damages the ring; the very next write and every read notice; then the ring is mended.
    fn damage(&mut self, damage: Damage, remedy: Remedy) {
        let Some(scribble) = damage.scribble(&self.oracle, &self.shared) else {
            return;
        };
        let sound = self.shared.word(scribble.offset);
        self.shared.set_word(scribble.offset, scribble.value);
        match scribble.offset {
            HEAD => self.oracle.head = scribble.value,
            TAIL => self.oracle.tail = scribble.value,
            _ => {}
        }
        let (tag, writer) = (self.pairs[0].tag, &self.pairs[0].copies[0]);
        assert_eq!(writer.write(Default::default(), 0, b"probe"), self.oracle.write(tag, 1, b"probe"), "{damage:?}");
        self.compare();
        let error = self.error_after(damage, &scribble);
        for style in
            [ReadStyle::Batch, ReadStyle::Into, ReadStyle::Async, ReadStyle::Blocking, ReadStyle::Drain, ReadStyle::Try]
        {
            assert_eq!(self.read(style), Err(error), "{style:?} after {damage:?}");
            self.compare();
        }
        self.reached.insert(match error {
            Error::BadAlignment => "read: BadAlignment",
            Error::TooSmall => "read: TooSmall",
            Error::BadLength => "read: BadLength",
        });
        match remedy {
            Remedy::Resync => self.resync(),
            Remedy::Undo => {
                self.shared.set_word(scribble.offset, sound);
                match scribble.offset {
                    HEAD => self.oracle.head = sound,
                    TAIL => self.oracle.tail = sound,
                    _ => {}
                }
            }
        }
    }

    /// Reads until the damage is noticed. What the reader knew to be published before it may still deliver.
    fn error_after(&mut self, damage: Damage, scribble: &crate::damage::Scribble) -> Error {
        loop {
            let len = match damage {
                Damage::Length(_) => scribble.value,
                _ => self.oracle.records.front().map_or(u64::MAX, |(_, message)| message.len() as u64),
            };
            match self.read(ReadStyle::Try) {
                Err(error) => {
                    assert_eq!(Some(error), self.oracle.read_error(len), "{damage:?}");
                    return error;
                }
                Ok(record) => {
                    assert!(record.is_some() && damage.is_noticed_late(), "{record:?} after {damage:?}");
                    assert_eq!(record, self.oracle.read(), "{damage:?}");
                }
            }
        }
    }
}
