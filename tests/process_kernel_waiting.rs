//! Writers in other processes, for which the kernel writes, that wait for room. Where the kernel cannot mediate, each test says NOT
//! RUN, and why.

mod process;

use iobring::{Count, Iob, Reader, RingBuffer, Status};
use iobring_oracle::patience::until;
use iobring_oracle::shared::{ROOM, Shared};
use process::{Order, Servant, message, refused, servant};

const LARGE: u64 = 20_000;

#[test]
fn child_process() {
    servant();
}

/// A full ring, its writer and the writer's peer, and a servant that waits for room in it, by way of the kernel.
fn waiting() -> Option<(Reader, Iob, Iob, Servant)> {
    let reader = match RingBuffer::try_create_mediated(64 * 1024) {
        Ok(reader) => reader,
        Err(obstacle) => {
            println!("NOT RUN: {obstacle}");
            return None;
        }
    };
    let (iob, peer) = reader.new_iob_writer(7).unwrap();
    let mut servant = Servant::start_as_nobody();
    servant.give_kernel(&iob);
    assert_eq!(servant.order(Order::Fill, LARGE as u32, 0), 3);
    servant.tell(Order::WriteWaiting, LARGE as u32, 3);
    // It has asked to be told, and whatever comes now is told, or never.
    let shared = Shared::of(&reader);
    until(|| if shared.word(ROOM) == 0 { Err("nobody has asked for room".into()) } else { Ok(()) });
    Some((reader, iob, peer, servant))
}

#[test]
fn it_is_told_of_room_and_a_wait_is_no_refusal() {
    let Some((mut reader, _iob, _peer, mut servant)) = waiting() else { return };
    for number in 0..4 {
        assert_eq!(reader.read_message_blocking(None).unwrap().unwrap().1, message(LARGE as usize, number));
        if number == 0 {
            assert_eq!(servant.answer(), 0);
        }
    }
    let account = reader.accounts().by_tag[&7];
    // The one that ended filling.
    assert_eq!(account.no_space, Count { records: 1, bytes: LARGE });
    assert_eq!(account.accepted.records, 4);
}

#[test]
fn who_has_lost_the_right_to_write_waits_no_more() {
    let Some((reader, iob, _peer, mut servant)) = waiting() else { return };
    iob.revoke().unwrap();
    assert_eq!(servant.answer(), refused(Status::ACCESS_DENIED));
    // Nor does it begin to.
    assert_eq!(servant.order(Order::WriteWaiting, LARGE as u32, 4), refused(Status::ACCESS_DENIED));
    assert_eq!(reader.accounts().by_tag[&7].accepted.records, 3);
}

#[test]
fn the_end_of_a_ring_ends_the_wait() {
    for closes in [false, true] {
        let Some((reader, _iob, _peer, mut servant)) = waiting() else { return };
        if closes {
            reader.close();
        } else {
            drop(reader);
        }
        assert_eq!(servant.answer(), refused(Status::PEER_CLOSED));
    }
}

#[test]
fn it_may_be_killed_while_it_waits() {
    let Some((mut reader, iob, peer, mut servant)) = waiting() else { return };
    let mut other = Servant::start_as_nobody();
    other.give_kernel(&iob);
    other.tell(Order::WriteWaiting, LARGE as u32, 8);
    servant.kill();
    assert_eq!(reader.read_message_blocking(None).unwrap().unwrap().1, message(LARGE as usize, 0));
    assert_eq!(other.answer(), 0);
    other.kill();
    drop(iob);
    assert!(peer.wait_peer_closed(None));
    let read = std::iter::from_fn(|| reader.try_read_message().unwrap()).last().unwrap();
    assert_eq!(read, (7, message(LARGE as usize, 8)));
}
