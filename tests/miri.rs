//! The protocol core on plain heap memory, for Miri: under its weak memory, many schedules, and a machine of the other byte
//! order. Runs natively as a test like any other; `ci/miri.sh` runs it under Miri, where that is installed.
//!
//! Atomics are `core`'s, data words are plain memory, so that Miri sees every race. Nobody ever sleeps: a wait that returns
//! for no reason is a wait, and the only one that orders nothing at all, where condition variables would hide a missing
//! acquire. Lost wake-ups are the models' business.

use iobring::layout::Header;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::memory::bell;
use iobring::protocol::read::Found;
use iobring::protocol::{Memory, read, repair, room, wait, write};
use std::cell::UnsafeCell;
use std::io::IoSlice;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;
use weakest_facade::data::NativeData;
use weakest_facade::heap::{Boxes, Make};
use weakest_facade::native::{NativeBool, NativeI32, NativePtr, NativeU32, NativeU64, NativeUsize};
use weakest_facade::{Atomic, Cell, Platform, Site, Wait, sites};

sites! {
    /// A word of a record.
    WORD: Write, "ordered by the protocol";
}

thread_local! {
    /// How often this thread has looked at the clock.
    static LOOKS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// The machine without an operating system.
#[derive(Clone, Debug)]
enum Bare {}

impl Platform for Bare {
    type AtomicU32 = NativeU32;
    type AtomicU64 = NativeU64;
    type AtomicI32 = NativeI32;
    type AtomicUsize = NativeUsize;
    type AtomicBool = NativeBool;
    type AtomicPtr<T: 'static> = NativePtr<T>;
    type Data<T: weakest_facade::data::Plain> = NativeData<T>;
    type Heap<T: Make> = Boxes<T>;
    type Cell = Plain;

    fn fence(site: &'static Site) {
        std::sync::atomic::fence(site.order.as_core());
    }

    fn spin() {
        thread::yield_now();
    }

    /// The clock strikes whenever somebody looks.
    fn now() -> Duration {
        LOOKS.set(LOOKS.get() + 1);
        Duration::from_secs(LOOKS.get())
    }

    fn wait(word: &NativeU32, _: &'static Site, expected: u32, _: Option<Duration>) -> Wait {
        if word.as_core().load(Ordering::Relaxed) != expected {
            return Wait::Changed;
        }
        thread::yield_now();
        Wait::Woken
    }

    fn wake(_: &NativeU32, _: &'static Site, _: u32) -> u32 {
        0
    }

    fn store_and_wake_all(word: &NativeU32, _: &'static Site, value: u32) -> u32 {
        word.as_core().swap(value, Ordering::Relaxed);
        0
    }

    unsafe fn announce(_: &NativeU32) -> u32 {
        Self::thread_id()
    }

    fn thread_id() -> u32 {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        thread_local!(static ID: u32 = NEXT.fetch_add(1, Ordering::Relaxed));
        ID.with(|id| *id)
    }

    fn retire() {}
}

/// A word that nothing protects but the protocol.
struct Plain(UnsafeCell<u64>);

// SAFETY: the protocol orders any two accesses of which one is a write. That is the claim under test, and Miri its judge.
unsafe impl Sync for Plain {}

impl Cell for Plain {
    fn new(_: &'static str, _: usize, value: u64) -> Self {
        Plain(UnsafeCell::new(value))
    }

    fn read(&self, _: &'static Site) -> u64 {
        // SAFETY: see `Sync`.
        unsafe { *self.0.get() }
    }

    fn write(&self, _: &'static Site, value: u64) {
        // SAFETY: see `Sync`.
        unsafe { *self.0.get() = value }
    }
}

/// A ring on the heap. An offset past its end means its start, as the mirror of the mapping makes it mean.
struct Heap {
    header: Header<Bare>,
    words: Vec<Plain>,
    bells: NativeU32,
}

impl Heap {
    fn new(words: usize, index: u64) -> Self {
        let words = (0..words).map(|word| Plain::new("word", word, 0)).collect();
        Heap { header: Header::new(index), words, bells: NativeU32::new("bells", 0) }
    }

    fn word(&self, offset: u64) -> &Plain {
        &self.words[(offset / 8) as usize % self.words.len()]
    }

    fn message(&self, found: &Found) -> Vec<u8> {
        let words = (0..found.len.div_ceil(8) as u64).map(|word| self.read_word(found.offset + 8 * word));
        let mut bytes: Vec<u8> = words.flat_map(u64::to_ne_bytes).collect();
        bytes.truncate(found.len);
        bytes
    }

    /// Whether a bell was rung since it was last asked.
    fn hears(&self, bell: u32) -> bool {
        self.bells.as_core().fetch_and(!bell, Ordering::Relaxed) & bell != 0
    }
}

impl Memory<Bare> for Heap {
    fn header(&self) -> &Header<Bare> {
        &self.header
    }

    fn capacity(&self) -> u64 {
        8 * self.words.len() as u64
    }

    fn read_word(&self, offset: u64) -> u64 {
        self.word(offset).read(&WORD)
    }

    fn write_word(&self, offset: u64, value: u64) {
        self.word(offset).write(&WORD, value);
    }

    fn write_bytes(&self, offset: u64, bytes: &[u8]) {
        for (at, &byte) in (offset..).zip(bytes) {
            let mut word = self.word(at).read(&WORD).to_ne_bytes();
            word[(at % 8) as usize] = byte;
            self.word(at).write(&WORD, u64::from_ne_bytes(word));
        }
    }

    fn ring_bell(&self, wanted: u32) {
        self.bells.as_core().fetch_or(wanted, Ordering::Relaxed);
    }
}

const WRITERS: u64 = 3;

/// Miri takes some ten thousand times as long as the machine, and tries many schedules.
const MESSAGES: u64 = if cfg!(miri) { 6 } else { 2_000 };

/// So small that it is full again and again, and that every kind of record lies across its end.
const WORDS: usize = 14;

/// The message of a writer: its length and its bytes follow from who and which.
fn message(tag: u64, sequence: u64) -> Vec<u8> {
    (0..(tag * 7 + sequence * 5) % 30).map(|i| (tag * 50 + sequence + i) as u8).collect()
}

/// How a writer writes.
fn put(ring: &Heap, tag: u64, sequence: u64) -> Result<(), write::Refusal> {
    let message = message(tag, sequence);
    match tag {
        // As the broker does: waiting for room in its own way, filling the place itself.
        1 => write::write_with::<Bare, _, write::Refusal>(ring, tag, message.len(), |offset| {
            ring.write_bytes(offset, &message);
            let padding = message.len().next_multiple_of(8) - message.len();
            ring.write_bytes(offset + message.len() as u64, &[0; 8][..padding]);
            Ok(())
        })
        .inspect_err(|_| {
            let record = 16 + message.len().next_multiple_of(8) as u64;
            while !room::want(ring, record) && !ring.hears(bell::ROOM) {
                thread::yield_now();
            }
        }),
        2 => {
            let (first, second) = message.split_at(message.len() / 3);
            write::write::<Bare, _>(ring, tag, &[IoSlice::new(first), IoSlice::new(second)])
        }
        _ => write::write_batch::<Bare, _>(ring, tag, &[&message[..]]).map(drop),
    }
}

fn every_record_arrives(start: u64, wait: impl Fn(&Heap, u64)) {
    let ring = &Heap::new(WORDS, start);
    thread::scope(|scope| {
        for tag in 1..=WRITERS {
            scope.spawn(move || {
                for sequence in 0..MESSAGES {
                    while let Err(refusal) = put(ring, tag, sequence) {
                        assert_eq!(refusal, write::Refusal::Full);
                        thread::yield_now();
                    }
                }
            });
        }
        let mut cursor = Cursor::default();
        let mut next = [0; WRITERS as usize];
        while next != [MESSAGES; WRITERS as usize] {
            wait(ring, read::tail(ring));
            let visited = cursor.drain::<Bare, _>(ring, |found| {
                let sequence = &mut next[found.tag as usize - 1];
                assert_eq!(ring.message(found), message(found.tag, *sequence), "of {}", found.tag);
                *sequence += 1;
                ControlFlow::Continue(())
            });
            assert!(visited.is_ok_and(|visited| visited > 0), "{visited:?}");
        }
    });
    assert_eq!(repair::resynchronise(ring), 0);
}

#[test]
fn to_a_reader_that_waits_on_the_lock_word() {
    every_record_arrives(0, |ring, index| assert!(wait::wait(ring, index, None).is_some()));
}

#[test]
fn to_a_reader_that_is_rung_for() {
    every_record_arrives(8 * WORDS as u64 - 8, |ring, index| {
        while wait::subscribe(ring, index, bell::WAKER).is_none() {
            while !ring.hears(bell::WAKER) {
                thread::yield_now();
            }
        }
    });
}

/// A wait that returns for no reason, or because the word has changed, again and again.
#[test]
fn a_limited_wait_ends_when_its_time_is_up_though_it_never_gets_to_sleep() {
    /// Whatever waits for longer than the clock says does not look at it.
    struct Bounded(Heap, AtomicU32);
    impl Memory<Bare> for Bounded {
        fn header(&self) -> &Header<Bare> {
            assert!(self.1.fetch_add(1, Ordering::Relaxed) < 1_000, "its time was up long ago");
            self.0.header()
        }
        fn capacity(&self) -> u64 {
            self.0.capacity()
        }
        fn read_word(&self, offset: u64) -> u64 {
            self.0.read_word(offset)
        }
        fn write_word(&self, offset: u64, value: u64) {
            self.0.write_word(offset, value);
        }
        fn write_bytes(&self, offset: u64, bytes: &[u8]) {
            self.0.write_bytes(offset, bytes);
        }
        fn ring_bell(&self, wanted: u32) {
            self.0.ring_bell(wanted);
        }
    }
    let ring = Bounded(Heap::new(8, 0), AtomicU32::new(0));
    let begun = LOOKS.get();
    assert_eq!(wait::wait::<Bare, _>(&ring, 0, Some(Duration::from_secs(5))), None);
    assert!(LOOKS.get() - begun <= 7, "it is over as soon as it may be");
}
