//! What a sandbox takes away: `membarrier(2)`, also after the broker has started; robust lists; and `/proc`.

#[path = "process/filter.rs"]
mod filter;

use iobring::{Iob, RingBuffer, Status};
use iobring_oracle::child::{self, Fork};
use iobring_oracle::elsewhere;
use iobring_oracle::page::page_size;
use iobring_oracle::patience::{PATIENCE, until};
use iobring_oracle::shared::{BIAS, ROOM, Shared};
use std::io;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Runs `body` in a thread that may not make this system call.
fn with_filter<T: Send>(call: libc::c_long, body: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let filtered = scope.spawn(|| {
            assert_eq!(filter::forbid(call), 0, "no filter can be installed here");
            body()
        });
        filtered.join().unwrap()
    })
}

#[test]
fn no_membarrier_from_the_start() {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let (near, _far) = UnixStream::pair().unwrap();
    let handed_over = with_filter(libc::SYS_membarrier, || iob.send_to(&near));
    assert_eq!(handed_over.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    // Nothing has come of it: without the filter it works.
    iob.send_to(&near).unwrap();
}

/// Set where the filter may be for the whole process.
const APART: &str = "IOBRING_TEST_APART";

/// In a process of its own, since the other tests' threads shall not have the filter.
fn apart(test: &str, body: fn()) {
    if std::env::var_os(APART).is_some() {
        return body();
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args([test, "--exact", "--nocapture"]).env(APART, "1");
    assert!(again.status().unwrap().success());
}

#[test]
fn no_membarrier_any_more() {
    apart("no_membarrier_any_more", the_broker_goes_on);
}

#[test]
fn no_membarrier_and_no_word_of_room() {
    apart("no_membarrier_and_no_word_of_room", the_broker_looks_again);
}

#[test]
fn no_membarrier_and_a_bias_to_end() {
    apart("no_membarrier_and_a_bias_to_end", a_bias_is_ended_all_the_same);
}

fn a_bias_is_ended_all_the_same() {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let shared = Shared::of(&reader);
    (0..256).for_each(|_| iob.send(b"alone").unwrap());
    let biased = shared.word(BIAS);
    assert_eq!(biased, rustix::thread::gettid().as_raw_nonzero().get() as u64);
    assert_eq!(filter::forbid_everywhere(libc::SYS_membarrier), 0, "no filter can be installed here");
    thread::scope(|scope| {
        scope.spawn(|| iob.send(b"the other").unwrap());
    });
    assert_eq!(shared.word(BIAS), biased | 1 << 31);
    // There will be no other, since none could be ended without waiting for a while.
    (0..1000).for_each(|_| iob.send(b"alone again").unwrap());
    assert_eq!(shared.word(BIAS), 0);
}

/// The wish for room is not seen by the reader, as may be where no fence is between the two: here, since it is taken away.
fn the_broker_looks_again() {
    let mut reader = RingBuffer::try_create(page_size()).unwrap();
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let writer = elsewhere::isolated(&iob);
    let shared = Shared::of(&reader);
    assert_eq!(filter::forbid_everywhere(libc::SYS_membarrier), 0, "no filter can be installed here");
    while iob.send(&[0; 100]).is_ok() {}
    writer.send(&[1; 100]).unwrap();
    until(|| if shared.word(ROOM) == 0 { Err("the broker does not ask for room".into()) } else { Ok(()) });
    shared.write(ROOM, &0u64.to_ne_bytes());
    loop {
        let (_, message) = reader.read_message_blocking(Some(PATIENCE)).unwrap().expect("the broker looks again");
        if message == [1; 100] {
            return;
        }
    }
}

fn the_broker_goes_on() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(1).unwrap();
    let writer = elsewhere::isolated(&iob);
    drop(iob);
    // All threads, so that the broker's is among them.
    assert_eq!(filter::forbid_everywhere(libc::SYS_membarrier), 0, "no filter can be installed here");
    let (sent, last) = (AtomicU64::new(0), 2_000);
    thread::scope(|scope| {
        scope.spawn(|| {
            while sent.load(Ordering::Relaxed) < last {
                let number = sent.load(Ordering::Relaxed);
                // Many fill the ring, so that the broker has to wait for room each time.
                match writer.send(&[&number.to_ne_bytes()[..], &[0; 5000]].concat()) {
                    Ok(()) => sent.store(number + 1, Ordering::Relaxed),
                    Err(status) => assert_eq!(status, Status::NO_SPACE),
                }
            }
        });
        for number in 0..last {
            let (_, message) = reader.read_message_blocking(Some(PATIENCE)).unwrap().expect("the broker goes on");
            assert_eq!(message[..8], u64::to_ne_bytes(number));
        }
    });
    drop(writer);
    assert!(peer.wait_peer_closed(Some(PATIENCE)));
}

#[test]
fn no_robust_list() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let mapped = elsewhere::mapped(&iob);
    let (near, _far) = UnixStream::pair().unwrap();
    // Neither the C library's list is to be had, nor one of the thread's own.
    with_filter(libc::SYS_get_robust_list, || {
        assert_eq!(filter::forbid(libc::SYS_set_robust_list), 0);
        assert_eq!(iob.send_mapped_to(&near).unwrap_err().kind(), io::ErrorKind::Unsupported);
        assert_eq!(mapped.send(b"mapped"), Err(Status::BAD_HANDLE));
        // In the owner's process nobody else waits for the lock.
        iob.send(b"direct").unwrap();
    });
    assert_eq!(reader.try_read_message().unwrap(), Some((1, b"direct".to_vec())));
    mapped.send(b"mapped").unwrap();
    assert_eq!(reader.try_read_message().unwrap(), Some((1, b"mapped".to_vec())));
}

