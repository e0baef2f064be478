//! Isolated writers: their records arrive, in order, with the right tag; a full ring holds them back; every end is noticed.

mod process;

use iobring::{Reader, RingBuffer, Status};
use iobring_oracle::elsewhere;
use iobring_oracle::page::page_size;
use iobring_oracle::shared::{LOCK, Shared};
use process::{Order, Servant, message, refused, servant};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

/// The bit of the lock word that says that somebody sleeps on it.
const WAITERS: u32 = 0x8000_0000;

#[test]
fn child_process() {
    servant();
}

/// Reads the next record, which must be the message of `len` bytes numbered `number`, with `tag`.
#[track_caller]
fn expect(reader: &mut Reader, tag: u64, len: usize, number: u64) {
    let (got, bytes) = reader.read_message_blocking(None).unwrap().unwrap();
    assert_eq!((got, bytes), (tag, message(len, number)), "message {number}");
}

#[test]
fn records_of_every_length_arrive_as_they_were_written() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(u64::MAX - 1).unwrap();
    let mut servant = Servant::start();
    servant.give(&iob);
    for (number, len) in [0, 1, 7, 8, 9, 16, 4096, 65_519].into_iter().enumerate() {
        servant.write(len, number as u64);
        expect(&mut reader, u64::MAX - 1, len as usize, number as u64);
    }
    assert_eq!(servant.order(Order::Write, 65_520, 0), refused(Status::INVALID_ARGS));
    assert_eq!(reader.head(), reader.tail());
}

#[test]
fn a_record_larger_than_the_ring_is_refused_by_the_writer_itself() {
    let reader = RingBuffer::try_create(page_size()).unwrap();
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let mut servant = Servant::start();
    servant.give(&iob);
    assert_eq!(servant.order(Order::Write, 4081, 0), refused(Status::NO_SPACE));
    servant.write(4080, 0);
}

#[test]
fn a_full_ring_holds_the_writer_back_and_nothing_accepted_is_lost() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(3).unwrap();
    let mut servant = Servant::start();
    servant.give(&iob);
    let mut written = 0;
    for (round, len) in [1, 1000, 30_000, 65_519].into_iter().enumerate() {
        let accepted = servant.order(Order::Fill, len, written) as u64;
        assert_eq!(servant.order(Order::Refusal, 0, 0), refused(Status::NO_SPACE), "round {round}");
        assert!(accepted > 0, "round {round}");
        for number in written..written + accepted {
            expect(&mut reader, 3, len as usize, number);
        }
        written += accepted;
    }
    assert_eq!(reader.head(), reader.tail());
}

#[test]
fn one_record_read_makes_room_for_one_more() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(3).unwrap();
    let mut servant = Servant::start();
    servant.give(&iob);
    // Fill the ring, and then the socket; the broker is certain to sleep for lack of room once no fill adds anything.
    let mut written = 0;
    loop {
        let accepted = servant.order(Order::Fill, 8000, written) as u64;
        written += accepted;
        if accepted == 0 && reader.head() - reader.tail() > 64 * 1024 - 8016 {
            break;
        }
    }
    for number in 0..1000 {
        expect(&mut reader, 3, 8000, number);
        // The broker takes the next message from the socket, without the reader looking for it.
        while servant.order(Order::Write, 8000, written) != 0 {}
        written += 1;
    }
    for number in 1000..written {
        expect(&mut reader, 3, 8000, number);
    }
}

