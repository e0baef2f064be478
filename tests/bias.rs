//! A lock that is biased towards the thread that writes alone: who gets that, who ends it, and that nothing is lost meanwhile.

use iobring::{Iob, Reader, RingBuffer, Status};
use iobring_oracle::child::{self, Fork};
use iobring_oracle::elsewhere;
use iobring_oracle::shared::{BIAS, LOCK, Shared};
use iobring_oracle::task::Count;
use iobring_oracle::watchdog::Watchdog;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::AsFd;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

/// So many writes in turn, and the lock is biased. (At least so many: not a promise.)
const ALONE: u64 = 256;
/// It was, and is no more.
const ENDED: u32 = 1 << 31;
/// Nor will it be again.
const FOR_EVER: u32 = 1 << 30;

fn id() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get() as u32
}

/// A ring, and towards whom its lock is biased.
struct Ring {
    reader: Reader,
    iob: Iob,
    _peer: Iob,
    shared: Shared,
}

impl Ring {
    fn new() -> Self {
        let reader = RingBuffer::create(64 * 1024);
        let (iob, peer) = reader.new_iob_writer(1).unwrap();
        let shared = Shared::of(&reader);
        Ring { reader, iob, _peer: peer, shared }
    }

    /// One whose lock is biased towards this thread.
    fn biased() -> Self {
        let mut ring = Ring::new();
        for number in 0..ALONE {
            ring.exchange(number);
        }
        assert_eq!(ring.bias(), id(), "a thread that writes alone");
        ring
    }

    /// Writes a record and reads it.
    fn exchange(&mut self, number: u64) {
        self.iob.send(&number.to_ne_bytes()).unwrap();
        assert_eq!(self.reader.try_read_message(), Ok(Some((1, number.to_ne_bytes().to_vec()))));
    }

    fn bias(&self) -> u32 {
        self.shared.word(BIAS) as u32
    }
}

#[test]
fn who_writes_alone_keeps_it() {
    let mut ring = Ring::biased();
    (0..3 * ALONE).for_each(|number| ring.exchange(number));
    assert_eq!(ring.bias(), id());
}

#[test]
fn another_thread_ends_it_and_may_have_it_later() {
    let mut ring = Ring::biased();
    let first = id();
    let iob = ring.iob.clone();
    let write = move |times: u64| {
        (0..times).for_each(|number| iob.send(&number.to_ne_bytes()).unwrap());
        id()
    };
    let once = write.clone();
    thread::spawn(move || once(1)).join().unwrap();
    assert_eq!(ring.bias(), first | ENDED);
    // This thread finds that it has lost it.
    ring.iob.send(b"found out").unwrap();
    assert_eq!(ring.bias(), 0);
    let second = thread::spawn(move || write(ALONE)).join().unwrap();
    assert_eq!(ring.bias(), second);
    assert_eq!(ring.reader.drain(|_| std::ops::ControlFlow::Continue(())), Ok(1 + 1 + ALONE as usize));
}

#[test]
fn a_reader_that_waits_ends_it() {
    let mut ring = Ring::biased();
    assert_eq!(ring.reader.read_message_blocking(Some(Duration::from_millis(1))), Ok(None));
    assert_eq!(ring.bias(), id() | ENDED, "asleep on the lock");
}

#[test]
fn who_waits_for_a_bell_is_noticed() {
    let mut ring = Ring::biased();
    let (reader, iob) = (&mut ring.reader, &ring.iob);
    let (told, waker) = Count::waker();
    let mut next = pin!(reader.read_message());
    assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    iob.send(b"for a task").unwrap();
    assert_eq!(told.get(), 1);
    assert_eq!(next.poll(&mut Context::from_waker(&waker)), Poll::Ready(Ok((1, b"for a task".to_vec()))));

    let mut ring = Ring::biased();
    let bell = ring.reader.as_fd().try_clone_to_owned().unwrap();
    assert_eq!(ring.reader.try_read_message(), Ok(None));
    ring.iob.send(b"for who polls").unwrap();
    let at_once = Some(&Timespec { tv_sec: 0, tv_nsec: 0 });
    assert_eq!(poll(&mut [PollFd::new(&bell, PollFlags::IN)], at_once), Ok(1));
    assert_eq!(ring.reader.try_read_message(), Ok(Some((1, b"for who polls".to_vec()))));
}

