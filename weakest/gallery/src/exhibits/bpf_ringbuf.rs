//! The reserve and commit of Linux's BPF ring buffer, `kernel/bpf/ringbuf.c` (A. Nakryiko, 2020), in miniature: producers under a spin
//! lock, one consumer in user space.
//!
//! A producer reserves room under the lock, writes the record's header with the busy bit set, then moves the producer's position with a release
//! store; it fills the record without the lock and commits by exchanging the header for one without the busy bit. The consumer
//! acquires the producer's position, then each header; a busy one stops it.
//!
//! The documentation promises that records are consumed in the order of reservation (`Documentation/bpf/ringbuf.rst`), so a producer that
//! never commits blocks the consumer at its record. In the kernel no producer can die there: programs run to their end. The scenario
//! with a death shows what that promise is worth in user space; it is no bug of theirs.
//!
//! Assumed here: one record is one word; the kernel's `xchg` is a read-modify-write of AcqRel (it is stronger there).

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// The producers' lock.
    LOCK: CompareExchange Acquire, pairs with [UNLOCK], "positions of earlier producers";
    /// The consumer's position: how much room there is.
    ROOM: Load Acquire, pairs with [CONSUME], "a slot is reserved after it was read";
    /// The own position.
    POSITION: Load Relaxed, "in the lock";
    /// The header: reserved, and busy.
    RESERVE: Store Relaxed, "ordered by PRODUCE";
    /// One more record, busy or not.
    PRODUCE: Store Release, pairs with [LOOK], "the header is there before the record is counted";
    /// The lock is free.
    UNLOCK: Store Release, pairs with [LOCK], "as LOCK";
    /// The record.
    FILL: Write, "plain data";
    /// No longer busy.
    COMMIT: Rmw Release, pairs with [HEADER], "the record is there before it is seen to be";
    /// How many records there are.
    LOOK: Load Acquire, pairs with [PRODUCE], "as PRODUCE";
    /// Whether the record is committed.
    HEADER: Load Acquire, pairs with [COMMIT], "as COMMIT";
    /// The record.
    TAKE: Read, "plain data";
    /// One record fewer.
    CONSUME: Store Release, pairs with [ROOM], "as ROOM";
}

const BUSY: u32 = 1 << 31;
const SLOTS: u32 = 2;

struct Ring<P: Platform> {
    lock: P::AtomicBool,
    producer: P::AtomicU32,
    consumer: P::AtomicU32,
    headers: Vec<P::AtomicU32>,
    records: Vec<P::Cell>,
}

impl<P: Platform> Ring<P> {
    fn new() -> Arc<Self> {
        Arc::new(Ring {
            lock: P::AtomicBool::new("lock", false),
            producer: P::AtomicU32::new("producer", 0),
            consumer: P::AtomicU32::new("consumer", 0),
            headers: (0..SLOTS).map(|_| P::AtomicU32::new("header", 0)).collect(),
            records: (0..SLOTS as usize).map(|slot| P::Cell::new("record", slot, 0)).collect(),
        })
    }

    fn write(&self, value: u64) -> bool {
        P::retry(|| self.lock.compare_exchange(&LOCK, false, true).ok());
        let consumed = self.consumer.load(&ROOM);
        let position = self.producer.load(&POSITION);
        let room = position - consumed < SLOTS;
        if room {
            self.headers[(position % SLOTS) as usize].store(&RESERVE, BUSY | 8);
            self.producer.store(&PRODUCE, position + 1);
        }
        self.lock.store(&UNLOCK, false);
        if room {
            self.records[(position % SLOTS) as usize].write(&FILL, value);
            self.headers[(position % SLOTS) as usize].swap(&COMMIT, 8);
        }
        room
    }

    fn read(&self, position: &mut u32) -> Option<u64> {
        if *position == self.producer.load(&LOOK)
            || self.headers[(*position % SLOTS) as usize].load(&HEADER) & BUSY != 0
        {
            return None;
        }
        let value = self.records[(*position % SLOTS) as usize].read(&TAKE);
        *position += 1;
        self.consumer.store(&CONSUME, *position);
        Some(value)
    }
}

scenario! {
    /// Two producers, one of which writes twice; the consumer looks three times.
    TwoProducers<P> {
        let ring = Ring::<P>::new();
        let (other, consumer) = (ring.clone(), ring.clone());
        Program::new()
            .thread("one", move || {
                let first = ring.write(1);
                vec![first.into(), ring.write(3).into()]
            })
            .thread("two", move || vec![other.write(2).into()])
            .thread("consumer", move || {
                let mut position = 0;
                (0..3).filter_map(|_| consumer.read(&mut position)).collect()
            })
            .finish(|ends| {
                let read = ends[2].notes();
                let of_one: Vec<u64> = read.iter().copied().filter(|value| value % 2 == 1).collect();
                assert!([&[][..], &[1], &[1, 3]].contains(&&of_one[..]), "in order, and once: {read:?}");
                assert!(read.iter().filter(|value| **value == 2).count() < 2, "once: {read:?}");
                format!("{} read", read.len())
            })
    }
}

scenario! {
    /// A producer may die anywhere. The consumer waits until another one's record comes, which is reserved second.
    ADeadProducer<P> {
        let ring = Ring::<P>::new();
        let (other, consumer) = (ring.clone(), ring.clone());
        Program::new()
            .mortal("one", move || vec![ring.write(1).into()])
            .thread("two", move || vec![other.write(2).into()])
            .thread("consumer", move || {
                let value = P::retry(|| consumer.read(&mut 0));
                vec![value]
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Linux, kernel/bpf/ringbuf.c and Documentation/bpf/ringbuf.rst";
    let bad = |name, site| {
        Exhibit::weak(name, source, ALL, Fault::DataRace, weakened(site, Order::Relaxed)).with(TwoProducers)
    };
    vec![
        Exhibit::good("BPF ring buffer, reserve and commit", source, ALL).with(TwoProducers),
        Exhibit::bad("BPF ring buffer, if a producer could die", source, ALL, Fault::Livelock)
            .with(ADeadProducer)
            .deaths(1),
        bad("BPF ring buffer, relaxed commit", &COMMIT),
        bad("BPF ring buffer, relaxed header", &HEADER),
    ]
}
