//! A writer of another user has a socket and nothing else: it can neither find, nor map, nor re-open the region, nor forge
//! a tag.

mod process;

use iobring::transport::Kind;
use iobring::{Iob, RingBuffer};
use process::{Order, Servant, message, names, servant};
use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;

#[test]
fn child_process() {
    servant();
}

#[test]
fn another_user_finds_no_way_to_the_region() {
    let names = names();
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();

    // The search itself works: somebody with a mapping has traces of it, and the owner's own user gets through.
    let mut friend = Servant::start();
    friend.give_mapped(&iob);
    assert!(friend.order(Order::TracesOfRegion, 0, 0) >= 3, "a descriptor, and two views in the address space");
    let me = std::process::id();
    let mut twin = Servant::start();
    twin.give(&iob);
    assert_eq!(twin.order(Order::TracesOfRegion, 0, 0), 0);

    if !rustix::process::geteuid().is_root() {
        println!("not run as root: nobody else to be, so only the traces were looked for");
        return;
    }
    assert_ne!(twin.order(Order::Trespass, me, names), 0);
    let mut stranger = Servant::start_as_nobody();
    stranger.give(&iob);
    assert_eq!(stranger.order(Order::TracesOfRegion, 0, 0), 0);
    assert_eq!(stranger.order(Order::Trespass, me, names), 0);
    assert_eq!(stranger.order(Order::Trespass, friend.child.id(), names), 0);
    stranger.write(24, 3);
    assert_eq!(reader.read_message_blocking(None).unwrap(), Some((1, message(24, 3))));
}

#[test]
fn whatever_the_message_says_the_tag_is_the_sockets() {
    const OURS: u64 = 0x1111_1111_1111_1111;
    const THEIRS: u64 = 0x2222_2222_2222_2222;
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(OURS).unwrap();
    let (_other, _other_peer) = reader.new_iob_writer(THEIRS).unwrap();
    let mut forger = Servant::start();
    forger.give(&iob);
    // A proper header whose every free byte is the other tag, and a message that looks like a record with the other tag.
    let mut bytes = 1u32.to_ne_bytes().to_vec();
    bytes.extend([0x22; 12]);
    bytes.extend(THEIRS.to_ne_bytes());
    bytes.extend(8u64.to_ne_bytes());
    bytes.extend(*b"forgery!");
    forger.tell(Order::SendRaw, bytes.len() as u32, 0);
    forger.socket.write_all(&bytes).unwrap();
    assert_eq!(forger.answer(), 0);
    assert_eq!(reader.read_message_blocking(None).unwrap(), Some((OURS, bytes[16..].to_vec())));
    assert_eq!(reader.head(), reader.tail());
}

#[test]
fn whoever_insists_on_isolation_is_given_nothing_else() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let (near, far) = UnixStream::pair().unwrap();

    iob.send_mapped_to(&near).unwrap();
    let error = Iob::receive_isolated_from(&far).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("a mapping of its ring"), "{error}");

    // Whoever does not insist takes it.
    iob.send_mapped_to(&near).unwrap();
    assert_eq!(Iob::receive_from(&far).unwrap().transport(), Some(Kind::Mapped));

    iob.send_to(&near).unwrap();
    let writer = Iob::receive_isolated_from(&far).unwrap();
    assert_eq!(writer.transport(), Some(Kind::Broker));
    writer.send(b"hello").unwrap();
    assert_eq!(reader.read_message_blocking(None).unwrap(), Some((1, b"hello".to_vec())));
}
