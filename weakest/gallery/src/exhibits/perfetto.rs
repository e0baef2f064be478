//! The chunks of Perfetto's shared memory buffer, `src/tracing/core/shared_memory_abi.cc`, in miniature.
//!
//! From Perfetto's documentation (*Tracing protocol ABI*, *Buffers and dataflow*; Apache-2.0): a page is cut into chunks, whose states are
//! packed into one word, `Free → BeingWritten → Complete → BeingRead → Free`. A producer's thread acquires a free chunk by
//! compare-and-exchange, fills it without any lock, and releases it as complete; the service acquires it for reading in the same way and
//! gives it back. The service tolerates that a producer dies: its chunk stays `BeingWritten` and is given up with the whole buffer.
//!
//! Assumed here: two chunks; a payload of one word; the state word's exchanges are AcqRel, as there. This is the page layout that has been
//! in use since 2018, not the design notes of its successor.

use crate::{Exhibit, scenario, weakened};
use std::sync::Arc;
use weakest::Program;
use weakest::facade::{Atomic, Cell, Order, Platform, sites};
use weakest::trace::Fault;

sites! {
    /// The chunks' states.
    WRITER_LOOK: Load Relaxed, "tried by compare-and-exchange";
    /// A free chunk is taken.
    ACQUIRE_WRITE: CompareExchange Acquire, pairs with [RELEASE_READ], "a chunk is filled after it was read";
    /// The payload.
    FILL: Write, "plain data";
    /// The chunk is complete.
    RELEASE_WRITE: CompareExchange Release, pairs with [ACQUIRE_READ], "the payload is there before the chunk is complete";
    /// The states again, to release a chunk.
    RELEASE_LOOK: Load Relaxed, "tried by compare-and-exchange";
    /// The service's look.
    READER_LOOK: Load Relaxed, "tried by compare-and-exchange";
    /// A complete chunk is taken.
    ACQUIRE_READ: CompareExchange Acquire, pairs with [RELEASE_WRITE], "as RELEASE_WRITE";
    /// The payload.
    TAKE: Read, "plain data";
    /// The chunk is free.
    RELEASE_READ: CompareExchange Release, pairs with [ACQUIRE_WRITE], "as ACQUIRE_WRITE";
}

const FREE: u32 = 0;
const WRITTEN: u32 = 1;
const COMPLETE: u32 = 2;
const READ: u32 = 3;
const CHUNKS: usize = 2;

struct Page<P: Platform> {
    /// Two bits for each chunk.
    states: P::AtomicU32,
    payloads: Vec<P::Cell>,
}

fn state(states: u32, chunk: usize) -> u32 {
    states >> (2 * chunk) & 3
}

fn with(states: u32, chunk: usize, state: u32) -> u32 {
    states & !(3 << (2 * chunk)) | state << (2 * chunk)
}

impl<P: Platform> Page<P> {
    fn write(&self, value: u64) -> bool {
        let Some(chunk) = P::retry(|| {
            let states = self.states.load(&WRITER_LOOK);
            let Some(chunk) = (0..CHUNKS).find(|&chunk| state(states, chunk) == FREE) else { return Some(None) };
            let taken = with(states, chunk, WRITTEN);
            self.states.compare_exchange(&ACQUIRE_WRITE, states, taken).ok().map(|_| Some(chunk))
        }) else {
            return false;
        };
        self.payloads[chunk].write(&FILL, value);
        P::retry(|| {
            let states = self.states.load(&RELEASE_LOOK);
            self.states.compare_exchange(&RELEASE_WRITE, states, with(states, chunk, COMPLETE)).ok()
        });
        true
    }

    fn read(&self) -> Option<u64> {
        let chunk = P::retry(|| {
            let states = self.states.load(&READER_LOOK);
            let Some(chunk) = (0..CHUNKS).find(|&chunk| state(states, chunk) == COMPLETE) else { return Some(None) };
            let taken = with(states, chunk, READ);
            self.states.compare_exchange(&ACQUIRE_READ, states, taken).ok().map(|_| Some(chunk))
        })?;
        let value = self.payloads[chunk].read(&TAKE);
        P::retry(|| {
            let states = self.states.load(&RELEASE_LOOK);
            self.states.compare_exchange(&RELEASE_READ, states, with(states, chunk, FREE)).ok()
        });
        Some(value)
    }
}

scenario! {
    /// Two writers, of which one writes three times and either may die; the service looks twice. No payload comes twice or is made up.
    WritersAndService<P> {
        let payloads = (0..CHUNKS).map(|chunk| P::Cell::new("payload", chunk, 0)).collect();
        let page = Arc::new(Page::<P> { states: P::AtomicU32::new("states", 0), payloads });
        let (other, service) = (page.clone(), page.clone());
        Program::new()
            .mortal("writer", move || [1, 2, 3].map(|value| u64::from(page.write(value))).into())
            .mortal("other writer", move || vec![other.write(4).into()])
            .thread("service", move || [service.read(), service.read()].into_iter().flatten().collect())
            .finish(|ends| {
                let read = ends[2].notes();
                assert!(read.iter().all(|value| (1..=4).contains(value)), "a payload that nobody wrote: {read:?}");
                assert!(read.len() < 2 || read[0] != read[1], "a payload twice: {read:?}");
                format!("{} read", read.len())
            })
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Perfetto, shared_memory_abi and its documentation";
    let weak = |name, site| {
        Exhibit::weak(name, source, ALL, Fault::DataRace, weakened(site, Order::Relaxed)).with(WritersAndService)
    };
    vec![
        Exhibit::good("Perfetto's chunks", source, ALL).with(WritersAndService).deaths(1),
        weak("Perfetto's chunks, relaxed completion", &RELEASE_WRITE),
        weak("Perfetto's chunks, relaxed giving back", &RELEASE_READ),
    ]
}
