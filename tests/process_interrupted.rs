//! Signals that interrupt every call in which a thread of the library's user waits: none of them shows. One test, since the
//! handler is the process's.

use iobring::{Iob, Reader, RingBuffer};
use iobring_oracle::elsewhere;
use iobring_oracle::patience::until;
use iobring_oracle::watchdog::Watchdog;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;

/// How often each is interrupted.
const TIMES: u32 = 20;

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn handler(_: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// Runs `wait` on a thread, which is interrupted in it again and again; then `end`, which ends it.
fn interrupted<T: Send>(what: &str, wait: impl FnOnce() -> T + Send, end: impl FnOnce()) -> T {
    thread::scope(|scope| {
        let (name, is_named) = mpsc::channel();
        let thread = scope.spawn(move || {
            name.send(rustix::thread::gettid()).unwrap();
            wait()
        });
        let id = is_named.recv().unwrap();
        let handled = || HANDLED.load(Ordering::Relaxed);
        for _ in 0..TIMES {
            until(|| {
                let stat = std::fs::read_to_string(format!("/proc/self/task/{}/stat", id.as_raw_nonzero()));
                let waits = stat.is_ok_and(|stat| stat.contains(") S "));
                if waits || thread.is_finished() { Ok(()) } else { Err(format!("{what}: it does not wait")) }
            });
            assert!(!thread.is_finished(), "{what} has returned");
            let before = handled();
            // SAFETY: the thread is there still, since nobody has joined it.
            unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), id.as_raw_nonzero().get(), libc::SIGUSR1) };
            until(|| if handled() > before { Ok(()) } else { Err(format!("{what}: no signal arrives")) });
        }
        end();
        thread.join().unwrap()
    })
}

fn scene() -> (Reader, Iob, Iob) {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(1).unwrap();
    (reader, iob, peer)
}

#[test]
fn no_wait_ends_by_a_signal() {
    let watchdog = Watchdog::new("waits that signals interrupt");
    // SAFETY: all zeros is an action without flags, by which no call is repeated, and with an empty mask; the handler counts.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as extern "C" fn(libc::c_int) as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()), 0);
    }

    for interruptible in [false, true] {
        let (mut reader, iob, _peer) = scene();
        let _interrupter = interruptible.then(|| reader.interrupter());
        let read = interrupted("a reader", || reader.read_message_blocking(None), || iob.send(b"here").unwrap());
        assert_eq!(read, Ok(Some((1, b"here".to_vec()))));
        watchdog.progress();
    }

    for hand_over in [None, Some(elsewhere::isolated as fn(&Iob) -> Iob), Some(elsewhere::mapped)] {
        let (mut reader, iob, peer) = scene();
        let writer = hand_over.map_or(iob.clone(), |hand_over| hand_over(&iob));
        // More than the ring, the socket and the broker hold together.
        let write = || (0..200).try_for_each(|_| writer.send_timeout(&[2; 5000], None));
        let read =
            || (0..200).for_each(|_| assert_eq!(reader.read_message_blocking(None).unwrap().unwrap().1, [2; 5000]));
        assert_eq!(interrupted("a writer without room", write, read), Ok(()));
        drop(iob);
        let closed = interrupted("the wait for a peer", || peer.wait_peer_closed(None), || drop(writer));
        assert!(closed);
        watchdog.progress();
    }

    for hand_over in [Iob::send_to as fn(&Iob, &UnixStream) -> std::io::Result<()>, Iob::send_mapped_to] {
        let (mut reader, iob, _peer) = scene();
        let (mut near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let mut filled = 0;
        while let Ok(more) = near.write(&[0; 1000]) {
            filled += more;
        }
        near.set_nonblocking(false).unwrap();
        interrupted("a hand-over", || hand_over(&iob, &near), || far.read_exact(&mut vec![0; filled]).unwrap())
            .unwrap();
        Iob::receive_from(&far).unwrap().send(b"first").unwrap();
        let give = || hand_over(&iob, &near).unwrap();
        interrupted("a receiver", || Iob::receive_from(&far), give).unwrap().send(b"second").unwrap();
        for expected in [&b"first"[..], b"second"] {
            assert_eq!(reader.read_message_blocking(None), Ok(Some((1, expected.to_vec()))));
        }
        watchdog.progress();
    }
}
