//! A ring in miniature, for measuring: a one-word futex lock between writers, a reader that sleeps on the same word,
//! records of two data words in a ring that wraps.

use std::sync::Arc;
use weakest::facade::native::{OWNER, WAITERS};
use weakest::facade::{Atomic, Cell, Platform, Wait, sites};
use weakest::{End, Outcomes, Program, Scenario};

sites! {
    LOCK_TRY: CompareExchange Acquire, pairs with [LOCK_FREE], "the words and head of the last owner";
    LOCK_LOOK: Load Relaxed, "only a hint";
    LOCK_CLAIM: CompareExchange Acquire, pairs with [LOCK_FREE, LOCK_FENCE], "as LOCK_TRY";
    LOCK_MARK: CompareExchange Relaxed, "only says that somebody waits";
    LOCK_SLEEP: Wait, "until the owner is through";
    LOCK_FREE: CompareExchange Release, pairs with [LOCK_TRY], "hands head over to the next owner";
    LOCK_FENCE: Fence Release, pairs with [LOCK_CLAIM, READER_MARK], "the store that wakes is relaxed";
    LOCK_SWAP: Rmw Release, pairs with [LOCK_TRY], "as LOCK_FREE, where a mistake is being made";
    LOCK_WAKE: Wake, "all who wait, writers and reader";
    WRITER_HEAD: Load Relaxed, "the lock orders it";
    WRITER_TAIL: Load Acquire, pairs with [READER_TAIL], "the old record has been read";
    WORD_WRITE: Write, "ordered by HEAD_PUBLISH";
    HEAD_PUBLISH: Store Release, pairs with [READER_HEAD], "the record is complete";
    READER_HEAD: Load Acquire, pairs with [HEAD_PUBLISH], "the record may be read";
    READER_MARK: Rmw Acquire, pairs with [LOCK_FENCE, LOCK_CLAIM], "either the owner sees the mark or the reader sees head";
    READER_RECHECK: Load Acquire, pairs with [HEAD_PUBLISH], "published before the mark";
    READER_SLEEP: Wait, "until the owner is through";
    WORD_READ: Read, "ordered by READER_HEAD";
    READER_TAIL: Store Release, pairs with [WRITER_TAIL], "the record has been read";
}

/// Words of one record.
const RECORD: u64 = 2;

struct Ring<P: Platform> {
    lock: P::AtomicU32,
    head: P::AtomicU64,
    tail: P::AtomicU64,
    words: Vec<P::Cell>,
}

impl<P: Platform> Ring<P> {
    fn new(records: u64, start: u64) -> Self {
        Ring {
            lock: P::AtomicU32::new("lock", 0),
            head: P::AtomicU64::new("head", start),
            tail: P::AtomicU64::new("tail", start),
            words: (0..(records * RECORD) as usize).map(|index| P::Cell::new("word", index, 0)).collect(),
        }
    }

    fn word(&self, index: u64) -> &P::Cell {
        &self.words[(index % self.words.len() as u64) as usize]
    }

    fn acquire(&self) -> u32 {
        P::scope(|| {
            // SAFETY: the ring outlives its threads, and nothing else is announced.
            let id = unsafe { P::announce(&self.lock) };
            if self.lock.compare_exchange(&LOCK_TRY, 0, id).is_err() {
                P::retry(|| self.contend(id));
            }
            id.into()
        }) as u32
    }

    fn contend(&self, id: u32) -> Option<()> {
        let seen = self.lock.load(&LOCK_LOOK);
        if seen & OWNER == 0 {
            return self.lock.compare_exchange(&LOCK_CLAIM, seen, id | WAITERS).is_ok().then_some(());
        }
        if seen & WAITERS != 0 || self.lock.compare_exchange(&LOCK_MARK, seen, seen | WAITERS).is_ok() {
            P::wait(&self.lock, &LOCK_SLEEP, seen | WAITERS, None);
        }
        None
    }

    fn release(&self, id: u32) {
        P::scope(|| {
            if self.lock.compare_exchange(&LOCK_FREE, id, 0).is_err() {
                P::fence(&LOCK_FENCE);
                P::store_and_wake_all(&self.lock, &LOCK_WAKE, 0);
            }
            P::retire();
            0
        });
    }

    /// Whether there was room.
    fn write(&self, tag: u64, value: u64) -> bool {
        let id = self.acquire();
        let head = self.head.load(&WRITER_HEAD);
        let tail = self.tail.load(&WRITER_TAIL);
        let room = head + RECORD - tail <= self.words.len() as u64;
        if room {
            self.word(head).write(&WORD_WRITE, tag);
            self.word(head + 1).write(&WORD_WRITE, value);
            self.head.store(&HEAD_PUBLISH, head + RECORD);
        }
        self.release(id);
        room
    }

