//! Ten thousand connections and deaths leave descriptors, threads and memory as they were.
//!
//! One test, since it counts what this process has.

mod process;

use iobring::{Iob, RingBuffer};
use iobring_oracle::patience::until;
use process::{Order, Servant, servant};
use std::os::unix::net::UnixStream;

#[test]
fn child_process() {
    servant();
}

#[derive(Debug)]
struct Census {
    descriptors: usize,
    threads: usize,
}

fn census() -> Census {
    let count = |directory| std::fs::read_dir(directory).unwrap().count();
    Census { descriptors: count("/proc/self/fd"), threads: count("/proc/self/task") }
}

/// This process comes to have no more than it had `before`. Not at once: whoever learns of an end may be ahead of the broker's thread,
/// which told of it and has yet to let go of what the two of them shared.
fn comes_back_to(before: &Census) {
    until(|| match census() {
        now if now.descriptors <= before.descriptors && now.threads <= before.threads => Ok(()),
        now => Err(format!("{now:?}, {before:?} before")),
    });
}

/// What this process has in memory, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * rustix::param::page_size()
}

#[test]
fn nothing_is_left_behind() {
    let at_first = census();
    let mut reader = RingBuffer::create(64 * 1024);
    let (near, far) = UnixStream::pair().unwrap();

    // One connection within this process, from hand-over to the end of all copies.
    let mut connect = |number: u64| {
        let (iob, peer) = reader.new_iob_writer(number % 100).unwrap();
        match number % 3 {
            0 => iob.send_mapped_to(&near).unwrap(),
            _ => iob.send_to(&near).unwrap(),
        }
        drop(iob);
        let received = Iob::receive_from(&far).unwrap();
        received.write(Default::default(), 0, &number.to_ne_bytes()).unwrap();
        drop(received);
        assert!(peer.wait_peer_closed(None));
        let (tag, bytes) = reader.try_read_message().unwrap().unwrap();
        assert_eq!((tag, &bytes[..]), (number % 100, &number.to_ne_bytes()[..]));
    };
    (0..1_000).for_each(&mut connect);
    let (before, memory) = (census(), resident());
    (0..10_000).for_each(&mut connect);
    comes_back_to(&before);
    assert!(resident() < memory + 512 * 1024, "{memory} bytes before, {} after", resident());

    // The same with processes that are killed.
    for number in 0..100 {
        let (iob, peer) = reader.new_iob_writer(7).unwrap();
        let mut servant = Servant::start();
        if number % 2 == 0 {
            servant.give(&iob)
        } else {
            servant.give_mapped(&iob)
        }
        drop(iob);
        servant.tell(Order::Flood, 100, 0);
        let first = reader.read_message_blocking(None).unwrap();
        assert_eq!(first.unwrap().0, 7);
        servant.kill();
        while !peer.is_peer_closed() {
            reader.drain(|_| std::ops::ControlFlow::Continue(())).unwrap();
        }
        reader.drain(|_| std::ops::ControlFlow::Continue(())).unwrap();
    }
    comes_back_to(&before);

    drop((reader, near, far));
    // At once, since the end of the ring waits for the broker's thread.
    assert!(census().descriptors <= at_first.descriptors, "{:?}, {at_first:?} at first", census());
    comes_back_to(&at_first);
}
