//! A broker with nothing to do sleeps, also when what it has to do must wait: for a message, for room, for a repair.

mod process;

use iobring::{Reader, RingBuffer};
use iobring_oracle::patience::until;
use iobring_oracle::shared::{Shared, TAIL};
use process::{Order, Servant, message, servant};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

#[test]
fn child_process() {
    servant();
}

/// How often in a row a thread is seen asleep before it counts as idle. One that only looks whether there is something to do,
/// and never blocks, is seen running each time.
const SIGHTINGS: usize = 100;

/// The broker thread's entry in procfs. There is one ring in this process, which has handed an endpoint over.
fn broker() -> PathBuf {
    let named = |path: &PathBuf| fs::read_to_string(path.join("comm")).is_ok_and(|name| name == "iobring-broker\n");
    until(|| {
        let mut threads = fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap().path());
        // It gives itself its name, once it runs.
        threads.find(named).ok_or_else(|| "no broker thread".into())
    })
}

fn comes_to_rest(thread: &Path, when: &str) {
    let mut asleep = 0;
    until(|| {
        let stat = fs::read_to_string(thread.join("stat")).unwrap();
        // The state follows the name, which is in parentheses.
        asleep = if stat.contains(") S ") { asleep + 1 } else { 0 };
        if asleep < SIGHTINGS { Err(format!("{when}: the broker thread does not sleep")) } else { Ok(()) }
    });
}

#[test]
fn the_broker_sleeps_while_there_is_nothing_to_do() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(3).unwrap();
    let mut servant = Servant::start();
    servant.give(&iob);
    let thread = broker();
    comes_to_rest(&thread, "before the first message");
    servant.write(100, 0);
    assert_eq!(reader.read_message_blocking(None), Ok(Some((3, message(100, 0)))));
    comes_to_rest(&thread, "after a message");

    let mut written = 1;
    // The ring is full, and then the socket.
    loop {
        let accepted = servant.order(Order::Fill, 8000, written) as u64;
        written += accepted;
        if accepted == 0 && reader.head() - reader.tail() > 64 * 1024 - 8016 {
            break;
        }
    }
    comes_to_rest(&thread, "while the ring is full");
    assert_eq!(reader.read_message_blocking(None), Ok(Some((3, message(8000, 1)))));
    comes_to_rest(&thread, "while the ring is full again");
    for number in 2..written {
        assert_eq!(reader.read_message_blocking(None), Ok(Some((3, message(8000, number)))));
    }
    comes_to_rest(&thread, "when the ring is empty again");

    // A message that waits for the ring's repair is received once that is done.
    let shared = Shared::of(&reader);
    shared.set_word(TAIL, reader.head() + 8);
    servant.write(100, written);
    comes_to_rest(&thread, "while the ring is damaged");
    reader.resync();
    assert_eq!(reader.read_message_blocking(None), Ok(Some((3, message(100, written)))));
    comes_to_rest(&thread, "when the ring is repaired");

    drop(iob);
    servant.kill();
    assert!(peer.wait_peer_closed(None));
    comes_to_rest(&thread, "when everybody is gone");

    others_wait_for_room(&mut reader, &thread);
}

/// Writers of all kinds wait for room, which is the broker's to tell; one dies of it.
fn others_wait_for_room(reader: &mut Reader, broker: &Path) {
    let writer = |tag| reader.new_iob_writer(tag).unwrap().0;
    let (direct, isolated) = (writer(1), writer(2));
    let mut servants = [Servant::start(), Servant::start(), Servant::start()];
    let [mapped, mortal, sender] = &mut servants;
    mapped.give_mapped(&writer(3));
    mortal.give_mapped(&writer(4));
    sender.give(&isolated);
    while direct.send(&message(1000, 0)).is_ok() {}
    sender.write(60_000, 0);
    comes_to_rest(broker, "while an isolated writer waits");
    mapped.tell(Order::WriteWaiting, 2000, 0);
    mortal.tell(Order::WriteWaiting, 8000, 0);
    let waiting = thread::spawn(move || direct.send_timeout(&message(3000, 0), None));
    comes_to_rest(broker, "while writers of all kinds wait");
    for number in 0..20 {
        reader.read_message_blocking(None).unwrap().unwrap();
        comes_to_rest(broker, &format!("after {number} records were read"));
    }
    mortal.kill();
    comes_to_rest(broker, "after one has died while it waited");
    let mut left = [(1, 3000), (2, 60_000), (3, 2000)].to_vec();
    while !left.is_empty() {
        let (tag, message) = reader.read_message_blocking(None).unwrap().unwrap();
        left.retain(|&(of, len)| (of, len) != (tag, message.len()));
    }
    assert_eq!(waiting.join().unwrap(), Ok(()));
    assert_eq!(mapped.answer(), 0);
    comes_to_rest(broker, "when nobody waits any more");
}
