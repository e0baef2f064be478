//! A second thread overwrites the region, again and again, while the library reads and writes it.
//!
//! No answer can be foretold, but each must be within bounds: no record longer than the ring or the maximum, no more
//! visits than records fit, no panic, no access outside the mapping (which the sanitizer sees), and every call returns.

use crate::{Target, decode_and_run};
use arbitrary::Arbitrary;
use iobring::{Iob, MAX_MESSAGE_SIZE, Reader, RingBuffer, Status};
use iobring_oracle::machine::Reached;
use iobring_oracle::operation::{MOST_PAGES, ReadStyle, until_the_end};
use iobring_oracle::read::read;
use iobring_oracle::shared::{HEAD, HEADER_WORDS, INTEREST, LOCK, TAIL, TOP};
use iobring_oracle::task::poll_once;
use memmap2::{MmapOptions, MmapRaw};
use rustix::fd::{AsFd, AsRawFd};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The target.
pub const TARGET: Target = Target {
    name: "scribbler",
    run: |bytes| decode_and_run(bytes, run),
    reaches: &[
        "drain",
        "first",
        "head alone is scribbled",
        "header alone is scribbled",
        "interest alone is scribbled",
        "length alone is scribbled",
        "read",
        "resync",
        "ring alone is scribbled",
        "tail alone is scribbled",
        "wait",
        "write",
    ],
};

/// About so many calls are made while the scribbler scribbles: the input's, again and again.
const CALLS: usize = 2048;

/// The most rounds of calls, however few calls there are to a round.
const MOST_ROUNDS: usize = 512;

/// How many records are written before each round, so that there is something to read.
const REFILL: usize = 8;

#[derive(Debug, Arbitrary)]
struct Input {
    pages: u8,
    /// The length of the messages that are read.
    len: u8,
    /// How many of the scribbles there are. Few of them hit the same word more often.
    count: u8,
    scribbles: [Scribble; 4],
    #[arbitrary(with = until_the_end)]
    calls: Vec<Call>,
}

/// A word, and what is written there in turn.
#[derive(Clone, Copy, Debug, Arbitrary)]
struct Scribble {
    at: Place,
    values: [Value; 2],
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Place {
    Head,
    Tail,
    Interest,
    /// A word of the first page, but the lock's.
    Header(u8),
    /// The length of the record that is read next.
    Length,
    /// Any word of the ring.
    Ring(u16),
}

impl Place {
    fn alone(self) -> &'static str {
        match self {
            Place::Head => "head alone is scribbled",
            Place::Tail => "tail alone is scribbled",
            Place::Interest => "interest alone is scribbled",
            Place::Header(_) => "header alone is scribbled",
            Place::Length => "length alone is scribbled",
            Place::Ring(_) => "ring alone is scribbled",
        }
    }
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Value {
    Any(u64),
    Bytes(u16),
    Words(u16),
    /// What a record of the whole ring's size, or of the largest size, would have, give or take.
    AroundLimit(i8),
    BelowTop(u8),
    /// So far ahead of `tail` as it is then: for `head`, to publish what lies there.
    AfterTail(u16),
    /// About a full ring, as `head` would have it: so many words more or fewer.
    AroundFull(i8),
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Call {
    Read(ReadStyle),
    Drain,
    Wait { index: u16, blocking: bool },
    Write { len: u16 },
    Resync,
}

/// The region as another process maps it.
struct Hand {
    map: MmapRaw,
}

impl Hand {
    fn of(ring: &RingBuffer) -> Self {
        let map = MmapOptions::new().map_raw(ring.as_fd().as_raw_fd()).expect("a mapping of the region");
        Hand { map }
    }

    fn word(&self, offset: u64) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.map.len() as u64);
        // SAFETY: within the mapping and aligned (just asserted); the library accesses these words as atomics or as bytes
        // of a mapping that others may write.
        unsafe { &*self.map.as_mut_ptr().add(offset as usize).cast::<AtomicU64>() }
    }

    fn scribble(&self, at: Place, value: Value, capacity: u64) {
        let page = self.map.len() as u64 - capacity;
        let tail = self.word(TAIL).load(Ordering::Relaxed);
        let offset = match at {
            Place::Head => HEAD,
            Place::Tail => TAIL,
            Place::Interest => INTEREST,
            // The lock word is left alone: a made-up owner would be waited for.
            Place::Header(word) => match 8 * (u64::from(word) % HEADER_WORDS) {
                LOCK => HEAD,
                offset => offset,
            },
            Place::Length => page + ((tail & !7).wrapping_add(8)) % capacity,
            Place::Ring(word) => page + 8 * u64::from(word) % capacity,
        };
        let value = match value {
            Value::Any(value) => value,
            Value::Bytes(bytes) => bytes.into(),
            Value::Words(words) => 8 * u64::from(words),
            Value::AroundLimit(by) => (capacity.min(MAX_MESSAGE_SIZE as u64) - 16).wrapping_add_signed(by.into()),
            Value::BelowTop(words) => TOP - 8 * u64::from(words),
            Value::AfterTail(words) => tail.wrapping_add(8 * u64::from(words)),
            Value::AroundFull(words) => tail.wrapping_add(capacity).wrapping_add_signed(8 * i64::from(words)),
        };
        self.word(offset).store(value, Ordering::Relaxed);
    }
}

/// What the second thread does: writes the same few values, until it is told to stop.
struct Scribbling {
    hand: Hand,
    scribbles: Vec<Scribble>,
    capacity: u64,
    started: Barrier,
    stop: AtomicBool,
}

