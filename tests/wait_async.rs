//! Waiting as a task: on every executor, cancelled, and never woken for nothing.

use futures::future::{Either, ready, select};
use iobring::{Iob, Reader, RingBuffer};
use iobring_oracle::page::page_size;
use iobring_oracle::task::{Count, poll_once};
use iobring_oracle::watchdog::Watchdog;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::thread;
use std::time::Duration;

fn ring() -> (Reader, Iob) {
    let reader = RingBuffer::try_create(page_size()).unwrap();
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    (reader, writer)
}

fn write(writer: &Iob, message: &[u8]) {
    writer.write(Default::default(), 0, message).unwrap();
}

const MESSAGES: u32 = 2000;

/// Another thread writes one message at a time, each as soon as the last was read, so that the task waits for most.
async fn ping_pong() {
    let watchdog = Watchdog::new("ping pong");
    let (mut there, there_writer) = ring();
    let (mut back, back_writer) = ring();
    let other = thread::spawn(move || {
        for i in 0..MESSAGES {
            write(&there_writer, &i.to_ne_bytes());
            let answer = back.read_message_blocking(None).unwrap();
            assert_eq!(answer, Some((7, i.to_ne_bytes().to_vec())));
        }
    });
    for _ in 0..MESSAGES {
        let (_, message) = there.read_message().await.unwrap();
        watchdog.progress();
        write(&back_writer, &message);
    }
    other.join().unwrap();
}

#[test]
fn on_pollster() {
    pollster::block_on(ping_pong());
}

#[test]
fn on_futures() {
    futures::executor::block_on(ping_pong());
}

