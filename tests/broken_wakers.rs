//! A task's waker is somebody else's code, and may panic, or come back into the library. Whoever has called it has done all else that
//! was to be done, and nobody beside that task misses anything.

use iobring::{Iob, Reader, RingBuffer, Status, ring_buffer_record_len};
use iobring_oracle::elsewhere;
use iobring_oracle::patience::{PATIENCE, until};
use iobring_oracle::shared::{ROOM, Shared};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::future::Future;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};
use std::thread;

const CAPACITY: usize = 64 * 1024;
const LARGE: usize = 40_000;

/// Panics when it is woken.
struct Broken;

impl Wake for Broken {
    fn wake(self: Arc<Self>) {
        panic!("a broken waker");
    }
}

fn broken() -> Waker {
    Waker::from(Arc::new(Broken))
}

type Wait = Pin<Box<dyn Future<Output = u64> + Send>>;

/// Waits anew when it is woken, and panics then.
struct Insistent {
    wait: Mutex<Option<Wait>>,
    woken: AtomicU32,
}

impl Insistent {
    /// Has `reader` wait for what never comes.
    fn wait(mut reader: Reader) -> Arc<Self> {
        let wait: Wait = Box::pin(async move { reader.wait(u64::MAX - 1).await });
        let this = Arc::new(Insistent { wait: Mutex::new(Some(wait)), woken: AtomicU32::new(0) });
        this.clone().poll();
        this
    }

    fn poll(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        if let Some(wait) = &mut *self.wait.lock().unwrap() {
            assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
    }

    fn is_woken(&self) {
        until(|| if self.woken.load(Ordering::SeqCst) == 0 { Err("it is not woken".into()) } else { Ok(()) });
    }
}

impl Wake for Insistent {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, Ordering::SeqCst);
        self.poll();
        panic!("a broken waker that waits again");
    }
}

fn is_readable(descriptor: impl AsFd) -> bool {
    poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
}

/// The broker has asked the reader to be told of room.
fn is_asked_for(ring: &RingBuffer) {
    let shared = Shared::of(ring);
    until(|| if shared.word(ROOM) == 0 { Err("nobody asks for room".into()) } else { Ok(()) });
}

fn ring() -> (Reader, Iob, Iob) {
    let reader = RingBuffer::create(CAPACITY);
    let (iob, peer) = reader.new_iob_writer(1).unwrap();
    (reader, iob, peer)
}

/// Who polls the descriptor is told, too.
#[test]
fn the_descriptor_is_readable() {
    let (mut reader, iob, _peer) = ring();
    let bell = reader.bell().unwrap();
    assert!(!is_readable(&bell));
    let mut wait = pin!(reader.wait(0));
    assert!(wait.as_mut().poll(&mut Context::from_waker(&broken())).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| iob.send(b"here"))).is_err());
    assert!(is_readable(&bell), "a reader that polls is not told of a record");
}

/// A thread of the library's own is what wakes it: an isolated writer's record has come. Afterwards it does not serve any more, and the
/// ring still comes to its end.
#[test]
fn the_broker_ends_and_so_can_the_ring() {
    let (mut reader, iob, peer) = ring();
    let isolated = elsewhere::isolated(&iob);
    {
        let mut wait = pin!(reader.wait(0));
        assert!(wait.as_mut().poll(&mut Context::from_waker(&broken())).is_pending());
        isolated.send(b"one").unwrap();
        assert!(isolated.wait_peer_closed(Some(PATIENCE)), "nobody says that it is served no more");
    }
    assert_eq!(reader.try_read_message(), Ok(Some((1, b"one".to_vec()))));
    // Who writes into the ring by himself does not need the thread.
    iob.send(b"two").unwrap();
    reader.close();
    assert_eq!(iob.send(b"three"), Err(Status::PEER_CLOSED));
    assert_eq!(reader.read_message_blocking(Some(PATIENCE)), Ok(Some((1, b"two".to_vec()))));
    assert!(reader.is_at_end(), "the ring is closed, and does not come to its end");
    drop(iob);
    assert!(peer.wait_peer_closed(Some(PATIENCE)));
}

/// The same, and the ring is dropped instead of closed.
#[test]
fn the_broker_ends_and_the_reader_is_dropped() {
    let (mut reader, iob, _peer) = ring();
    let isolated = elsewhere::isolated(&iob);
    {
        let mut wait = pin!(reader.wait(0));
        assert!(wait.as_mut().poll(&mut Context::from_waker(&broken())).is_pending());
        isolated.send(b"one").unwrap();
        assert!(isolated.wait_peer_closed(Some(PATIENCE)));
    }
    drop(reader);
    assert_eq!(iob.send(b"two"), Err(Status::PEER_CLOSED));
}

/// It panics once more while the broker, which it has ended, gives up what was set aside for a message.
#[test]
fn it_panics_again_while_the_broker_ends() {
    let (reader, iob, _peer) = ring();
    let isolated = elsewhere::isolated(&iob);
    iob.send(&[0; LARGE]).unwrap();
    let by_hand = Arc::clone(&reader);
    isolated.send(&[1; LARGE]).unwrap();
    is_asked_for(&by_hand);
    let insistent = Insistent::wait(reader);
    by_hand.increment_tail(ring_buffer_record_len(LARGE));
    insistent.is_woken();
    assert!(isolated.wait_peer_closed(Some(PATIENCE)));
    let wait = insistent.wait.lock().unwrap_or_else(PoisonError::into_inner).take();
    drop(wait);
}

/// A waker of a writer that waits for room.
#[test]
fn others_who_wait_for_room_are_told() {
    let (mut reader, iob, _peer) = ring();
    iob.send(&[0; LARGE]).unwrap();
    let mut waits = pin!(iob.send_when_room(&[1; LARGE]));
    assert!(waits.as_mut().poll(&mut Context::from_waker(&broken())).is_pending());
    let other = iob.clone();
    let thread = thread::spawn(move || other.send_timeout(&[2; LARGE], Some(PATIENCE)));
    is_asked_for(&reader);
    reader.try_read_message().unwrap().unwrap();
    // The broker has ended, with a panic that is not theirs: they are told, and may find that nobody waits for them.
    let told = thread.join().unwrap();
    assert!(matches!(told, Ok(()) | Err(Status::PEER_CLOSED)), "{told:?}");
}
