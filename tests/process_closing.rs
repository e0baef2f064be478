//! Descriptors that take as long to close as their maker pleases. Whoever is sent one does not wait for it, and it is closed all the
//! same.

use iobring::{Iob, Reader, RingBuffer};
use iobring_oracle::elsewhere;
use iobring_oracle::watchdog::Watchdog;
use rustix::net::sockopt::set_socket_linger;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sendmsg, socketpair,
};
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

/// A socket whose last copy takes an hour to close, or until the other end, which comes second, has taken what it was sent.
fn lingering() -> (OwnedFd, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    near.set_nonblocking(true).unwrap();
    while near.write(&[0; 65_536]).is_ok() {}
    set_socket_linger(&near, Some(Duration::from_secs(3_600))).unwrap();
    (near.into(), far)
}

/// Waits until each is closed, in whatever order.
fn are_closed(ends: Vec<TcpStream>) {
    thread::scope(|scope| ends.into_iter().for_each(|end| drop(scope.spawn(|| is_closed(end)))));
}

fn is_closed(mut far: TcpStream) {
    let mut bytes = vec![0; 65_536];
    loop {
        match far.read(&mut bytes) {
            Ok(0) => return,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
            more => assert!(more.is_ok(), "{more:?}"),
        }
    }
}

/// Sends `bytes` and these descriptors, of which no copy stays here.
fn send(socket: impl AsFd, bytes: &[u8], descriptors: Vec<OwnedFd>) {
    let borrowed: Vec<_> = descriptors.iter().map(|descriptor| descriptor.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(64))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(borrowed.is_empty() || ancillary.push(SendAncillaryMessage::ScmRights(&borrowed)));
    sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL).unwrap();
}

fn request(kind: u32) -> Vec<u8> {
    [&b"iobr"[..], &kind.to_ne_bytes()].concat()
}

fn watch() -> Vec<u8> {
    request(1)
}

fn connect() -> Vec<u8> {
    request(2)
}

/// A waker that keeps the thread which wakes it.
struct Detaining {
    here: Mutex<mpsc::Sender<()>>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl Wake for Detaining {
    fn wake(self: Arc<Self>) {
        self.here.lock().unwrap().send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
    }
}

/// A ring with a writer, and a copy of that with a mapping.
fn scene() -> (Reader, Iob, Iob) {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, _) = reader.new_iob_writer(1).unwrap();
    let mapped = elsewhere::mapped(&iob);
    (reader, iob, mapped)
}

/// Runs `body` while the broker's thread is kept away: what is sent meanwhile is there alone when it comes back.
fn behind_the_brokers_back(reader: &mut Reader, iob: &Iob, body: impl FnOnce()) {
    let ((here, is_here), (go, go_on)) = (mpsc::channel(), mpsc::channel());
    let waker = Waker::from(Arc::new(Detaining { here: Mutex::new(here), go_on: Mutex::new(go_on) }));
    {
        let mut wait = pin!(reader.wait(0));
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        elsewhere::isolated(iob).send(b"come").unwrap();
        is_here.recv().unwrap();
    }
    body();
    go.send(()).unwrap();
    assert_eq!(reader.try_read_message(), Ok(Some((1, b"come".to_vec()))));
}

/// The broker serves others, the owner hands over, and the ring comes to its end.
fn nobody_waits(mut reader: Reader, iob: Iob, watchdog: &Watchdog) {
    for _ in 0..2 {
        elsewhere::isolated(&iob).send(b"another").unwrap();
        assert_eq!(reader.read_message_blocking(None), Ok(Some((1, b"another".to_vec()))));
        watchdog.progress();
    }
    drop(reader);
    watchdog.progress();
}

#[test]
fn with_a_request() {
    let watchdog = Watchdog::new("requests with descriptors that are slow to close");
    let cases = [watch(), connect(), Vec::new(), request(3), b"nonsense".to_vec()];
    for (request, count) in cases.iter().flat_map(|request| [(request, 1), (request, 2), (request, 20)]) {
        let (mut reader, iob, mapped) = scene();
        let (slow, ends): (Vec<_>, Vec<_>) = (0..count).map(|_| lingering()).unzip();
        behind_the_brokers_back(&mut reader, &iob, || send(&mapped, request, slow));
        println!("{request:?} with {count}");
        nobody_waits(reader, iob, &watchdog);
        are_closed(ends);
        watchdog.progress();
    }
}

