//! Threads on the real mapping: each writer's order kept, nothing lost, nothing twice, no tag wrong.

use iobring::{Iob, Reader, RingBuffer, Status};
use iobring_oracle::elsewhere;
use iobring_oracle::watchdog::Watchdog;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const WRITERS: u64 = 4;
const MESSAGES: u64 = 100_000;

/// A message of 8 to 71 bytes that says who sent it and which one it is.
fn message(writer: u64, sequence: u64) -> Vec<u8> {
    let mut bytes = sequence.to_ne_bytes().to_vec();
    bytes.extend((0..(sequence % 64) as u8).map(|i| i ^ writer as u8));
    bytes
}

/// The threads are not scoped: when the test fails they would be waited for, and they for room.
#[test]
fn four_writers_through_64_kib() {
    let watchdog = Watchdog::new("four writers through 64 KiB");
    let mut reader = RingBuffer::create(64 * 1024);
    let full = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (iob, _) = reader.new_iob_writer(writer).unwrap();
            let full = full.clone();
            thread::spawn(move || {
                for sequence in 0..MESSAGES {
                    let bytes = message(writer, sequence);
                    while let Err(status) = iob.write(Default::default(), 0, &bytes) {
                        assert_eq!(status, Status::NO_SPACE);
                        full.store(true, Ordering::Relaxed);
                        thread::yield_now();
                    }
                }
            })
        })
        .collect();
    let mut next = [0; WRITERS as usize];
    for _ in 0..WRITERS * MESSAGES {
        let (tag, bytes) = reader.read_message_blocking(None).unwrap().unwrap();
        assert_eq!(bytes, message(tag, next[tag as usize]), "writer {tag}");
        next[tag as usize] += 1;
        watchdog.progress();
    }
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    assert_eq!(next, [MESSAGES; WRITERS as usize]);
    assert_eq!(reader.head(), reader.tail());
    assert!(full.load(Ordering::Relaxed), "the ring was never full, so back pressure was not tested");
}

/// What a thread does last, when other thread-local storage may be gone already.
struct Last(Iob, Option<Reader>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.send(b"last").unwrap();
        self.1.take();
    }
}

#[test]
fn a_thread_writes_and_drops_in_its_destructors() {
    thread_local! {
        static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
    }
    let _watchdog = Watchdog::new("destructors of threads");
    let at_last = |iob, reader| thread::spawn(move || LAST.set(Some(Last(iob, reader)))).join().unwrap();
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(1).unwrap();
    for writer in [iob.clone(), elsewhere::isolated(&iob), elsewhere::mapped(&iob)] {
        at_last(writer, None);
        assert_eq!(reader.read_message_blocking(None), Ok(Some((1, b"last".to_vec()))));
    }
    assert!(!peer.is_peer_closed());
    // The ring itself goes, with its broker.
    let isolated = elsewhere::isolated(&iob);
    at_last(iob, Some(reader));
    assert!(peer.is_peer_closed() && isolated.wait_peer_closed(None));
    assert_eq!(isolated.send(b"late"), Err(Status::PEER_CLOSED));
}