#[test]
fn on_smol() {
    smol::block_on(smol::spawn(ping_pong()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_tokio() {
    tokio::spawn(ping_pong()).await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn on_tokio_of_one_thread() {
    ping_pong().await;
}

/// The future and the reader may move between threads.
#[test]
fn futures_can_be_sent() {
    fn is_send<T: Send>(_: &T) {}
    let (mut reader, writer) = ring();
    is_send(&writer);
    is_send(&reader);
    is_send(&reader.read_message());
    is_send(&reader.wait(0));
}

#[test]
fn what_is_there_is_ready_at_once() {
    let (mut reader, writer) = ring();
    write(&writer, b"one");
    assert_eq!(poll_once(reader.wait(0)), Some(24));
    assert_eq!(poll_once(reader.wait(23)), Some(24));
    assert_eq!(poll_once(reader.wait(24)), None);
    assert_eq!(poll_once(reader.read_message()), Some(Ok((7, b"one".to_vec()))));
    assert_eq!(poll_once(reader.read_message()), None);
}

/// Polls with a waker that counts.
fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

#[test]
fn a_task_is_woken_once_and_only_by_a_record() {
    let (mut reader, writer) = ring();
    let (woken, waker) = Count::waker();
    let mut reading = pin!(reader.read_message());
    assert!(poll(reading.as_mut(), &waker).is_pending());
    assert_eq!(woken.get(), 0);
    write(&writer, b"one");
    write(&writer, b"two");
    write(&writer, b"three");
    assert_eq!(woken.get(), 1);
    assert_eq!(poll(reading, &waker), Poll::Ready(Ok((7, b"one".to_vec()))));
    write(&writer, b"four");
    assert_eq!(woken.get(), 1, "nobody waits any more");
}

/// A wait for more than the next record goes on after it.
#[test]
fn a_wait_for_more_is_polled_again() {
    let (mut reader, writer) = ring();
    let (woken, waker) = Count::waker();
    let mut waiting = pin!(reader.wait(24));
    assert!(poll(waiting.as_mut(), &waker).is_pending());
    write(&writer, b"one");
    assert_eq!(woken.get(), 1);
    assert!(poll(waiting.as_mut(), &waker).is_pending());
    write(&writer, b"two");
    assert_eq!(woken.get(), 2);
    assert_eq!(poll(waiting, &waker), Poll::Ready(48));
}

/// The waker of the last poll counts.
#[test]
fn a_task_that_moved_is_woken_where_it_is() {
    let (mut reader, writer) = ring();
    let (first, first_waker) = Count::waker();
    let (second, second_waker) = Count::waker();
    let mut reading = pin!(reader.read_message());
    assert!(poll(reading.as_mut(), &first_waker).is_pending());
    assert!(poll(reading.as_mut(), &second_waker).is_pending());
    write(&writer, b"one");
    assert_eq!((first.get(), second.get()), (0, 1));
}

/// A waker whose copying writes a record: between a wait's first look at `head` and its registration.
struct WritesWhenCopied(Iob);

impl WritesWhenCopied {
    /// # Safety
    /// This outlives the waker.
    unsafe fn waker(&self) -> Waker {
        const TABLE: RawWakerVTable = RawWakerVTable::new(
            |data| {
                // SAFETY: `data` is what `waker` was made of, which outlives it.
                let WritesWhenCopied(writer) = unsafe { &*data.cast() };
                write(writer, b"just in time");
                RawWaker::new(Waker::noop().data(), Waker::noop().vtable())
            },
            |_| {},
            |_| {},
            |_| {},
        );
        // SAFETY: the table's functions may be called on any thread with the data, which outlives the waker; its copies have none.
        unsafe { Waker::new(std::ptr::from_ref(self).cast(), &TABLE) }
    }
}

/// A record that is published after the first look and before anybody can know of the wait is found by the second look.
#[test]
fn a_record_between_look_and_registration_is_found() {
    // A registration that comes after the reader is known to wait would be rung while it is made, and stuck.
    let _watchdog = Watchdog::new("registration");
    let (mut reader, writer) = ring();
    let writes = WritesWhenCopied(writer);
    // SAFETY: it is dropped before.
    let waker = unsafe { writes.waker() };
    assert_eq!(poll(pin!(reader.wait(0)), &waker), Poll::Ready(32));
    assert_eq!(reader.try_read_message(), Ok(Some((7, b"just in time".to_vec()))));
}

/// An empty record wakes as well.
#[test]
fn an_empty_message_wakes() {
    let (mut reader, writer) = ring();
    let (woken, waker) = Count::waker();
    let mut reading = pin!(reader.read_message());
    assert!(poll(reading.as_mut(), &waker).is_pending());
    write(&writer, b"");
    assert_eq!(woken.get(), 1);
    assert_eq!(poll(reading, &waker), Poll::Ready(Ok((7, vec![]))));
}

#[test]
fn a_cancelled_wait_leaves_nothing_behind() {
    let (mut reader, writer) = ring();
    let (cancelled, cancelled_waker) = Count::waker();
    assert!(poll(pin!(reader.read_message()), &cancelled_waker).is_pending());
    write(&writer, b"one");
    assert_eq!(cancelled.get(), 0, "a dropped future's task is left alone");
    assert_eq!(poll_once(reader.read_message()), Some(Ok((7, b"one".to_vec()))), "and no record is lost");
    // Cancelled, and waited again before the write.
    for _ in 0..3 {
        assert!(poll(pin!(reader.wait(24)), &cancelled_waker).is_pending());
    }
    let (woken, waker) = Count::waker();
    {
        let mut reading = pin!(reader.read_message());
        assert!(poll(reading.as_mut(), &waker).is_pending());
        write(&writer, b"two");
        assert_eq!((cancelled.get(), woken.get()), (0, 1));
        assert_eq!(poll(reading, &waker), Poll::Ready(Ok((7, b"two".to_vec()))));
    }
    // Cancelled after it was woken.
    {
        let mut reading = pin!(reader.read_message());
        assert!(poll(reading.as_mut(), &waker).is_pending());
        write(&writer, b"three");
    }
    assert_eq!(reader.try_read_message(), Ok(Some((7, b"three".to_vec()))));
}

/// A cancelled task, then a thread that waits, and the other way round.
#[test]
fn waits_of_both_kinds_follow_each_other() {
    let (mut reader, writer) = ring();
    for _ in 0..100 {
        assert_eq!(poll_once(reader.read_message()), None);
        let other = writer.clone();
        let writing = thread::spawn(move || write(&other, b"for a thread"));
        assert_eq!(reader.read_message_blocking(None), Ok(Some((7, b"for a thread".to_vec()))));
        writing.join().unwrap();
        assert_eq!(reader.wait_blocking(reader.head(), Some(Duration::ZERO)), None);
        let other = writer.clone();
        let writing = thread::spawn(move || write(&other, b"for a task"));
        assert_eq!(pollster::block_on(reader.read_message()), Ok((7, b"for a task".to_vec())));
        writing.join().unwrap();
    }
}

/// Reads in a `select` that has something better to do, cancelled at every poll that finds nothing: every record arrives
/// all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_in_a_select() {
    let (mut reader, writer) = ring();
    let mut received = 0;
    let mut writing = None;
    while received < MESSAGES {
        match select(pin!(reader.read_message()), ready(())).await {
            Either::Left((message, _)) => {
                assert_eq!(message, Ok((7, received.to_ne_bytes().to_vec())));
                received += 1;
            }
            Either::Right(_) => {
                let writer = writer.clone();
                // The first read is cancelled for certain: nobody writes before it.
                writing.get_or_insert_with(|| tokio::spawn(write_all(writer)));
                tokio::task::yield_now().await;
            }
        }
    }
    writing.unwrap().await.unwrap();
    assert_eq!(poll_once(reader.read_message()), None);
}

async fn write_all(writer: Iob) {
    for i in 0..MESSAGES {
        while writer.write(Default::default(), 0, &i.to_ne_bytes()).is_err() {
            tokio::task::yield_now().await;
        }
        if i % 3 == 0 {
            tokio::task::yield_now().await;
        }
    }
}
