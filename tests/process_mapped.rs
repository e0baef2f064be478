//! Writers that map the region: one lock for all processes, which survives its owner; every end noticed.

mod process;

use iobring::{Reader, RingBuffer, Status};
use iobring_oracle::child::{self, Fork};
use iobring_oracle::elsewhere;
use process::{Order, Servant, UNSUPPORTED, message, refused, servant};
use rustix::process::Signal;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

#[test]
fn child_process() {
    servant();
}

#[track_caller]
fn expect(reader: &mut Reader, tag: u64, len: usize, number: u64) {
    let (got, bytes) = reader.read_message_blocking(None).unwrap().unwrap();
    assert_eq!((got, bytes), (tag, message(len, number)), "message {number}");
}

#[test]
fn records_arrive_and_errors_are_the_local_ones() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(77).unwrap();
    let mut servant = Servant::start();
    servant.give_mapped(&iob);
    for (number, len) in [0, 1, 8, 9, 65_519].into_iter().enumerate() {
        servant.write(len, number as u64);
        expect(&mut reader, 77, len as usize, number as u64);
    }
    assert_eq!(servant.order(Order::Write, 65_520, 0), refused(Status::INVALID_ARGS));
    assert_eq!(servant.order(Order::Fill, 48, 0), 1024);
    assert_eq!(servant.order(Order::Refusal, 0, 0), refused(Status::NO_SPACE));
    // It is in the ring already, in this process's view too.
    assert_eq!(reader.head() - reader.tail(), 64 * 1024);
}

#[test]
fn a_reader_is_woken_however_it_waits() {
    use rustix::event::{PollFd, PollFlags, poll};
    use std::os::fd::AsFd;
    use std::task::{Context, Waker};
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(5).unwrap();
    let mut servant = Servant::start();
    servant.give_mapped(&iob);
    for number in 0..100 {
        servant.tell(Order::Write, 24, number);
        let (_, bytes) = pollster::block_on(reader.read_message()).unwrap();
        assert_eq!(bytes, message(24, number));
        assert_eq!(servant.answer(), 0);

        // Certain to be waiting before the writer starts.
        {
            let mut future = std::pin::pin!(reader.read_message());
            assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            servant.tell(Order::Write, 24, number);
            let (_, bytes) = pollster::block_on(future).unwrap();
            assert_eq!(bytes, message(24, number));
            assert_eq!(servant.answer(), 0);
        }

        assert_eq!(reader.try_read_message().unwrap(), None);
        let descriptor = reader.as_fd().try_clone_to_owned().unwrap();
        servant.tell(Order::Write, 24, number);
        poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], None).unwrap();
        assert_eq!(reader.try_read_message().unwrap(), Some((5, message(24, number))));
        assert_eq!(servant.answer(), 0);
    }
}

#[test]
fn the_peer_learns_the_end_when_all_copies_are_gone() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(9).unwrap();
    let mut first = Servant::start();
    let mut second = Servant::start();
    first.give_mapped(&iob);
    second.give(&iob);
    drop(iob);
    first.write(100, 1);
    first.kill();
    second.write(100, 2);
    assert!(!peer.is_peer_closed());
    second.order(Order::Drop, 0, 0);
    assert!(peer.wait_peer_closed(None));
    let mut numbers = Vec::new();
    while let Some((_, bytes)) = reader.try_read_message().unwrap() {
        numbers.push(bytes[0]);
    }
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn ends_are_told_to_the_writer_too() {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(9).unwrap();
    let mut servant = Servant::start();
    servant.give_mapped(&iob);
    assert_eq!(servant.order(Order::IsPeerClosed, 0, 0), 0);
    drop(peer);
    assert_eq!(servant.order(Order::WaitPeerClosed, 0, 0), 1);
    servant.order(Order::Fill, 48, 0);
    assert_eq!(servant.order(Order::Refusal, 0, 0), refused(Status::NO_SPACE));
    drop(reader);
    servant.order(Order::Fill, 48, 0);
    assert_eq!(servant.order(Order::Refusal, 0, 0), refused(Status::PEER_CLOSED));
}

#[test]
fn sent_on_to_a_third_process_both_ways() {
    for order in [Order::SendOn, Order::SendMappedOn] {
        let mut reader = RingBuffer::create(64 * 1024);
        let (iob, peer) = reader.new_iob_writer(5).unwrap();
        let mut servant = Servant::start();
        servant.give_mapped(&iob);
        drop(iob);
        assert_eq!(servant.order(order, 0, 0), 0);
        assert_eq!(servant.order(Order::WriteOn, 24, 1), 0);
        expect(&mut reader, 5, 24, 1);
        servant.order(Order::Drop, 0, 0);
        assert_eq!(servant.order(Order::WriteOn, 24, 2), 0);
        expect(&mut reader, 5, 24, 2);
        assert!(!peer.is_peer_closed());
        servant.order(Order::KillOn, 0, 0);
        assert!(peer.wait_peer_closed(None), "{order:?}");
    }
}