    /// Sleeps until head is beyond `tail`.
    fn wait(&self, tail: u64) {
        P::retry(|| {
            if self.head.load(&READER_HEAD) != tail {
                return Some(());
            }
            let seen = self.lock.fetch_or(&READER_MARK, WAITERS) | WAITERS;
            if self.head.load(&READER_RECHECK) != tail {
                return Some(());
            }
            let _: Wait = P::wait(&self.lock, &READER_SLEEP, seen, None);
            None
        });
    }

    fn read(&self, tail: u64) -> (u64, u64) {
        let record = (self.word(tail).read(&WORD_READ), self.word(tail + 1).read(&WORD_READ));
        self.tail.store(&READER_TAIL, tail + RECORD);
        record
    }
}

/// A reader that sleeps, and writers that each send so many messages.
#[derive(Clone, Copy, Debug)]
pub struct WaitingReader {
    pub writers: u64,
    pub messages: u64,
    /// Records that fit in the ring.
    pub records: u64,
    pub mortal: bool,
}

impl Scenario for WaitingReader {
    fn name(&self) -> String {
        format!("wait{}x{}in{}", self.writers, self.messages, self.records)
    }

    fn about(&self) -> String {
        "Writers send; the reader sleeps when there is nothing; all arrives, in each writer's order".into()
    }

    fn outcomes(&self) -> Outcomes {
        Outcomes::Any
    }

    fn program<P: Platform>(&self) -> Program {
        // The records run over the end of the ring.
        let start = RECORD * (self.records - 1);
        let ring = Arc::new(Ring::<P>::new(self.records, start));
        let mut program = Program::new();
        for writer in 1..=self.writers {
            let (ring, messages) = (ring.clone(), self.messages);
            let body = move || {
                for message in 1..=messages {
                    // What the writer met on the way is over once the record is in.
                    P::scope(|| P::retry(|| ring.write(writer, message).then_some(0)));
                }
                Vec::new()
            };
            let name = format!("writer {writer}");
            program = if self.mortal { program.mortal(name, body) } else { program.thread(name, body) };
        }
        let total = self.writers * self.messages;
        let reader = ring.clone();
        program = program.thread("reader", move || {
            (0..total)
                .map(|record| {
                    let tail = start + record * RECORD;
                    P::scope(|| {
                        reader.wait(tail);
                        let (tag, value) = reader.read(tail);
                        tag * 16 + value
                    })
                })
                .collect()
        });
        let Self { writers, messages, .. } = *self;
        program.finish(move |ends: &[End]| {
            let got = ends.last().expect("the reader").notes();
            for writer in 1..=writers {
                let from: Vec<u64> = got.iter().filter(|r| *r / 16 == writer).map(|r| r % 16).collect();
                assert_eq!(from, (1..=messages).collect::<Vec<_>>(), "of writer {writer}");
            }
            format!("{got:?}")
        })
    }
}

/// When a writer that gives up the lock tells the operating system so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retires {
    /// After the wake-up.
    Last,
    /// Between freeing the word and the wake-up: a mistake that only a death brings to light.
    TooEarly,
}

/// Threads that take the lock once each and count themselves under it; some of them may die.
#[derive(Clone, Copy, Debug)]
pub struct Lockers {
    pub mortal: u64,
    pub immortal: u64,
    pub retires: Retires,
}

impl Scenario for Lockers {
    fn name(&self) -> String {
        format!("lockers{}+{}", self.mortal, self.immortal)
    }

    fn about(&self) -> String {
        "Whoever holds the lock counts; whoever lives gets it".into()
    }

    fn program<P: Platform>(&self) -> Program {
        let ring = Arc::new(Ring::<P>::new(1, 0));
        let Self { mortal, immortal, retires } = *self;
        let mut program = Program::new();
        for index in 0..mortal + immortal {
            let ring = ring.clone();
            let body = move || {
                let id = ring.acquire();
                let count = ring.word(0).read(&WORD_READ);
                ring.word(0).write(&WORD_WRITE, count + 1);
                match retires {
                    Retires::Last => ring.release(id),
                    Retires::TooEarly => {
                        let left = ring.lock.swap(&LOCK_SWAP, 0);
                        P::retire();
                        if left & WAITERS != 0 {
                            P::wake(&ring.lock, &LOCK_WAKE, u32::MAX);
                        }
                    }
                }
                vec![count]
            };
            let name = format!("locker {index}");
            program = if index < mortal { program.mortal(name, body) } else { program.thread(name, body) };
        }
        program.finish(move |ends: &[End]| {
            let count = ring.word(0).read(&WORD_READ);
            let through = ends.iter().filter(|end| !end.died()).count() as u64;
            assert!(count >= through && count <= mortal + immortal, "{count} of {through}");
            format!("{count}")
        })
    }
}
