//! The ring's owner watches the processes that map its ring, by a descriptor for each, as long as they live and hold a copy.
//!
//! One test, since it counts this process's descriptors.

mod process;

use iobring::RingBuffer;
use iobring_oracle::patience::until;
use process::{Order, Servant, servant};
use std::fs;

#[test]
fn child_process() {
    servant();
}

/// How many pidfds this process has.
fn watched() -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    links.filter(|link| link.to_string_lossy().contains("pidfd")).count()
}

/// The broker's thread does what follows from a death or a request some time after it.
fn comes_to(processes: usize, when: &str) {
    until(|| match watched() {
        watched if watched == processes => Ok(()),
        watched => Err(format!("{when}: {watched} processes are watched, not {processes}")),
    });
}

#[test]
fn processes_are_watched_as_long_as_they_need_it() {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(5).unwrap();
    let mut servant = Servant::start();
    servant.give_mapped(&iob);
    drop(iob);
    comes_to(1, "one has a copy");
    servant.order(Order::SendMappedOn, 0, 0);
    comes_to(2, "it handed one on");
    servant.order(Order::KillOn, 0, 0);
    comes_to(1, "the second is dead");
    servant.order(Order::SendMappedOn, 0, 0);
    comes_to(2, "it handed another on");
    servant.order(Order::Drop, 0, 0);
    servant.order(Order::KillOn, 0, 0);
    assert!(peer.wait_peer_closed(None));
    comes_to(0, "the first lives, but has no copy any more");
}