/// A filter that ends whoever does more than write and close.
#[test]
fn an_isolated_writer_goes_with_next_to_no_call_allowed() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let writer = elsewhere::isolated(&iob);
    // SAFETY: the child installs filters, writes, closes and ends.
    let child = unsafe {
        child::fork(Fork::Libc, || {
            let calls =
                [libc::SYS_setsockopt, libc::SYS_recvmsg, libc::SYS_getsockopt, libc::SYS_clone, libc::SYS_clone3];
            let filtered = calls.into_iter().all(|call| filter::kill_for(call) == 0);
            let written = writer.send(b"the last").is_ok();
            drop(writer);
            i32::from(!(filtered && written))
        })
    };
    assert_eq!(child::result(child), 0);
    assert_eq!(reader.read_message_blocking(None).unwrap(), Some((1, b"the last".to_vec())));
}

/// Runs `body` in a thread for which the root directory is an empty one; `None` where that is not allowed.
fn without_proc<T: Send>(body: impl FnOnce() -> T + Send) -> Option<T> {
    let empty = std::env::temp_dir().join(format!("iobring-empty-{}", std::process::id()));
    std::fs::create_dir_all(&empty).unwrap();
    let result = thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: from now on this thread's root directory is its own.
            let own = unsafe { libc::unshare(libc::CLONE_FS) } == 0;
            (own && rustix::process::chroot(&empty).is_ok()).then(body)
        });
        thread.join().unwrap()
    });
    std::fs::remove_dir(&empty).unwrap();
    if result.is_none() {
        println!("NOT RUN: this process may not change its root directory");
    }
    result
}

#[test]
fn a_mapped_hand_over_without_proc() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(1).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    let names_it = |error: &io::Error| error.to_string().contains("/proc");
    let Some(sent) = without_proc(|| iob.send_mapped_to(&near)) else { return };
    let error = sent.unwrap_err();
    assert!(error.kind() == io::ErrorKind::Unsupported && names_it(&error), "{error}");
    // Nothing was handed over, and no account used: the receiver finds nothing.
    far.set_nonblocking(true).unwrap();
    assert_eq!(Iob::receive_from(&far).unwrap_err().kind(), io::ErrorKind::WouldBlock);

    // A receiver without it refuses too, and then the copy is none any more.
    iob.send_mapped_to(&near).unwrap();
    let error = without_proc(|| Iob::receive_from(&far)).unwrap().unwrap_err();
    assert!(error.kind() == io::ErrorKind::Unsupported && names_it(&error), "{error}");

    // Isolated writers need it nowhere.
    let writer = without_proc(|| {
        iob.send_to(&near).unwrap();
        Iob::receive_from(&far).unwrap()
    });
    let writer = writer.unwrap();
    drop(iob);
    writer.send(b"without").unwrap();
    assert_eq!(reader.read_message_blocking(Some(PATIENCE)).unwrap(), Some((1, b"without".to_vec())));
    drop(writer);
    assert!(peer.wait_peer_closed(Some(PATIENCE)), "the refused copy counts no more");
}
