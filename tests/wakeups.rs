//! No wake-up is lost: many rounds in which the reader falls asleep just as the writer writes.
//!
//! No wait here has a timeout, which would hide a loss; a [`Watchdog`] aborts the test instead.

use iobring::{Iob, Reader, RingBuffer, Status};
use iobring_oracle::page::page_size;
use iobring_oracle::watchdog::Watchdog;
use rustix::event::{PollFd, PollFlags, poll};
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

const ROUNDS: u32 = 30_000;

fn ring() -> (Reader, Iob) {
    let reader = RingBuffer::try_create(page_size()).unwrap();
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    (reader, writer)
}

/// A pause of varying length, so that writes meet every phase of falling asleep.
fn hesitate(round: u32) {
    for _ in 0..round.wrapping_mul(2_654_435_761) >> 23 {
        std::hint::spin_loop();
    }
}

/// How one message is received, sleeping if need be.
trait Receive: Send + 'static {
    /// Before the first message.
    fn new(reader: &Reader) -> Self;
    fn receive(&mut self, reader: &mut Reader) -> Vec<u8>;
}

/// Two threads send one message to and fro; each sleeps while the other has it.
fn to_and_fro<R: Receive>(what: &'static str) {
    let watchdog = Watchdog::new(what);
    let (mut there, there_writer) = ring();
    let (mut back, back_writer) = ring();
    let other = thread::spawn(move || {
        let mut receiver = R::new(&there);
        for round in 0..ROUNDS {
            let message = receiver.receive(&mut there);
            hesitate(round);
            back_writer.write(Default::default(), 0, &message).unwrap();
        }
    });
    let mut receiver = R::new(&back);
    for round in 0..ROUNDS {
        there_writer.write(Default::default(), 0, &round.to_ne_bytes()).unwrap();
        assert_eq!(receiver.receive(&mut back), round.to_ne_bytes());
        hesitate(round.reverse_bits());
        watchdog.progress();
    }
    other.join().unwrap();
}

struct Thread;

impl Receive for Thread {
    fn new(_: &Reader) -> Self {
        Thread
    }
    fn receive(&mut self, reader: &mut Reader) -> Vec<u8> {
        reader.read_message_blocking(None).unwrap().unwrap().1
    }
}

#[test]
fn of_a_thread() {
    to_and_fro::<Thread>("a blocking read");
}

struct Task;

impl Receive for Task {
    fn new(_: &Reader) -> Self {
        Task
    }
    fn receive(&mut self, reader: &mut Reader) -> Vec<u8> {
        pollster::block_on(reader.read_message()).unwrap().1
    }
}

#[test]
fn of_a_task() {
    to_and_fro::<Task>("an async read");
}

/// Asked for once, as for epoll: from then on only reads arm it.
struct Descriptor(OwnedFd);

impl Receive for Descriptor {
    fn new(reader: &Reader) -> Self {
        Descriptor(reader.as_fd().try_clone_to_owned().unwrap())
    }
    fn receive(&mut self, reader: &mut Reader) -> Vec<u8> {
        loop {
            if let Some((_, message)) = reader.try_read_message().unwrap() {
                return message;
            }
            poll(&mut [PollFd::new(&self.0, PollFlags::IN)], None).unwrap();
        }
    }
}

#[test]
fn of_a_descriptor() {
    to_and_fro::<Descriptor>("a poll");
}

/// Several writers that contend for the lock and a reader that sleeps on the same word, in a ring so small that it is
/// often full.
#[test]
fn of_writers_and_the_reader_on_one_lock() {
    const WRITERS: u64 = 4;
    let watchdog = Watchdog::new("four writers and a reader");
    let mut reader = RingBuffer::try_create(page_size()).unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|tag| {
            let (writer, _) = reader.new_iob_writer(tag).unwrap();
            thread::spawn(move || {
                for round in 0..ROUNDS / 4 {
                    while let Err(status) = writer.write(Default::default(), 0, &round.to_ne_bytes()) {
                        assert_eq!(status, Status::NO_SPACE);
                        thread::yield_now();
                    }
                    hesitate(round);
                }
            })
        })
        .collect();
    let mut next = [0; WRITERS as usize];
    while next != [ROUNDS / 4; WRITERS as usize] {
        let (tag, message) = reader.read_message_blocking(None).unwrap().unwrap();
        assert_eq!(message, next[tag as usize].to_ne_bytes());
        next[tag as usize] += 1;
        watchdog.progress();
    }
    writers.into_iter().for_each(|writer| writer.join().unwrap());
}
