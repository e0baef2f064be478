//! What a writer's process may do to its socket costs it its connection, and nobody else anything.

mod process;

use iobring::{Iob, Reader, RingBuffer, Status};
use iobring_oracle::elsewhere;
use iobring_oracle::page::page_size;
use process::{Order, Servant, message, refused, servant};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use std::io::{IoSlice, Write};
use std::os::fd::AsFd;

#[test]
fn child_process() {
    servant();
}

/// A ring with a writer in a servant, which shall misbehave, and one in another, which shall notice nothing.
fn scene() -> (Reader, Iob, Servant, Servant) {
    let reader = RingBuffer::create(64 * 1024);
    let (bad, bad_peer) = reader.new_iob_writer(1).unwrap();
    let (good, _) = reader.new_iob_writer(2).unwrap();
    let mut villain = Servant::start();
    villain.give(&bad);
    let mut neighbour = Servant::start();
    neighbour.give(&good);
    (reader, bad_peer, villain, neighbour)
}

/// The villain lost its connection, what it had written properly before is there, and the neighbour writes on.
fn the_villain_alone_is_out((mut reader, bad_peer, mut villain, mut neighbour): (Reader, Iob, Servant, Servant)) {
    assert!(bad_peer.wait_peer_closed(None));
    assert_eq!(villain.order(Order::Write, 24, 9), refused(Status::PEER_CLOSED));
    neighbour.write(24, 1);
    let mut seen = Vec::new();
    while let Some(record) = reader.try_read_message().unwrap() {
        seen.push(record);
        if seen.len() == 2 {
            break;
        }
    }
    while seen.len() < 2 {
        seen.push(reader.read_message_blocking(None).unwrap().unwrap());
    }
    seen.sort();
    assert_eq!(seen, [(1, message(24, 0)), (2, message(24, 1))]);
    assert_eq!(reader.head(), reader.tail());
}

fn send_raw(villain: &mut Servant, bytes: &[u8]) -> i64 {
    villain.tell(Order::SendRaw, bytes.len() as u32, 0);
    villain.socket.write_all(bytes).unwrap();
    villain.answer()
}

fn raw(bytes: &[u8]) {
    let mut scene = scene();
    scene.2.write(24, 0);
    assert_eq!(send_raw(&mut scene.2, bytes), 0);
    the_villain_alone_is_out(scene);
}

#[test]
fn garbage() {
    raw(&[0xFF; 100]);
}

#[test]
fn an_empty_datagram() {
    raw(&[]);
}

