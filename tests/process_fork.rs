//! Forks, signals and re-entrant wakers: whose process it is, and what runs under the library's locks.

#[path = "process/unlocked.rs"]
mod unlocked;

use iobring::{Iob, IobWriteOptions, Reader, RingBuffer, Status};
use iobring_oracle::child::{self, Fork, result};
use iobring_oracle::elsewhere::isolated;
use iobring_oracle::patience::PATIENCE;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// Children of a raw `clone` allocate: an error has a message.
#[global_allocator]
static ALLOCATOR: unlocked::Unlocked = unlocked::Unlocked::new();

/// A child that calls what a fork of a program with threads may call: this library's writes, which is what is tested, and system calls.
fn fork(how: Fork, body: impl FnOnce() -> i32) -> Pid {
    // SAFETY: each `body` here is such a one.
    unsafe { child::fork(how, body) }
}

fn send(iob: &Iob, message: &[u8]) -> Result<(), Status> {
    iob.write(IobWriteOptions, 0, message)
}

fn ring() -> (Reader, Iob, Iob) {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(7).unwrap();
    (reader, iob, peer)
}

#[test]
fn a_fork_of_a_busy_isolated_writer_writes() {
    let (mut reader, iob, _peer) = ring();
    let writer = isolated(&iob);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let _ = send(&writer, &[1; 64]);
                }
            });
        }
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = reader.read_message_blocking(Some(Duration::from_millis(1))).unwrap();
            }
        });
        for round in 0..40 {
            let how = if round % 2 == 0 { Fork::Libc } else { Fork::Raw };
            // Written or refused; the one thing it must not do is hang.
            let child = fork(how, || i32::from(!matches!(send(&writer, b"child"), Ok(()) | Err(Status::NO_SPACE))));
            let result = std::panic::catch_unwind(|| result(child));
            if result.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            assert_eq!(result.unwrap(), 0);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn losses_are_reported_once_by_whoever_had_them() {
    let (mut reader, iob, _peer) = ring();
    let writer = isolated(&iob);
    let message = [5; 8192];
    // The broker takes some out of the socket while it is filled: full is what stays full.
    let mut refused = 0;
    while refused < 1000 {
        refused += u64::from(send(&writer, &message) == Err(Status::NO_SPACE));
    }
    let (mut here, mut there) = UnixStream::pair().unwrap();
    let child = fork(Fork::Raw, || {
        let mut refused = 0;
        while refused < 2 {
            refused += i32::from(send(&writer, &message) == Err(Status::NO_SPACE));
        }
        there.write_all(&[0]).unwrap();
        there.read_exact(&mut [0]).unwrap();
        while send(&writer, b"from the child").is_err() {
            refused += 1;
        }
        refused.min(100)
    });
    here.read_exact(&mut [0]).unwrap();
    // All the room there can be: the ring is emptied until nothing comes.
    while reader.read_message_blocking(Some(Duration::from_millis(500))).unwrap().is_some() {}
    here.write_all(&[0]).unwrap();
    let theirs = result(child) as u64;
    assert!((2..100).contains(&theirs));
    while send(&writer, b"from the parent").is_err() {
        refused += 1;
    }
    for _ in 0..2 {
        let (_, message) = reader.read_message_blocking(Some(PATIENCE)).unwrap().expect("a record");
        assert!(message.starts_with(b"from the"));
    }
    assert_eq!(reader.accounts().total.reported.records, refused + theirs);
}

#[test]
fn a_fork_of_the_owner_starts_no_broker() {
    let (reader, iob, _peer) = ring();
    for how in [Fork::Libc, Fork::Raw] {
        let child = fork(how, || {
            let (ours, _theirs) = UnixStream::pair().unwrap();
            let refused = |result: std::io::Result<()>| result.is_err_and(|e| e.kind() == ErrorKind::Unsupported);
            i32::from(!(refused(iob.send_to(&ours)) && refused(iob.send_mapped_to(&ours))))
        });
        assert_eq!(result(child), 0, "{how:?}");
    }
    // The owner itself still can, and its writers are served.
    send(&isolated(&iob), b"served").unwrap();
    let mut reader = reader;
    assert_eq!(reader.read_message_blocking(Some(PATIENCE)).unwrap().unwrap().1, b"served");
}

#[test]
fn what_a_fork_of_the_owner_writes_is_accepted_once_and_balances() {
    for how in [Fork::Libc, Fork::Raw] {
        let (mut reader, iob, _peer) = ring();
        send(&iob, b"parent").unwrap();
        let child = fork(how, || i32::from(send(&iob, b"child").is_err()));
        assert_eq!(result(child), 0);
        send(&iob, b"parent again").unwrap();
        for expected in [&b"parent"[..], b"child", b"parent again"] {
            assert_eq!(reader.try_read_message().unwrap().unwrap().1, expected, "{how:?}");
        }
        let total = reader.accounts().total;
        assert_eq!(total.accepted.records, 3, "{how:?}: {total:?}");
        assert!(total.balances(), "{how:?}: {total:?}");
    }
}

#[test]
fn the_last_copy_here_is_the_last_though_a_fork_lives() {
    let (_reader, iob, peer) = ring();
    peer.try_as_fd().unwrap();
    // A fork's copies are not the ones that count.
    let mut iob = Some(iob);
    for how in [Fork::Libc, Fork::Raw] {
        let child = fork(how, || {
            drop(iob.take());
            0
        });
        assert_eq!(result(child), 0);
        assert!(!peer.wait_peer_closed(Some(Duration::ZERO)), "{how:?}");
    }
    let (here, there) = UnixStream::pair().unwrap();
    let child = fork(Fork::Libc, || {
        let mut there = &there;
        i32::from(there.read(&mut [0]).is_err())
    });
    drop(iob);
    assert!(peer.is_peer_closed());
    // Whoever has asked before is told by the descriptor, of whose other end the fork has a copy.
    let mut told = [PollFd::from_borrowed_fd(peer.try_as_fd().unwrap(), PollFlags::empty())];
    let patience = Timespec::try_from(PATIENCE).unwrap();
    let hung_up = poll(&mut told, Some(&patience));
    let mut here = &here;
    here.write_all(&[0]).unwrap();
    assert_eq!(result(child), 0);
    assert_eq!(hung_up, Ok(1), "told only when the fork has ended");
}

/// By a descriptor that was there before; and where there was none, it is told so.
#[test]
fn a_fork_learns_of_the_end_of_a_pair() {
    for how in [Fork::Libc, Fork::Raw] {
        let (_reader, iob, peer) = ring();
        let child = fork(how, || {
            let refused = |error: std::io::Error| error.kind() == ErrorKind::Unsupported;
            i32::from(!peer.try_wait_peer_closed(None).is_err_and(refused))
        });
        assert_eq!(result(child), 0, "{how:?}");
        peer.try_as_fd().unwrap();
        let child = fork(how, || i32::from(!matches!(peer.try_wait_peer_closed(None), Ok(true))));
        drop(iob);
        assert_eq!(result(child), 0, "{how:?}");
    }
}

#[test]
fn a_fork_drops_a_reader_with_a_broker() {
    let (reader, iob, _peer) = ring();
    let writer = isolated(&iob);
    let mut reader = Some(reader);
    for how in [Fork::Libc, Fork::Raw] {
        let child = fork(how, || {
            drop(reader.take());
            0
        });
        assert_eq!(result(child), 0, "{how:?}");
    }
    send(&writer, b"here still").unwrap();
    assert_eq!(reader.unwrap().read_message_blocking(Some(PATIENCE)).unwrap().unwrap().1, b"here still");
}

/// The ring is the parent's, and so are its reader and its writers.
#[test]
fn a_fork_that_drops_everything_closes_nothing() {
    let (mut reader, iob, peer) = ring();
    reader.end_with_writers();
    let mut all = Some((reader, iob, peer));
    for how in [Fork::Libc, Fork::Raw] {
        let child = fork(how, || {
            let (reader, iob, peer) = all.take().unwrap();
            // The reader last: the ring is there when its writers go.
            drop((iob, peer));
            drop(reader);
            0
        });
        assert_eq!(result(child), 0, "{how:?}");
        let (reader, iob, _) = all.as_ref().unwrap();
        assert!(!reader.is_closed(), "{how:?}");
        send(iob, b"here still").unwrap();
    }
    let (mut reader, iob, _peer) = all.unwrap();
    drop(iob);
    for _ in 0..2 {
        assert_eq!(reader.read_message_blocking(Some(PATIENCE)).unwrap().unwrap().1, b"here still");
    }
    assert!(reader.is_at_end(), "the last writer here is the last");
}

#[test]
fn the_brokers_thread_leaves_signals_to_the_application() {
    let (mut reader, iob, _peer) = ring();
    // Once a record came through, the thread runs, and bears its name.
    send(&isolated(&iob), b"by the broker").unwrap();
    reader.read_message_blocking(Some(PATIENCE)).unwrap().unwrap();
    let mut brokers = 0;
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let status = task.unwrap().path().join("status");
        let Some(blocked) = blocked_by_broker(&status) else {
            continue;
        };
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1, libc::SIGCHLD, libc::SIGRTMIN()] {
            assert!(is_in(blocked, signal), "signal {signal}");
        }
        brokers += 1;
    }
    assert!(brokers > 0, "no broker's thread was found");
    // The application's own mask is as it was.
    let own = fs::read_to_string("/proc/thread-self/status").unwrap();
    assert!(!is_in(blocked_signals(&own), libc::SIGTERM));
}

