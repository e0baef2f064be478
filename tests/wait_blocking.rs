//! Waiting as a thread, with and without a timeout.

use iobring::{Iob, Reader, RingBuffer};
use iobring_oracle::page::page_size;
use iobring_oracle::watchdog::Watchdog;
use std::thread;
use std::time::{Duration, Instant};

fn ring() -> (Reader, Iob) {
    let reader = RingBuffer::try_create(page_size()).unwrap();
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    (reader, writer)
}

#[test]
fn what_is_there_needs_no_wait() {
    let (mut reader, writer) = ring();
    writer.write(Default::default(), 0, b"one").unwrap();
    for timeout in [None, Some(Duration::ZERO), Some(Duration::MAX)] {
        assert_eq!(reader.wait_blocking(0, timeout), Some(24));
        assert_eq!(reader.wait_blocking(23, timeout), Some(24));
    }
    assert_eq!(reader.read_message_blocking(Some(Duration::ZERO)), Ok(Some((7, b"one".to_vec()))));
}

/// It ends, with nothing, and not before its time.
#[test]
fn a_timeout_passes() {
    let (mut reader, _writer) = ring();
    for timeout in [Duration::ZERO, Duration::from_micros(1), Duration::from_millis(20)] {
        let start = Instant::now();
        assert_eq!(reader.wait_blocking(0, Some(timeout)), None);
        assert!(start.elapsed() >= timeout);
        let start = Instant::now();
        assert_eq!(reader.read_message_blocking(Some(timeout)), Ok(None));
        assert!(start.elapsed() >= timeout);
    }
}

/// Writes that do not reach the index wake the thread, and it sleeps on.
#[test]
fn a_wait_for_more_goes_on() {
    let (mut reader, writer) = ring();
    let writing = thread::spawn(move || {
        for _ in 0..10 {
            writer.write(Default::default(), 0, b"").unwrap();
            thread::yield_now();
        }
    });
    assert_eq!(reader.wait_blocking(9 * 16, None), Some(10 * 16));
    writing.join().unwrap();
}

/// A message of each of several writers, whoever sleeps.
#[test]
fn several_writers_wake_one_reader() {
    const EACH: usize = 500;
    let watchdog = Watchdog::new("three writers and a blocking reader");
    let mut reader = RingBuffer::try_create(page_size()).unwrap();
    let writers: Vec<_> = (0..3)
        .map(|tag| {
            let (writer, _) = reader.new_iob_writer(tag).unwrap();
            thread::spawn(move || {
                for _ in 0..EACH {
                    while writer.write(Default::default(), 0, b"hello").is_err() {
                        thread::yield_now();
                    }
                }
            })
        })
        .collect();
    let mut counts = [0; 3];
    for _ in 0..3 * EACH {
        let (tag, _) = reader.read_message_blocking(None).unwrap().unwrap();
        counts[tag as usize] += 1;
        watchdog.progress();
    }
    assert_eq!(counts, [EACH; 3]);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
}