#[test]
fn the_peer_learns_the_end_when_all_copies_are_gone_and_what_they_wrote_is_read() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(9).unwrap();
    let mut first = Servant::start();
    let mut second = Servant::start();
    first.give(&iob);
    second.give(&iob);
    drop(iob);
    assert!(!peer.is_peer_closed());
    first.write(100, 1);
    first.kill();
    // Its connection ends before the next round trip through the second one's socket is over? Not necessarily; but the
    // second copy is alive, so whatever the broker has noticed, this must hold.
    second.write(100, 2);
    assert!(!peer.is_peer_closed());
    second.order(Order::Clone, 0, 0);
    second.write(100, 3);
    second.kill();
    assert!(peer.wait_peer_closed(None));
    let mut numbers: Vec<u64> = Vec::new();
    while let Some((tag, bytes)) = reader.try_read_message().unwrap() {
        assert_eq!(tag, 9);
        numbers.push(u64::from_ne_bytes(bytes[..8].try_into().unwrap()));
    }
    numbers.sort();
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn the_writer_learns_that_its_peer_is_closed_and_may_still_write() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(9).unwrap();
    let mut servant = Servant::start();
    servant.give(&iob);
    assert_eq!(servant.order(Order::IsPeerClosed, 0, 0), 0);
    drop(peer);
    assert_eq!(servant.order(Order::WaitPeerClosed, 0, 0), 1);
    assert_eq!(servant.order(Order::IsPeerClosed, 0, 0), 1);
    servant.write(10, 7);
    expect(&mut reader, 9, 10, 7);
    // One that comes later learns it at once.
    let mut late = Servant::start();
    late.give(&iob);
    assert_eq!(late.order(Order::IsPeerClosed, 0, 0), 1);
    late.write(10, 8);
    expect(&mut reader, 9, 10, 8);
}

#[test]
fn without_an_owner_a_write_says_peer_closed() {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(9).unwrap();
    let mut servant = Servant::start();
    servant.give(&iob);
    servant.write(10, 0);
    drop(reader);
    assert_eq!(servant.order(Order::Write, 10, 1), refused(Status::PEER_CLOSED));
    assert_eq!(servant.order(Order::WaitPeerClosed, 0, 0), 1);
    let (near, _far) = std::os::unix::net::UnixStream::pair().unwrap();
    assert_eq!(iob.send_to(&near).unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
}

/// The broker's thread is held up by the writers' lock, whose owner does nothing, here a thread that does not even know that it
/// has it.
#[test]
fn a_broker_that_is_held_up_is_left_behind() {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(9).unwrap();
    let isolated = elsewhere::isolated(&iob);
    let shared = Shared::of(&reader);
    let me = rustix::thread::gettid().as_raw_nonzero().get() as u32;
    shared.write(LOCK, &me.to_ne_bytes());
    isolated.write(Default::default(), 0, b"never received").unwrap();
    while shared.read(LOCK, 4) != (me | WAITERS).to_ne_bytes() {
        std::thread::yield_now();
    }
    drop(reader);
    assert!(isolated.wait_peer_closed(None));
}

/// A task's waker is its executor's code, and the broker's thread calls it.
#[test]
fn a_waker_that_panics_leaves_nobody_believing_in_the_broker() {
    struct Panicking;
    impl Wake for Panicking {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics, as this test wants it to");
        }
    }
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(9).unwrap();
    let isolated = elsewhere::isolated(&iob);
    {
        let mut reading = std::pin::pin!(reader.read_message());
        let waker = Waker::from(Arc::new(Panicking));
        assert!(reading.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        isolated.write(Default::default(), 0, b"the last").unwrap();
        assert!(isolated.wait_peer_closed(None));
    }
    assert_eq!(reader.try_read_message(), Ok(Some((9, b"the last".to_vec()))));
    assert_eq!(isolated.write(Default::default(), 0, b"too late"), Err(Status::PEER_CLOSED));
}

/// The broker's thread is in the parent alone.
#[test]
fn a_fork_of_the_owner_cannot_hand_over() {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(9).unwrap();
    let _isolated = elsewhere::isolated(&iob);
    let (near, _far) = std::os::unix::net::UnixStream::pair().unwrap();
    // SAFETY: the child tries to hand over and exits. It takes no lock that another thread had when it was forked: this one
    // has just been through them.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let unsupported = |error: std::io::Error| error.kind() == std::io::ErrorKind::Unsupported;
        let refused = [iob.send_to(&near), iob.send_mapped_to(&near)].map(|result| result.is_err_and(unsupported));
        // SAFETY: ends the child without running the parent's destructors.
        unsafe { libc::_exit(i32::from(refused != [true; 2])) }
    }
    let mut status = 0;
    // SAFETY: the child is ours and the out-pointer is valid.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0, "both are refused as unsupported");
}

