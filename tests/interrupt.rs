//! Making a reader's wait return from another thread: no interruption is lost, and none is invented.

use core::future::Future;
use core::ops::ControlFlow;
use core::pin::pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::{Context, Poll, Waker};
use iobring::{Iob, Reader, RingBuffer};
use iobring_oracle::watchdog::Watchdog;
use std::thread;
use std::time::Duration;

fn ring() -> (Reader, Iob) {
    let reader = RingBuffer::create(64 * 1024);
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    (reader, writer)
}

#[test]
fn one_that_comes_first_ends_the_next_wait_and_only_that() {
    let (mut reader, writer) = ring();
    let interrupter = reader.interrupter();
    interrupter.interrupt();
    interrupter.clone().interrupt();
    assert_eq!(reader.wait_blocking(0, None), None);
    assert_eq!(reader.wait_blocking(0, Some(Duration::from_millis(1))), None);
    writer.send(b"one").unwrap();
    interrupter.interrupt();
    assert_eq!(reader.wait_blocking(0, None), Some(24), "what is waited for comes first");
    assert_eq!(reader.read_message_blocking(None), Ok(Some((7, b"one".to_vec()))));
    assert_eq!(reader.read_message_blocking(None), Ok(None), "the interruption has waited");
    interrupter.interrupt();
    assert_eq!(pollster::block_on(reader.wait(24)), 24);
}

#[test]
fn a_future_without_a_word_for_it_goes_on() {
    let (mut reader, writer) = ring();
    let interrupter = reader.interrupter();
    {
        let mut reading = pin!(reader.read_message());
        let mut context = Context::from_waker(Waker::noop());
        assert!(reading.as_mut().poll(&mut context).is_pending());
        interrupter.interrupt();
        assert!(reading.as_mut().poll(&mut context).is_pending());
        writer.send(b"one").unwrap();
        assert_eq!(reading.poll(&mut context), Poll::Ready(Ok((7, b"one".to_vec()))));
    }
    assert_eq!(reader.wait_blocking(24, None), None, "and leaves it to the next wait");
}

#[test]
fn one_that_has_outlived_its_reader_does_nothing() {
    let interrupter = ring().0.interrupter();
    interrupter.interrupt();
}

/// Each round's interruption comes a little later than the one before, measured from the moment at which the wait begins, so that
/// some meet every step of its beginning. One that is lost leaves the reader asleep, which the watchdog sees.
#[test]
fn none_is_lost_whenever_it_comes() {
    const ROUNDS: u64 = 20_000;
    for is_async in [false, true] {
        let watchdog = Watchdog::new("interruptions");
        let (mut reader, writer) = ring();
        let interrupter = reader.interrupter();
        let turn = AtomicU64::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    let mut looks = 0;
                    while turn.load(Ordering::Acquire) < round {
                        looks += 1;
                        if looks % 10_000 == 0 {
                            thread::yield_now();
                        }
                    }
                    for _ in 0..round % 200 {
                        std::hint::spin_loop();
                    }
                    if round % 5 == 0 {
                        writer.send(b"x").unwrap();
                    }
                    interrupter.interrupt();
                }
            });
            let mut records = 0;
            for round in 1..=ROUNDS {
                watchdog.progress();
                turn.store(round, Ordering::Release);
                // Until this round's interruption; a record may come before it.
                loop {
                    let tail = reader.tail();
                    let head = match is_async {
                        true => Some(pollster::block_on(reader.wait(tail))).filter(|&head| head > tail),
                        false => reader.wait_blocking(tail, None),
                    };
                    match head {
                        Some(_) => records += reader.drain(|_| ControlFlow::Continue(())).unwrap() as u64,
                        None => break,
                    }
                }
            }
            records += reader.drain(|_| ControlFlow::Continue(())).unwrap() as u64;
            assert_eq!(records, ROUNDS / 5, "and every record came");
        });
    }
}

/// Records that come while a reader that can be interrupted sleeps wake it, as ever.
#[test]
fn records_wake_a_reader_that_can_be_interrupted() {
    const ROUNDS: usize = 2_000;
    let watchdog = Watchdog::new("records for a reader that can be interrupted");
    let (mut reader, writer) = ring();
    let _interrupter = reader.interrupter();
    let (turn, turns) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || turns.into_iter().for_each(|()| writer.send(b"x").unwrap()));
        for _ in 0..ROUNDS {
            watchdog.progress();
            turn.send(()).unwrap();
            assert_eq!(reader.read_message_blocking(None), Ok(Some((7, b"x".to_vec()))));
        }
        drop(turn);
    });
}