#[test]
fn it_ends_for_ever_before_others_map_the_ring() {
    let mut ring = Ring::biased();
    let mapped = elsewhere::mapped(&ring.iob);
    assert_eq!(ring.bias(), id() | ENDED | FOR_EVER);
    for number in 0..2 * ALONE {
        ring.exchange(number);
        mapped.send(b"mapped").unwrap();
        assert_eq!(ring.reader.try_read_message(), Ok(Some((1, b"mapped".to_vec()))));
    }
    (0..2 * ALONE).for_each(|number| ring.exchange(number));
    assert_eq!(ring.bias(), id() | ENDED | FOR_EVER);
}

/// The lock may be a stopped process's by then.
#[test]
fn to_let_the_next_map_it_takes_no_lock() {
    let watchdog = Watchdog::new("a hand-over while the lock is held");
    let ring = Ring::biased();
    let first = elsewhere::mapped(&ring.iob);
    // Held by a thread that does not give it up.
    ring.shared.write(LOCK, &1_u32.to_ne_bytes());
    let second = elsewhere::mapped(&ring.iob);
    watchdog.progress();
    ring.shared.write(LOCK, &0_u32.to_ne_bytes());
    first.send(b"first").unwrap();
    second.send(b"second").unwrap();
}

#[test]
fn a_fork_ends_it_for_ever() {
    let mut ring = Ring::biased();
    // SAFETY: the child writes, which is what is tested, and exits.
    let child = unsafe { child::fork(Fork::Raw, || i32::from(ring.iob.send(b"the child").is_err())) };
    assert_eq!(child::result(child), 0);
    assert_eq!(ring.bias(), id() | ENDED | FOR_EVER);
    assert_eq!(ring.reader.try_read_message(), Ok(Some((1, b"the child".to_vec()))));
    ring.exchange(1);
}

/// As the system may give it: that of the biased thread, which has ended.
#[test]
fn a_fork_of_the_same_id_is_not_taken_for_the_biased_thread() {
    let mut ring = Ring::biased();
    // SAFETY: the child writes, which is what is tested, and exits.
    let child = unsafe {
        child::fork(Fork::Raw, || {
            ring.shared.write(BIAS, &id().to_ne_bytes());
            i32::from(ring.iob.send(b"the child").is_err() || ring.bias() != id() | ENDED | FOR_EVER)
        })
    };
    assert_eq!(child::result(child), 0);
    assert_eq!(ring.reader.try_read_message(), Ok(Some((1, b"the child".to_vec()))));
    ring.exchange(1);
}

/// One thread writes all the time, another now and then, and the reader sleeps when it has nothing to read: the bias is given and ended
/// again and again.
#[test]
fn nothing_is_lost_where_it_comes_and_goes() {
    const ROUNDS: u64 = 300;
    const EACH: u64 = ALONE + 100;
    let watchdog = Watchdog::new("a bias that comes and goes");
    let Ring { mut reader, iob, shared, .. } = Ring::new();
    let (other, _peer) = reader.new_iob_writer(2).unwrap();
    let (written, given) = (AtomicU64::new(0), AtomicU64::new(0));
    let send = |iob: &Iob, number: u64| {
        while let Err(status) = iob.send(&number.to_ne_bytes()) {
            assert_eq!(status, Status::NO_SPACE);
            thread::yield_now();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..ROUNDS * EACH {
                send(&iob, number);
                written.store(number + 1, Ordering::Relaxed);
                if number % EACH == EACH - 1 {
                    given.fetch_add(u64::from(shared.word(BIAS) as u32 == id()), Ordering::Relaxed);
                }
            }
        });
        scope.spawn(|| {
            for round in 0..ROUNDS {
                while written.load(Ordering::Relaxed) < round * EACH {
                    thread::yield_now();
                }
                send(&other, round);
            }
        });
        let mut next = [0u64; 2];
        for _ in 0..ROUNDS * EACH + ROUNDS {
            // Without a time limit, which would end what a lost wake-up does not.
            let (tag, message) = reader.read_message_blocking(None).unwrap().expect("no time limit");
            let next = &mut next[tag as usize - 1];
            assert_eq!(message, next.to_ne_bytes(), "the records of writer {tag} in order");
            *next += 1;
            watchdog.progress();
        }
    });
    assert_eq!(reader.head(), reader.tail());
    assert_ne!(given.into_inner(), 0, "no round ended with the lock biased");
}
