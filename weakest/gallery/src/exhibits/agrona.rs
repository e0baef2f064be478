//! Agrona's many-to-one ring buffer (`ManyToOneRingBuffer`), with its `unblock`, in miniature.
//!
//! M. Thompson and others, Agrona, Apache-2.0; the description is from its Javadoc. A producer claims room by moving the tail with a
//! compare-and-exchange, marks the record with its negative length by an ordered store, fills it, and commits with the positive length by an
//! ordered store. The consumer stops at a length that is not positive; having read, it zeroes the record and moves the head. `unblock`,
//! called by a consumer that has been stuck for long, turns a record whose producer is thought dead into padding: by compare-and-exchange if
//! the length is negative; if it is zero, by looking that all lengths up to the next record are zero too.
//!
//! Its documentation says that `unblock` is for a producer that has *died* after claiming: the timeout is the caller's, and a producer that was
//! only slow then writes into room that is no longer its own. The last exhibit shows what that proviso is worth; it is no bug of theirs.
//!
//! Assumed here: a record is one word beside its length; two records of room; Java's `putOrdered` is a release store, `putLongVolatile` a
//! `SeqCst` one, `compareAndSet` of AcqRel.

use crate::{Exhibit, weakened};
use std::sync::Arc;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;
use weakest::{Program, Scenario};

sites! {
    /// How far the consumer is.
    HEAD_LOOK: Load Acquire, pairs with [HEAD_MOVE], "a record is claimed after it was zeroed";
    /// The tail to be moved.
    TAIL_LOOK: Load Relaxed, "claimed by compare-and-exchange";
    /// Room is claimed.
    CLAIM: CompareExchange Relaxed, "only the number matters";
    /// The record is claimed, and not filled yet.
    MARK: Store Relaxed, "a consumer stops here all the same";
    /// The record.
    FILL: Write, "plain data";
    /// It is filled.
    COMMIT: Store Release, pairs with [LENGTH], "the record is filled before it is seen to be";
    /// Whether the record is filled.
    LENGTH: Load Acquire, pairs with [COMMIT], "as COMMIT";
    /// The record.
    TAKE: Read, "plain data";
    /// No record.
    ZERO: Store Relaxed, "before HEAD_MOVE";
    /// The consumer is farther.
    HEAD_MOVE: Store Release, pairs with [HEAD_LOOK], "as HEAD_LOOK";
}

mod unblock {
    weakest::facade::sites! {
        /// What is in the way.
        STUCK: Load Relaxed, "nothing is read of the record";
        /// How far the producers are.
        TAIL: Load Relaxed, "something was claimed, or there is nothing to unblock";
        /// It becomes padding.
        PAD: CompareExchange Relaxed, "nothing is read of it";
    }
}

/// A length that means: skip this.
const PADDING: i32 = 100;
const LENGTH_OF_RECORD: i32 = 8;
const SLOTS: u32 = 2;

struct Ring<P: Platform> {
    head: P::AtomicU32,
    tail: P::AtomicU32,
    lengths: Vec<P::AtomicI32>,
    records: Vec<P::Cell>,
}

impl<P: Platform> Ring<P> {
    fn new() -> Arc<Self> {
        Arc::new(Ring {
            head: P::AtomicU32::new("head", 0),
            tail: P::AtomicU32::new("tail", 0),
            lengths: (0..SLOTS).map(|_| P::AtomicI32::new("length", 0)).collect(),
            records: (0..SLOTS as usize).map(|slot| P::Cell::new("record", slot, 0)).collect(),
        })
    }

    fn write(&self, value: u64) -> bool {
        let claimed = P::retry(|| {
            let head = self.head.load(&HEAD_LOOK);
            let tail = self.tail.load(&TAIL_LOOK);
            if tail.wrapping_sub(head) >= SLOTS {
                return Some(None);
            }
            self.tail.compare_exchange(&CLAIM, tail, tail + 1).ok().map(Some)
        });
        let Some(position) = claimed else { return false };
        let slot = (position % SLOTS) as usize;
        self.lengths[slot].store(&MARK, -LENGTH_OF_RECORD);
        self.records[slot].write(&FILL, value);
        self.lengths[slot].store(&COMMIT, LENGTH_OF_RECORD);
        true
    }

    /// One look: the record at the position, if it is filled. Padding is skipped and counts as 0.
    fn read(&self, position: &mut u32) -> Option<u64> {
        let slot = (*position % SLOTS) as usize;
        let length = self.lengths[slot].load(&LENGTH);
        if length <= 0 {
            return None;
        }
        let value = if length == PADDING { 0 } else { self.records[slot].read(&TAKE) };
        self.lengths[slot].store(&ZERO, 0);
        *position += 1;
        self.head.store(&HEAD_MOVE, *position);
        Some(value)
    }