#[test]
fn half_a_header() {
    raw(&[1, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_message_one_byte_too_long() {
    let mut bytes = vec![0; 16 + 65_520];
    bytes[0] = 1;
    raw(&bytes);
}

#[test]
fn a_message_as_long_as_the_socket_takes() {
    let mut bytes = vec![0; 200_000];
    bytes[0] = 1;
    raw(&bytes);
}

#[test]
fn a_message_longer_than_the_ring() {
    let mut reader = RingBuffer::try_create(page_size()).unwrap();
    let (bad, peer) = reader.new_iob_writer(1).unwrap();
    let mut villain = Servant::start();
    villain.give(&bad);
    drop(bad);
    let mut bytes = vec![0; 16 + 4081];
    bytes[0] = 1;
    assert_eq!(send_raw(&mut villain, &bytes), 0);
    assert!(peer.wait_peer_closed(None));
    assert_eq!(reader.try_read_message().unwrap(), None);
}

#[test]
fn descriptors_attached() {
    let mut scene = scene();
    scene.2.write(24, 0);
    let sent = scene.2.order(Order::SendDescriptor, 0, 0);
    // Later ones refuse it to the sender, who has done nothing then.
    if linux() >= (6, 16) {
        assert_eq!(sent, -i64::from(libc::EPERM));
        scene.2.write(24, 1);
        assert!(!scene.1.is_peer_closed());
    } else {
        assert_eq!(sent, 0);
        the_villain_alone_is_out(scene);
    }
}

/// The kernel's version.
fn linux() -> (u32, u32) {
    let uname = rustix::system::uname();
    let mut numbers = uname.release().to_str().unwrap().split(|c: char| !c.is_ascii_digit());
    let mut number = || numbers.next().unwrap().parse().unwrap();
    (number(), number())
}

/// What comes over the link of a process that maps the region is not believed either.
#[test]
fn no_request() {
    let request = |kind: u32| [&b"iobr"[..], &kind.to_ne_bytes()].concat();
    let (watch, connect) = (request(1), request(2));
    let cases: [(&[u8], usize); 8] = [
        (b"nonsense", 0),
        (b"nonsense", 1),
        (b"nonsense", 8),
        (&watch, 0),
        (&watch, 2),
        (&connect, 0),
        (&connect, 2),
        (&request(3), 1),
    ];
    for (bytes, descriptors) in cases {
        let reader = RingBuffer::create(64 * 1024);
        let (iob, peer) = reader.new_iob_writer(1).unwrap();
        let mapped = elsewhere::mapped(&iob);
        drop(iob);
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let attached = [reader.as_fd(); 8];
        if descriptors > 0 {
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(&attached[..descriptors])));
        }
        sendmsg(mapped.as_fd(), &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL).unwrap();
        assert!(peer.wait_peer_closed(None), "{bytes:?} with {descriptors} descriptors");
        assert!(mapped.wait_peer_closed(None));
    }
}

#[test]
fn half_closed() {
    let mut scene = scene();
    scene.2.write(24, 0);
    scene.2.order(Order::ShutDown, 0, 0);
    the_villain_alone_is_out(scene);
}

#[test]
fn death_with_a_full_ring_and_a_full_socket() {
    let (mut reader, bad_peer, mut villain, mut neighbour) = scene();
    let mut accepted = 0;
    loop {
        match villain.order(Order::Fill, 1000, accepted as u64) {
            0 if reader.head() - reader.tail() > 64 * 1024 - 1016 => break,
            more => accepted += more,
        }
    }
    villain.kill();
    assert!(!bad_peer.is_peer_closed(), "there is something left to receive");
    let more = neighbour.order(Order::Fill, 1000, 0);
    let mut next = [0, 0];
    while next != [accepted as u64, more as u64] {
        let (tag, bytes) = reader.read_message_blocking(None).unwrap().unwrap();
        let next = &mut next[tag as usize - 1];
        assert_eq!(bytes, message(1000, *next), "of writer {tag}");
        *next += 1;
    }
    assert!(bad_peer.wait_peer_closed(None));
}

/// What a writer says of its losses is its word, and changes nothing that the owner has counted.
#[test]
fn lies_about_losses_are_kept_apart_and_never_wrap() {
    let (mut reader, _bad_peer, mut villain, mut neighbour) = scene();
    let lie =
        |lost: u32, bytes: u64| [&1u32.to_ne_bytes()[..], &lost.to_ne_bytes(), &bytes.to_ne_bytes(), b"lie"].concat();
    for bytes in [u64::MAX, 1, 5] {
        assert_eq!(send_raw(&mut villain, &lie(u32::MAX, bytes)), 0);
    }
    neighbour.write(24, 1);
    for _ in 0..4 {
        reader.read_message_blocking(None).unwrap().unwrap();
    }
    let accounts = reader.accounts();
    for account in [accounts.total, accounts.by_tag[&1]] {
        assert_eq!((account.reported.records, account.reported.bytes), (3 * u64::from(u32::MAX), u64::MAX));
        assert_eq!((account.no_space.records, account.no_space.bytes), (0, 0));
        assert!(account.balances());
    }
    assert_eq!(accounts.by_tag[&2].reported.records, 0);
}

/// However small its messages are, and however large a buffer it asks for.
#[test]
fn what_an_isolated_writer_has_in_its_socket_is_bounded() {
    use rustix::net::sockopt::{set_socket_send_buffer_size, socket_send_buffer_size};
    let reader = RingBuffer::try_create(page_size()).unwrap();
    let (direct, _peer) = reader.new_iob_writer(1).unwrap();
    let (iob, _peer) = reader.new_iob_writer(2).unwrap();
    let writer = elsewhere::isolated(&iob);
    while direct.send(&[]).is_ok() {}
    let fill = || {
        let mut accepted = 0;
        // The broker takes its handful meanwhile: full is what stays full.
        for _ in 0..100 {
            while writer.send(&[1]).is_ok() {
                accepted += 1;
            }
            std::thread::yield_now();
        }
        accepted
    };
    let few = fill();
    set_socket_send_buffer_size(writer.as_fd(), usize::MAX >> 33).unwrap();
    let more = few + fill();
    assert!(more > few, "a larger buffer holds no more");
    // The kernel counts what it keeps for a message beside its bytes: never less than this.
    const LEAST: usize = 512;
    const TAKEN_OUT: usize = 100;
    let size = socket_send_buffer_size(writer.as_fd()).unwrap();
    println!("{few} of one byte, {more} in a buffer of {size} bytes");
    assert!(more <= size / LEAST + TAKEN_OUT, "{more} in {size} bytes");
    let most = std::fs::read_to_string("/proc/sys/net/core/wmem_max").unwrap();
    assert!(size <= 2 * most.trim().parse::<usize>().unwrap(), "{size} bytes, more than twice {most}");
}
