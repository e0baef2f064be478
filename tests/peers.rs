//! Endpoints: whose tag, who may write, and who learns that the other end is gone.

use iobring::{Iob, RingBuffer, Status};
use iobring_oracle::elsewhere;
use iobring_oracle::watchdog::Watchdog;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

/// What a poll without waiting says of the endpoint's descriptor.
fn hung_up(iob: &Iob) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(iob.as_fd(), PollFlags::empty())];
    let ready = poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap();
    assert_eq!(ready == 1, polled[0].revents().contains(PollFlags::HUP));
    ready == 1
}

#[test]
fn each_writer_has_its_tag() {
    let mut reader = RingBuffer::create(65_536);
    let pairs: Vec<_> = [0, 1, u64::MAX, 1].map(|tag| (tag, reader.new_iob_writer(tag).unwrap())).into();
    for (_, (writer, _)) in &pairs {
        writer.clone().write(Default::default(), 0, b"hello").unwrap();
    }
    for (tag, _) in &pairs {
        assert_eq!(reader.try_read_message(), Ok(Some((*tag, b"hello".to_vec()))));
    }
}

#[test]
fn only_the_last_copy_closes_and_only_its_own_peer() {
    let reader = RingBuffer::create(65_536);
    let (one, peer_of_one) = reader.new_iob_writer(1).unwrap();
    let (_two, peer_of_two) = reader.new_iob_writer(1).unwrap();
    let copy = one.clone();
    let another_peer = peer_of_one.clone();
    drop(one);
    assert!(!peer_of_one.is_peer_closed() && !hung_up(&peer_of_one), "a copy is left");
    drop(copy);
    assert!(peer_of_one.is_peer_closed() && hung_up(&peer_of_one));
    assert!(another_peer.is_peer_closed() && hung_up(&another_peer), "every copy of the peer sees it");
    assert!(!peer_of_two.is_peer_closed() && !hung_up(&peer_of_two), "the other pair has nothing to do with it");
}

/// A descriptor that was asked for only after the hang-up says so as well.
#[test]
fn a_late_descriptor_has_hung_up() {
    let reader = RingBuffer::create(65_536);
    let (writer, peer) = reader.new_iob_writer(1).unwrap();
    drop(writer);
    assert!(hung_up(&peer));
}

/// As many copies elsewhere as there are, and not one of them is forgotten.
#[test]
fn copies_elsewhere_are_all_told() {
    let _watchdog = Watchdog::new("telling copies elsewhere");
    let reader = RingBuffer::create(65_536);
    let (writer, peer) = reader.new_iob_writer(1).unwrap();
    let copies: Vec<Iob> = (0..20).map(|_| elsewhere::isolated(&writer)).collect();
    assert!(copies.iter().all(|copy| !copy.is_peer_closed()));
    drop(peer);
    for copy in &copies {
        assert!(copy.wait_peer_closed(None));
    }
}

#[test]
fn the_writer_sees_its_peer_go_and_writes_on() {
    let mut reader = RingBuffer::create(65_536);
    let (writer, peer) = reader.new_iob_writer(1).unwrap();
    assert!(!writer.is_peer_closed() && !hung_up(&writer));
    drop(peer);
    assert!(writer.is_peer_closed() && hung_up(&writer));
    writer.write(Default::default(), 0, b"on").unwrap();
    assert_eq!(reader.try_read_message(), Ok(Some((1, b"on".to_vec()))));
}

#[test]
fn the_peer_cannot_write() {
    let reader = RingBuffer::create(65_536);
    let (_writer, peer) = reader.new_iob_writer(1).unwrap();
    assert_eq!(peer.write(Default::default(), 0, b"no"), Err(Status::ACCESS_DENIED));
    assert_eq!(peer.clone().writev(Default::default(), 0, &[]), Err(Status::ACCESS_DENIED));
    assert_eq!(reader.head(), 0);
}

#[test]
fn waiting_for_the_peer_ends_with_it_or_with_the_time() {
    let _watchdog = Watchdog::new("waiting for a peer");
    let reader = RingBuffer::create(65_536);
    let (writer, peer) = reader.new_iob_writer(1).unwrap();
    assert!(!peer.wait_peer_closed(Some(Duration::ZERO)));
    assert!(!peer.wait_peer_closed(Some(Duration::from_millis(1))));
    let waiting = thread::spawn(move || {
        let closed = peer.wait_peer_closed(None);
        (closed, peer.wait_peer_closed(Some(Duration::ZERO)), peer.wait_peer_closed(Some(Duration::MAX)))
    });
    drop(writer);
    assert_eq!(waiting.join().unwrap(), (true, true, true), "and from then on at once");
}