#[test]
fn inherited_by_a_forked_child() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(5).unwrap();
    let mut servant = Servant::start();
    servant.give_mapped(&iob);
    for number in 0..10 {
        assert_eq!(servant.order(Order::ForkAndWrite, 24, number), 0);
        expect(&mut reader, 5, 24, number);
    }
}

/// The writers' lock names its owner by thread id, and there the same id is another thread's.
#[test]
fn in_another_pid_namespace_the_mapping_is_refused() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(5).unwrap();
    let Some(mut servant) = Servant::start_in_another_pid_namespace() else {
        eprintln!("NOT RUN: no PID namespace can be made here");
        return;
    };
    servant.tell(Order::Receive, 0, 0);
    iob.send_mapped_to(&servant.socket).unwrap();
    assert_eq!(servant.answer(), UNSUPPORTED);
    // Isolated it is welcome.
    servant.give(&iob);
    servant.write(24, 1);
    expect(&mut reader, 5, 24, 1);
}

#[test]
fn a_stopped_writer_loses_nothing() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(5).unwrap();
    let (local, _) = reader.new_iob_writer(6).unwrap();
    let mut servant = Servant::start();
    servant.give_mapped(&iob);
    servant.write(24, 0);
    servant.signal(Signal::STOP);
    // It was stopped outside the lock, waiting for orders.
    local.write(Default::default(), 0, &message(24, 1)).unwrap();
    servant.signal(Signal::CONT);
    servant.write(24, 2);
    expect(&mut reader, 5, 24, 0);
    expect(&mut reader, 6, 24, 1);
    expect(&mut reader, 5, 24, 2);
}

#[test]
fn what_may_not_be_handed_over_is_not() {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, peer) = reader.new_iob_writer(9).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    let denied = std::io::ErrorKind::PermissionDenied;
    assert_eq!(peer.send_to(&near).unwrap_err().kind(), denied);
    assert_eq!(peer.send_mapped_to(&near).unwrap_err().kind(), denied);
    iob.send_to(&near).unwrap();
    let isolated = iobring::Iob::receive_from(&far).unwrap();
    assert_eq!(isolated.send_mapped_to(&near).unwrap_err().kind(), denied);
    // Shut down, since a process that another test is just starting may hold a copy for an instant.
    far.shutdown(std::net::Shutdown::Both).unwrap();
    assert_eq!(iob.send_to(&near).unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    assert_eq!(iob.send_mapped_to(&near).unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
}

/// A PID namespace, and a servant that is the only one in there.
fn another_pid_namespace() -> Option<(File, Servant)> {
    let mut servant = Servant::start_in_another_pid_namespace()?;
    // Once it answers, it is there; the one who has made it is here.
    assert_eq!(servant.order(Order::Drop, 0, 0), 0);
    Some((File::open(format!("/proc/{}/ns/pid_for_children", servant.child.id())).unwrap(), servant))
}

/// Its lock would be named by another thread's id there. By `unshare` or by `setns`, it is the children that are in the new one.
#[test]
fn a_fork_into_another_pid_namespace_is_refused() {
    // SAFETY: the namespace is a child's alone, which has no threads.
    let unshare = || unsafe { libc::unshare(libc::CLONE_NEWPID) } == 0;
    let (other, _servant) = another_pid_namespace().unzip();
    // SAFETY: as above.
    let setns =
        || other.as_ref().is_some_and(|other| unsafe { libc::setns(other.as_raw_fd(), libc::CLONE_NEWPID) } == 0);
    for (way, enter) in [("unshare", &unshare as &dyn Fn() -> bool), ("setns", &setns)] {
        let mut reader = RingBuffer::create(64 * 1024);
        let (iob, _peer) = reader.new_iob_writer(5).unwrap();
        let (mapped, isolated) = (elsewhere::mapped(&iob), elsewhere::isolated(&iob));
        const NOT_RUN: i32 = 77;
        // SAFETY: the children write, which any fork may, and make system calls.
        let exited = child::result(unsafe {
            child::fork(Fork::Libc, || {
                if !enter() {
                    return NOT_RUN;
                }
                // It itself is where it was.
                let stays = mapped.send(b"mapped").is_ok();
                let grandchild = child::fork(Fork::Libc, || {
                    let refused = mapped.send(b"mapped") == Err(Status::BAD_HANDLE);
                    i32::from(!(refused && isolated.send(b"isolated").is_ok()))
                });
                i32::from(!stays) + child::result(grandchild)
            })
        });
        if exited == NOT_RUN {
            println!("NOT RUN: this process may not make or enter PID namespaces by {way}");
            continue;
        }
        assert_eq!(exited, 0, "{way}");
        for message in [&b"mapped"[..], b"isolated"] {
            assert_eq!(reader.read_message_blocking(None).unwrap(), Some((5, message.to_vec())), "{way}");
        }
    }
}
