//! The owner has no descriptor left: whoever writes into the mapping goes on, and nobody gets its account.
//!
//! One test, since it changes this process's limits.

mod process;

use iobring::{RingBuffer, Status};
use process::{Order, Servant, refused, servant};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::Write;

#[test]
fn child_process() {
    servant();
}

fn limit(descriptors: Option<u64>) {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: descriptors, maximum }).unwrap();
}

#[test]
fn an_account_is_its_writers_as_long_as_it_can_write() {
    for no_request in [&b"wrong"[..], b""] {
        an_account_stays_its_writers(no_request);
    }
}

fn an_account_stays_its_writers(no_request: &[u8]) {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(1).unwrap();
    let (other, _other_peer) = reader.new_iob_writer(2).unwrap();
    let (mut mapped, mut isolated) = (Servant::start(), Servant::start());
    mapped.give_mapped(&iob);
    isolated.give(&other);
    mapped.write(24, 0);
    drop(iob);

    // No room for the pidfd by which a child asks to be watched: that is nothing it has done wrong.
    let before = getrlimit(Resource::Nofile).current;
    limit(Some(3));
    assert_eq!(mapped.order(Order::ForkAndWrite, 24, 1), 0);
    // The broker has seen to the request when it has seen to what came after it.
    isolated.write(24, 0);
    for _ in 0..3 {
        assert!(reader.read_message_blocking(None).unwrap().is_some());
    }
    assert!(!peer.is_peer_closed());
    // Nor for the socket by which it waits for room: it is told that it waits in vain, and not to try again at once, for ever.
    let filled = mapped.order(Order::Fill, 60_000, 10);
    assert_eq!(mapped.order(Order::WriteWaiting, 60_000, 11), refused(Status::NO_RESOURCES));
    (0..filled).for_each(|_| assert!(reader.read_message_blocking(None).unwrap().is_some()));
    assert_eq!(mapped.order(Order::WriteWaiting, 60_000, 12), 0);
    assert!(reader.read_message_blocking(None).unwrap().is_some());
    limit(before);
    mapped.write(24, 2);

    // What is no request ends the link, and the mapping is there still.
    mapped.tell(Order::SendRaw, no_request.len() as u32, 0);
    mapped.socket.write_all(no_request).unwrap();
    assert_eq!(mapped.answer(), 0);
    assert!(peer.wait_peer_closed(None));
    drop(peer);
    while reader.try_read_message().unwrap().is_some() {}

    // More tags than there are accounts, after each chance to find that the first is nobody's.
    let mut endpoints = Vec::new();
    for tag in 100..240 {
        let (iob, peer) = reader.new_iob_writer(tag).unwrap();
        // So that the reader has forgotten the first.
        iob.write(Default::default(), 0, b"mine").unwrap();
        assert_eq!(reader.try_read_message().unwrap(), Some((tag, b"mine".to_vec())));
        let mut servant = (tag % 20 == 0).then(Servant::start);
        if let Some(servant) = &mut servant {
            servant.give_mapped(&iob);
        }
        endpoints.push((iob, peer, servant));
    }
    let others = |reader: &iobring::Reader| -> u64 {
        let accounts = reader.accounts();
        accounts.by_tag.iter().filter(|&(&tag, _)| tag >= 100).map(|(_, account)| account.accepted.records).sum()
    };
    mapped.write(24, 3);
    assert_eq!(others(&reader), 140, "another tag shows a record that it never wrote");
    assert!(reader.accounts().total.balances());
    assert_eq!(reader.accounts().by_tag[&1].accepted.records, 5 + filled as u64);
}
