//! A process for which the kernel writes, and which asks its owner for what it may not, or for too much. One test, since it counts
//! descriptors.

use iobring::{Iob, RingBuffer, Status};
use iobring_oracle::elsewhere;
use iobring_oracle::patience::until;
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv,
    sendmsg, socketpair,
};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// How many may wait at once with copies of one writer.
const MOST: usize = 64;

/// Asks for `kind`, with one end of a socket, and returns the other.
fn ask(writer: &Iob, kind: u32, argument: &[u8]) -> OwnedFd {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    let request = [&b"iobr"[..], &kind.to_ne_bytes(), argument].concat();
    let attached = [theirs.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&attached)));
    sendmsg(writer.as_fd(), &[IoSlice::new(&request)], &mut ancillary, SendFlags::NOSIGNAL).unwrap();
    ours
}

/// What the owner says next; `None` when it has hung up.
fn says(socket: &OwnedFd) -> Option<u8> {
    let mut word = [0];
    match recv(socket, &mut word, RecvFlags::empty()) {
        Ok((_, 1)) => Some(word[0]),
        _ => None,
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn it_has_the_owner_keep_few_descriptors_and_gets_no_other_way_in() {
    let mut reader = match RingBuffer::try_create_mediated(64 * 1024) {
        Ok(reader) => reader,
        Err(obstacle) => return println!("NOT RUN: {obstacle}"),
    };
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let hostile = elsewhere::by_kernel(&iob);
    let (other, other_peer) = reader.new_iob_writer(2).unwrap();
    let honest = elsewhere::by_kernel(&other);
    drop(other);
    let filled = (0..).take_while(|_| iob.send(&[0; 20_000]).is_ok()).count();

    let before = descriptors();
    // More than there are: never due while the ring is full; and any other number.
    let sockets: Vec<_> = (0..1000).map(|n| ask(&hostile, 3, &(20_016 + n % 7 * 8_u64).to_ne_bytes())).collect();
    let heard = sockets.iter().filter(|socket| says(socket) == Some(b'h')).count();
    assert_eq!(heard, MOST, "the rest is told that there is no place");
    assert_eq!(descriptors(), before + sockets.len() + MOST);
    // Whoever is too many is told so, and others are not.
    assert_eq!(hostile.send_timeout(&[0; 20_000], None), Err(Status::NO_RESOURCES));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| honest.send_timeout(&[3; 20_000], None));
        assert_eq!(reader.read_message_blocking(None).unwrap().unwrap().1, [0; 20_000]);
        // One of those that were told has room for it, and does not take it.
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
    // Who waits no more is forgotten.
    drop(sockets);
    until(|| match descriptors() {
        now if now <= before => Ok(()),
        now => Err(format!("{now} descriptors, {before} before")),
    });
    assert_eq!(hostile.send_timeout(&[0; 20_000], Some(Duration::ZERO)), Err(Status::TIMED_OUT));

    // To be received from by the broker, to be watched, nonsense: that ends the link, and the right to write with it.
    for (kind, argument) in [(2, &[][..]), (1, &[]), (3, &[0; 4]), (4, &[])] {
        let hostile = elsewhere::by_kernel(&iob);
        assert_eq!(hostile.send(&[]), Ok(()));
        let socket = ask(&hostile, kind, argument);
        assert!(hostile.wait_peer_closed(None));
        assert_eq!(says(&socket), None);
        assert_eq!(hostile.send(&[]), Err(Status::PEER_CLOSED));
    }
    assert!(!other_peer.is_peer_closed());
    (1..filled).for_each(|_| assert_eq!(reader.read_message_blocking(None).unwrap().unwrap().1, [0; 20_000]));
    assert_eq!(reader.read_message_blocking(None).unwrap(), Some((2, vec![3; 20_000])));
    (0..4).for_each(|_| assert_eq!(reader.read_message_blocking(None).unwrap(), Some((1, vec![]))));
    drop(honest);
    assert!(other_peer.wait_peer_closed(None));
    drop(hostile);
    iob.send(b"last").unwrap();
    assert_eq!(reader.read_message_blocking(None).unwrap(), Some((1, b"last".to_vec())));
}