    /// The record at the position becomes padding, if it is claimed and not filled.
    fn unblock(&self, position: u32) -> bool {
        let length = &self.lengths[(position % SLOTS) as usize];
        let found = length.load(&unblock::STUCK);
        if found < 0 {
            return length.compare_exchange(&unblock::PAD, found, PADDING).is_ok();
        }
        // Claimed, and not even marked: here the next record is the next slot.
        let claimed = self.tail.load(&unblock::TAIL) > position;
        found == 0 && claimed && length.compare_exchange(&unblock::PAD, 0, PADDING).is_ok()
    }
}

/// Two producers and a consumer that looks three times.
struct TwoProducers;

impl Scenario for TwoProducers {
    fn program<P: Platform>(&self) -> Program {
        let ring = Ring::<P>::new();
        let (other, consumer, last) = (ring.clone(), ring.clone(), ring.clone());
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
            .finish(move |ends| {
                let read = ends[2].notes();
                let mut position = read.len() as u32;
                let left = std::iter::from_fn(|| last.read(&mut position)).count() as u64;
                let written: u64 = ends[..2].iter().flat_map(|end| end.notes()).sum();
                assert_eq!(read.len() as u64 + left, written, "nothing is lost");
                let of_one: Vec<u64> = read.iter().copied().filter(|value| value % 2 == 1).collect();
                assert!([&[][..], &[1], &[1, 3]].contains(&&of_one[..]), "in order, and once: {read:?}");
                assert!(read.iter().filter(|value| **value == 2).count() < 2, "once: {read:?}");
                format!("{} read", read.len())
            })
    }
}

/// One producer may die anywhere; the consumer waits for two records, and calls `unblock` if it is told that somebody died, or
/// whenever it finds nothing.
struct Unblocked {
    /// Whether only what is dead is unblocked.
    patient: bool,
}

impl Scenario for Unblocked {
    fn program<P: Platform>(&self) -> Program {
        let (ring, dead, patient) = (Ring::<P>::new(), Arc::new(P::AtomicBool::new("dead", false)), self.patient);
        let (consumer, heard) = (ring.clone(), dead.clone());
        let program =
            Program::new().mortal("producer", move || vec![ring.write(1).into()]).thread("consumer", move || {
                P::retry(|| {
                    if let Some(value) = consumer.read(&mut 0) {
                        return Some(vec![value]);
                    }
                    let gone = heard.load(&HEARD);
                    if gone || !patient {
                        let unblocked = consumer.unblock(0);
                        // Dead before it claimed anything.
                        if gone && !unblocked && consumer.read(&mut 0).is_none() {
                            return Some(vec![]);
                        }
                    }
                    None
                })
            });
        program.on_death(move |_| dead.store(&TELL, true)).finish(|ends| format!("read {:?}", ends[1].notes()))
    }
}

mod death {
    weakest::facade::sites! {
        /// Somebody died.
        TELL: Store Release, "all that the dead did comes before";
        /// Whether somebody died.
        HEARD: Load Acquire, "as TELL";
    }
}
use death::{HEARD, TELL};

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Agrona, ManyToOneRingBuffer, Javadoc";
    let weak = |name, site| {
        Exhibit::weak(name, source, ALL, Fault::DataRace, weakened(site, Order::Relaxed)).with(TwoProducers)
    };
    vec![
        Exhibit::good("Agrona's many-to-one ring", source, ALL).with(TwoProducers),
        weak("Agrona's ring, relaxed commit", &COMMIT),
        Exhibit::good("Agrona's ring, a dead producer unblocked", source, unblock::ALL)
            .with(Unblocked { patient: true })
            .deaths(1),
        Exhibit::bad("Agrona's ring, a slow producer unblocked", source, ALL, Fault::DataRace).with(Overtaken),
    ]
}

/// The consumer takes a producer that is only slow for dead, once, and goes on; another record goes into the same room.
struct Overtaken;

impl Scenario for Overtaken {
    fn program<P: Platform>(&self) -> Program {
        let ring = Ring::<P>::new();
        let consumer = ring.clone();
        Program::new().thread("producer", move || vec![ring.write(1).into()]).thread("consumer", move || {
            let mut position = 0;
            if consumer.unblock(position) {
                consumer.read(&mut position);
            }
            // The consumer's process writes, too, until it comes to the same room again.
            (2..4).map(|value| u64::from(consumer.write(value))).collect()
        })
    }
}