#[test]
fn waiting_elsewhere_ends_with_the_peer_or_with_the_time() {
    let _watchdog = Watchdog::new("waiting for a peer elsewhere");
    let reader = RingBuffer::create(65_536);
    let (writer, peer) = reader.new_iob_writer(1).unwrap();
    let copies = [elsewhere::isolated(&writer), elsewhere::mapped(&writer)];
    for copy in &copies {
        assert!(!copy.wait_peer_closed(Some(Duration::ZERO)));
        assert!(!copy.wait_peer_closed(Some(Duration::from_millis(1))));
    }
    drop(peer);
    for copy in &copies {
        assert!(copy.wait_peer_closed(None));
        assert!(copy.wait_peer_closed(Some(Duration::ZERO)), "and from then on at once");
    }
}

/// Wherever the last copy is: dropped here, or the socket of one elsewhere, of whose end the broker hears.
#[test]
fn a_task_waits_for_its_peer() {
    let _watchdog = Watchdog::new("tasks that wait for a peer");
    let reader = RingBuffer::create(65_536);
    for elsewhere in [None, Some(elsewhere::isolated as fn(&Iob) -> Iob), Some(elsewhere::mapped)] {
        let (writer, peer) = reader.new_iob_writer(1).unwrap();
        let copy = elsewhere.map(|hand_over| hand_over(&writer));
        let waiting = [peer.clone(), peer].map(|peer| {
            thread::spawn(move || pollster::block_on(async { futures::join!(peer.peer_closed(), peer.peer_closed()) }))
        });
        drop(writer);
        thread::yield_now();
        drop(copy);
        waiting.into_iter().for_each(|waiting| assert!(matches!(waiting.join().unwrap(), (Ok(()), Ok(())))));
    }
}

/// A waker that is broken, and one that counts.
struct Broken;

impl Wake for Broken {
    fn wake(self: Arc<Self>) {
        panic!("a broken waker");
    }
}

struct Counting(AtomicU32);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Somebody's broken waker costs nobody else the news.
#[test]
fn every_task_is_told_though_a_waker_panics() {
    let mut reader = RingBuffer::create(65_536);
    reader.end_with_writers();
    let (writer, peer) = reader.new_iob_writer(1).unwrap();
    let (broken, counting) = (Waker::from(Arc::new(Broken)), Arc::new(Counting(AtomicU32::new(0))));
    let sound = Waker::from(counting.clone());
    let mut waits = [pin!(peer.peer_closed()), pin!(peer.peer_closed()), pin!(peer.peer_closed())];
    for (wait, waker) in waits.iter_mut().zip([&sound, &broken, &sound]) {
        assert!(wait.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }
    let panicked = catch_unwind(AssertUnwindSafe(|| drop(writer)));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"a broken waker"));
    assert_eq!(counting.0.load(Ordering::Relaxed), 2, "both of the others");
    assert!(reader.is_at_end(), "the last writer is gone");
}

/// Whoever sees the writer gone finds everything it wrote.
#[test]
fn everything_written_is_there_when_the_peer_is_gone() {
    let watchdog = Watchdog::new("the end of a writer");
    for round in 0..200u64 {
        let mut reader = RingBuffer::create(65_536);
        let (writer, peer) = reader.new_iob_writer(round).unwrap();
        let writing = thread::spawn(move || {
            for _ in 0..round {
                writer.write(Default::default(), 0, b"hello").unwrap();
            }
        });
        match round % 2 {
            0 => assert!(peer.wait_peer_closed(None)),
            _ => {
                while !peer.is_peer_closed() {
                    thread::yield_now();
                }
            }
        }
        let mut there = 0;
        while reader.try_read_message().unwrap().is_some() {
            there += 1;
        }
        assert_eq!(there, round);
        writing.join().unwrap();
        watchdog.progress();
    }
}

/// Endpoints keep the ring's memory: a writer outlives the reader, and is refused.
#[test]
fn a_writer_outlives_the_reader() {
    let reader = RingBuffer::create(65_536);
    let (writer, _peer) = reader.new_iob_writer(1).unwrap();
    drop(reader);
    assert_eq!(writer.write(Default::default(), 0, b"hello"), Err(Status::PEER_CLOSED));
}