impl Scribbling {
    fn run(&self) {
        self.started.wait();
        while !self.stop.load(Ordering::Relaxed) {
            for turn in 0..2 {
                for scribble in &self.scribbles {
                    self.hand.scribble(scribble.at, scribble.values[turn], self.capacity);
                }
            }
        }
    }
}

/// The second thread. One for all inputs: to start and to end one takes longer than most of what they ask for.
struct Scribbler {
    work: Sender<Arc<Scribbling>>,
    done: Receiver<()>,
}

impl Scribbler {
    fn start() -> Self {
        let ((work, works), (is_done, done)) = (channel::<Arc<Scribbling>>(), channel());
        thread::spawn(move || {
            for scribbling in works {
                scribbling.run();
                // The mapping goes before anybody is told.
                drop(scribbling);
                if is_done.send(()).is_err() {
                    return;
                }
            }
        });
        Scribbler { work, done }
    }
}

/// Inputs are run one at a time.
static SCRIBBLER: LazyLock<Mutex<Scribbler>> = LazyLock::new(|| Mutex::new(Scribbler::start()));

fn run(input: &Input) -> Reached {
    let capacity = (1 + usize::from(input.pages) % MOST_PAGES) * iobring_oracle::page::page_size();
    let mut reader = RingBuffer::try_create(capacity).expect("memory for a small ring");
    let (writer, _) = reader.new_iob_writer(7).expect("a pair");
    let message = vec![input.len; input.len.into()];
    let scribbles = input.scribbles[..1 + usize::from(input.count) % input.scribbles.len()].to_vec();
    let mut reached: Reached =
        scribbles.first().filter(|_| scribbles.len() == 1).map(|only| only.at.alone()).into_iter().collect();
    let (hand, capacity) = (Hand::of(&reader), capacity as u64);
    let (started, stop) = (Barrier::new(2), AtomicBool::new(false));
    let scribbling = Arc::new(Scribbling { hand, scribbles, capacity, started, stop });
    let scribbler = SCRIBBLER.lock().unwrap_or_else(PoisonError::into_inner);
    scribbler.work.send(scribbling.clone()).expect("it waits for work");
    scribbling.started.wait();
    let stop = StopOnDrop { scribbling, scribbler: &scribbler };
    for _ in 0..(CALLS / input.calls.len().max(1)).clamp(1, MOST_ROUNDS) {
        for _ in 0..REFILL {
            // Whatever the header looks like just then.
            let _ = writer.write(Default::default(), 0, &message);
        }
        for call in &input.calls {
            reached.insert(one(&mut reader, &writer, *call));
        }
    }
    drop(stop);
    reached
}

/// Ends the scribbling, also when a call panics, and waits until it has ended.
struct StopOnDrop<'a> {
    scribbling: Arc<Scribbling>,
    scribbler: &'a Scribbler,
}

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.scribbling.stop.store(true, Ordering::Relaxed);
        let ended = self.scribbler.done.recv();
        if !thread::panicking() {
            ended.expect("it only stores");
        }
    }
}

fn one(reader: &mut Reader, writer: &Iob, call: Call) -> &'static str {
    let longest = reader.capacity().min(MAX_MESSAGE_SIZE) - 16;
    match call {
        Call::Read(style) => {
            let Some(message) = read(reader, style) else { return first(reader) };
            if let Ok(Some((_, message))) = message {
                assert!(message.len() <= longest, "{} bytes", message.len());
            }
            "read"
        }
        Call::Drain => drain(reader, usize::MAX),
        Call::Wait { index, blocking } => {
            let index = u64::from(index);
            let seen = match blocking {
                true => reader.wait_blocking(index, Some(Duration::ZERO)),
                false => poll_once(reader.wait(index)),
            };
            assert!(seen.is_none_or(|head| head > index));
            "wait"
        }
        Call::Write { len } => {
            let possible = [Ok(()), Err(Status::INVALID_ARGS), Err(Status::NO_SPACE), Err(Status::IO_DATA_INTEGRITY)];
            static BYTES: [u8; u16::MAX as usize] = [0xa5; u16::MAX as usize];
            let result = writer.write(Default::default(), 0, &BYTES[..len.into()]);
            assert!(possible.contains(&result), "{result:?}");
            "write"
        }
        Call::Resync => {
            // Walks over what is there.
            let there = reader.accounts().total.in_ring;
            let least = 16 * there.records + there.bytes;
            assert!(least <= reader.capacity() as u64, "{there:?} in a ring of {}", reader.capacity());
            assert!(reader.resync() <= reader.capacity() as u64);
            "resync"
        }
    }
}

fn drain(reader: &mut Reader, at_most: usize) -> &'static str {
    let capacity = reader.capacity();
    let longest = capacity.min(MAX_MESSAGE_SIZE) - 16;
    let (mut visits, mut bytes) = (0, 0);
    let result = reader.drain(|record| {
        visits += 1;
        bytes += 16 + record.len().next_multiple_of(8);
        assert!(record.len() <= longest);
        assert_eq!(record.to_vec().len(), record.len(), "a record's length is what it was when it was checked");
        if visits < at_most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert!(result.is_err() || result == Ok(visits));
    assert!(bytes <= capacity, "{visits} records of {bytes} bytes in a ring of {capacity}");
    "drain"
}

/// The unsafe call: its length is checked like the others'. Its bytes are not looked at, since its caller would have to
/// vouch that they rest.
fn first(reader: &Reader) -> &'static str {
    let longest = reader.capacity().min(MAX_MESSAGE_SIZE) - 16;
    // SAFETY: no byte of the slice is read, so that nobody writes to what is read.
    if let Ok((_, message)) = unsafe { reader.first_message_in(reader.tail()..reader.head()) } {
        assert!(message.len() <= longest);
    }
    "first"
}