/// Nobody has taken it when the connection ends.
#[test]
fn in_a_socket_that_is_given_up() {
    let watchdog = Watchdog::new("giving sockets up with descriptors that are slow to close");
    let record = [&1u32.to_ne_bytes()[..], &[0; 12]].concat();
    let before: [&[u8]; 3] = [&[], b"nonsense", &record];
    let cases = before.into_iter().flat_map(|before| [(before, &[][..]), (before, b"nonsense")]);
    for ((before, last), hidden) in cases.flat_map(|case| [(case, Hidden::No), (case, Hidden::BehindTheLook)]) {
        let (mut reader, iob, mapped) = scene();
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let (slow, end) = lingering();
        send(&theirs, before, vec![]);
        send(&theirs, last, vec![slow]);
        let _theirs = hide(hidden, &ours, theirs);
        behind_the_brokers_back(&mut reader, &iob, || send(&mapped, &connect(), vec![ours]));
        if before == record {
            assert_eq!(reader.read_message_blocking(None), Ok(Some((1, vec![]))));
        }
        println!("{before:?}, then {last:?}, hidden: {hidden:?}");
        nobody_waits(reader, iob, &watchdog);
        is_closed(end);
        watchdog.progress();
    }
}

/// The ring ends with requests that it has not seen.
#[test]
fn on_its_way_at_the_end() {
    let watchdog = Watchdog::new("the end of a ring with descriptors on their way");
    for _ in 0..20 {
        let (mut reader, iob, mapped) = scene();
        let (slow, ends): (Vec<_>, Vec<_>) = (0..20).map(|_| lingering()).unzip();
        behind_the_brokers_back(&mut reader, &iob, || {
            slow.into_iter().for_each(|slow| send(&mapped, &watch(), vec![slow]));
        });
        drop((reader, iob, mapped));
        watchdog.progress();
        are_closed(ends);
        watchdog.progress();
    }
}

/// How a stranger hides from whoever looks what waits in a socket.
#[derive(Clone, Copy, Debug)]
enum Hidden {
    /// Not at all.
    No,
    /// Who looks, looks beyond it.
    BehindTheLook,
    /// Who looks finds an error first.
    BehindAnError,
}

/// A socket that is one, but for what waits in it.
#[test]
fn in_a_link_that_is_offered() {
    let watchdog = Watchdog::new("an offer's socket with descriptors that are slow to close");
    let receives = [Iob::receive_from as fn(&UnixStream) -> _, Iob::receive_isolated_from];
    for hidden in [Hidden::No, Hidden::BehindTheLook, Hidden::BehindAnError] {
        for (before, receive) in [&b""[..], b"nonsense"].into_iter().zip(receives) {
            let (ours, theirs) =
                socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
            let (slow, end) = lingering();
            send(&theirs, before, vec![slow]);
            let _theirs = hide(hidden, &ours, theirs);
            let (near, far) = UnixStream::pair().unwrap();
            send(&near, &offer(1), vec![ours]);
            assert!(receive(&far).is_err(), "{hidden:?}, {before:?}");
            watchdog.progress();
            is_closed(end);
        }
    }
}

/// Returns the other end, if it is kept.
fn hide(how: Hidden, ours: &OwnedFd, theirs: OwnedFd) -> Option<OwnedFd> {
    match how {
        Hidden::No => Some(theirs),
        Hidden::BehindTheLook => {
            let (far, len) = (libc::c_int::MAX, size_of::<libc::c_int>() as libc::socklen_t);
            // SAFETY: the option's value is an int.
            let set = unsafe {
                let value = (&raw const far).cast();
                libc::setsockopt(ours.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEEK_OFF, value, len)
            };
            assert_eq!(set, 0);
            Some(theirs)
        }
        Hidden::BehindAnError => {
            send(ours, b"not taken", vec![]);
            None
        }
    }
}

/// An offer of this kind.
fn offer(kind: u32) -> [u8; 56] {
    let mut offer = [0; 56];
    offer[..8].copy_from_slice(b"iob-send");
    offer[8..12].copy_from_slice(&1u32.to_ne_bytes());
    offer[12..16].copy_from_slice(&kind.to_ne_bytes());
    offer[24..32].copy_from_slice(&65_536u64.to_ne_bytes());
    let fnv = |sum: u64, &byte: &u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let sum = offer[..48].iter().fold(0xcbf2_9ce4_8422_2325, fnv);
    offer[48..].copy_from_slice(&sum.to_ne_bytes());
    offer
}

/// What a stranger offers is no endpoint.
#[test]
fn with_an_offer() {
    let watchdog = Watchdog::new("offers with descriptors that are slow to close");
    for kind in 0..=5u32 {
        for count in [1, 2, 3, 4, 20] {
            for receive in [Iob::receive_from, Iob::receive_isolated_from] {
                let (near, far) = UnixStream::pair().unwrap();
                let (slow, ends): (Vec<_>, Vec<_>) = (0..count).map(|_| lingering()).unzip();
                send(&near, &offer(kind), slow);
                println!("{kind} with {count}");
                assert!(receive(&far).is_err());
                watchdog.progress();
                are_closed(ends);
                watchdog.progress();
            }
        }
    }
}
