//! Waiting with the reader's descriptor: poll, epoll in both modes, and an executor's reactor.

use iobring::{Iob, Reader, RingBuffer};
use iobring_oracle::page::page_size;
use iobring_oracle::watchdog::Watchdog;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::thread;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

fn ring() -> (Reader, Iob) {
    let reader = RingBuffer::try_create(page_size()).unwrap();
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    (reader, writer)
}

fn write(writer: &Iob, message: &[u8]) {
    writer.write(Default::default(), 0, message).unwrap();
}

const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Whether the descriptor is readable now. A copy of it, because asking the reader for it arms it anew.
fn readable(fd: &OwnedFd) -> bool {
    poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&AT_ONCE)).unwrap() == 1
}

fn descriptor(reader: &Reader) -> OwnedFd {
    reader.bell().unwrap()
}

#[test]
fn it_is_readable_while_there_are_records() {
    let (mut reader, writer) = ring();
    let fd = descriptor(&reader);
    assert!(!readable(&fd));
    write(&writer, b"one");
    assert!(readable(&fd));
    write(&writer, b"two");
    reader.try_read_message().unwrap().unwrap();
    assert!(readable(&fd), "one is left");
    reader.try_read_message().unwrap().unwrap();
    assert_eq!(reader.try_read_message(), Ok(None));
    assert!(!readable(&fd), "it was found empty");
    write(&writer, b"three");
    assert!(readable(&fd), "and armed again");
}

#[test]
fn records_that_were_there_before_it_was_asked_for() {
    let (reader, writer) = ring();
    write(&writer, b"one");
    assert!(readable(&descriptor(&reader)));
}

/// Each way to find the ring empty arms it.
#[test]
fn every_way_of_reading_arms_it() {
    let finds_nothing: [fn(&mut Reader) -> bool; 3] = [
        |reader| reader.try_read_message() == Ok(None),
        |reader| reader.read_into(&mut Vec::new()) == Ok(None),
        |reader| reader.drain(|_| ControlFlow::Continue(())) == Ok(0),
    ];
    for found_nothing in finds_nothing {
        let (mut reader, writer) = ring();
        let fd = descriptor(&reader);
        for _ in 0..3 {
            write(&writer, b"one");
            assert!(readable(&fd));
            assert_eq!(reader.drain(|_| ControlFlow::Continue(())), Ok(1));
            assert!(found_nothing(&mut reader));
            assert!(!readable(&fd));
        }
    }
}

/// Given up in one go, the ring is empty: found so by the next read.
#[test]
fn after_resync_it_is_armed_as_after_reading() {
    let (mut reader, writer) = ring();
    let fd = descriptor(&reader);
    write(&writer, b"one");
    reader.resync();
    assert_eq!(reader.try_read_message(), Ok(None));
    assert!(!readable(&fd));
    write(&writer, b"two");
    assert!(readable(&fd));
}

/// A writer in another thread and a reader that sleeps in epoll, reading until there is nothing after each event.
fn through_epoll(mode: EventFlags) {
    const MESSAGES: u32 = 5000;
    let watchdog = Watchdog::new("epoll");
    let (mut reader, writer) = ring();
    let epoll = epoll::create(CreateFlags::CLOEXEC).unwrap();
    epoll::add(&epoll, reader.as_fd(), EventData::new_u64(42), EventFlags::IN | mode).unwrap();
    let writing = thread::spawn(move || {
        for i in 0..MESSAGES {
            while writer.write(Default::default(), 0, &i.to_ne_bytes()).is_err() {
                thread::yield_now();
            }
            if i % 7 == 0 {
                thread::yield_now();
            }
        }
    });
    let mut next = 0;
    while next < MESSAGES {
        let mut events = [MaybeUninit::uninit(); 4];
        let (events, _) = epoll::wait(&epoll, &mut events, None).unwrap();
        watchdog.progress();
        assert_eq!(events.iter().map(|event| event.data.u64()).collect::<Vec<_>>(), [42]);
        while let Some((_, message)) = reader.try_read_message().unwrap() {
            assert_eq!(message, next.to_ne_bytes());
            next += 1;
        }
    }
    writing.join().unwrap();
}

#[test]
fn epoll_level_triggered() {
    through_epoll(EventFlags::empty());
}

#[test]
fn epoll_edge_triggered() {
    through_epoll(EventFlags::ET);
}

/// What tokio's `AsyncFd` wants: something with a raw descriptor.
struct Pollable(Reader);

impl AsRawFd for Pollable {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

#[tokio::test(flavor = "current_thread")]
async fn tokio_async_fd() {
    const MESSAGES: u32 = 2000;
    let watchdog = Watchdog::new("tokio's AsyncFd");
    let (reader, writer) = ring();
    // SAFETY: the reader's descriptor is always the same one and stays open for as long as the reader lives.
    let registered = unsafe { AsyncFd::register_with_interest(Pollable(reader), Interest::READABLE) };
    let mut reader = registered.unwrap();
    let writing = thread::spawn(move || {
        for i in 0..MESSAGES {
            while writer.write(Default::default(), 0, &i.to_ne_bytes()).is_err() {
                thread::yield_now();
            }
            if i % 7 == 0 {
                thread::yield_now();
            }
        }
    });
    let mut next = 0;
    while next < MESSAGES {
        let mut ready = reader.readable_mut().await.unwrap();
        watchdog.progress();
        while let Some((_, message)) = ready.get_inner_mut().0.try_read_message().unwrap() {
            assert_eq!(message, next.to_ne_bytes());
            next += 1;
        }
        ready.clear_ready();
    }
    writing.join().unwrap();
}

#[test]
fn smol_async() {
    const MESSAGES: u32 = 2000;
    let watchdog = Watchdog::new("smol's Async");
    let (reader, writer) = ring();
    let mut reader = smol::Async::new(reader).unwrap();
    let writing = thread::spawn(move || {
        for i in 0..MESSAGES {
            while writer.write(Default::default(), 0, &i.to_ne_bytes()).is_err() {
                thread::yield_now();
            }
        }
    });
    smol::block_on(async {
        let mut next = 0;
        while next < MESSAGES {
            reader.readable().await.unwrap();
            watchdog.progress();
            // SAFETY: the descriptor of the reader is neither replaced nor closed.
            let reader = unsafe { reader.get_mut() };
            while let Some((_, message)) = reader.try_read_message().unwrap() {
                assert_eq!(message, next.to_ne_bytes());
                next += 1;
            }
        }
    });
    writing.join().unwrap();
}

/// A thread that waits and a descriptor that is watched do not rob each other.
#[test]
fn descriptor_and_blocking_wait_together() {
    let (mut reader, writer) = ring();
    let fd = descriptor(&reader);
    for _ in 0..100 {
        let other = writer.clone();
        let writing = thread::spawn(move || write(&other, b"one"));
        assert!(reader.read_message_blocking(None).unwrap().is_some());
        writing.join().unwrap();
        assert!(readable(&fd));
        assert_eq!(reader.try_read_message(), Ok(None));
        assert!(!readable(&fd));
    }
}