/// A fork of the owner holds copies of everything it had, and knows nothing of it.
#[test]
fn the_owners_end_is_told_though_a_fork_of_it_lives() {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(9).unwrap();
    let (isolated, mapped) = (elsewhere::isolated(&iob), elsewhere::mapped(&iob));
    let (wait, end) = rustix::pipe::pipe().unwrap();
    // SAFETY: the child closes, reads and exits.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: as above; neither the descriptor nor anything else is used afterwards.
        unsafe {
            libc::close(end.as_raw_fd());
            libc::read(wait.as_raw_fd(), [0u8; 1].as_mut_ptr().cast(), 1);
            libc::_exit(0)
        }
    }
    drop(reader);
    for copy in [&isolated, &mapped] {
        assert!(copy.wait_peer_closed(None));
    }
    assert_eq!(isolated.write(Default::default(), 0, b"too late"), Err(Status::PEER_CLOSED));
    drop(end);
    // SAFETY: the child is ours and the out-pointer may be null.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
}

#[test]
fn sent_on_to_a_third_process() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(5).unwrap();
    let mut servant = Servant::start();
    servant.give(&iob);
    drop(iob);
    assert_eq!(servant.order(Order::SendOn, 0, 0), 0);
    assert_eq!(servant.order(Order::WriteOn, 24, 1), 0);
    expect(&mut reader, 5, 24, 1);
    servant.order(Order::Drop, 0, 0);
    assert_eq!(servant.order(Order::WriteOn, 24, 2), 0);
    expect(&mut reader, 5, 24, 2);
    assert!(!peer.is_peer_closed());
    servant.order(Order::KillOn, 0, 0);
    assert!(peer.wait_peer_closed(None));
}

#[test]
fn inherited_by_a_forked_child() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(5).unwrap();
    let mut servant = Servant::start();
    servant.give(&iob);
    assert_eq!(servant.order(Order::ForkAndWrite, 24, 1), 0);
    expect(&mut reader, 5, 24, 1);
}

#[test]
fn a_task_that_waits_is_woken() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(5).unwrap();
    let mut servant = Servant::start();
    servant.give(&iob);
    for number in 0..100 {
        servant.tell(Order::Write, 24, number);
        let (tag, bytes) = pollster::block_on(reader.read_message()).unwrap();
        assert_eq!((tag, bytes), (5, message(24, number)));
        assert_eq!(servant.answer(), 0);
    }
}

#[test]
fn one_flood_does_not_starve_the_others() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (greedy, _) = reader.new_iob_writer(0).unwrap();
    let (modest, _) = reader.new_iob_writer(1).unwrap();
    let mut flood = Servant::start();
    flood.give(&greedy);
    let mut quiet = Servant::start();
    quiet.give(&modest);
    flood.tell(Order::Flood, 1000, 0);
    for number in 0..200 {
        // Sent before the reader goes on: when the system runs whom is not what is tested.
        assert_eq!(quiet.order(Order::Write, 1000, number), 0);
        // What was in the ring, and a turn of the flood's: fewer than this.
        let mut before = 0;
        loop {
            let (tag, bytes) = reader.read_message_blocking(None).unwrap().unwrap();
            if tag == 1 {
                assert_eq!(bytes, message(1000, number));
                break;
            }
            before += 1;
            assert!(before < 200, "message {number} waits behind two hundred of the other's");
        }
    }
}