/// The signals that a broker's thread blocks; `None` if the status is not one's, or it has ended.
///
/// The C library blocks every signal while a thread begins and while it ends, and other tests' threads do: those are waited for.
fn blocked_by_broker(status: &Path) -> Option<u64> {
    let started = Instant::now();
    loop {
        let status = fs::read_to_string(status).ok()?;
        if !status.starts_with("Name:\tiobring-broker") {
            return None;
        }
        let blocked = blocked_signals(&status);
        if !is_in(blocked, libc::SIGSEGV) && !is_in(blocked, libc::SIGBUS) {
            return Some(blocked);
        }
        assert!(started.elapsed() < PATIENCE, "the broker's thread blocks faults: {blocked:x}");
        thread::yield_now();
    }
}

/// The signals that are blocked, of what `/proc` says of a thread.
fn blocked_signals(status: &str) -> u64 {
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:\t")).unwrap_or("0");
    u64::from_str_radix(blocked, 16).unwrap()
}

fn is_in(signals: u64, signal: i32) -> bool {
    signals >> (signal - 1) & 1 == 1
}

/// A task of a runtime that traces itself into the ring.
struct Tracing(Mutex<Option<Iob>>);

impl Wake for Tracing {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Tracing {
    fn drop(&mut self) {
        if let Some(iob) = self.0.lock().unwrap().take() {
            send(&iob, b"a task is gone").unwrap();
        }
    }
}

#[test]
fn a_waker_that_writes_into_the_ring_when_it_is_dropped() {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let (mut reader, iob, _peer) = ring();
        let first = Waker::from(Arc::new(Tracing(Mutex::new(Some(iob)))));
        {
            let mut wait = Box::pin(reader.wait(0));
            assert!(wait.as_mut().poll(&mut Context::from_waker(&first)).is_pending());
            drop(first);
            // The task has moved: the first waker's last copy is dropped while the second takes its place.
            assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        }
        done.send(reader.try_read_message().unwrap().unwrap().1).unwrap();
    });
    assert_eq!(is_done.recv_timeout(PATIENCE).expect("it hangs"), b"a task is gone");
}

#[test]
fn a_thread_whose_robust_list_was_taken_away_writes() {
    let (mut reader, iob, _peer) = ring();
    thread::scope(|scope| {
        scope.spawn(|| {
            // SAFETY: the thread has no robust mutex.
            let failed =
                unsafe { libc::syscall(libc::SYS_set_robust_list, std::ptr::null::<u8>(), 3 * size_of::<*const u8>()) };
            assert_eq!(failed, 0);
            send(&iob, b"written all the same").unwrap();
            assert!(weakest_facade::native::is_robust(), "the library has registered a list");
        });
    });
    assert_eq!(reader.try_read_message().unwrap().unwrap().1, b"written all the same");
}
