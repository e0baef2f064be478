//! What stands beside the calls that Fuchsia's crate has: shorter ways to write, looks that take nothing, what an endpoint
//! says of itself, hand-overs on sockets of any kind.

use iobring::transport::Kind;
use iobring::{Credentials, Error, Iob, IobWriteOptions, Message, RingBuffer, Status};
use std::io::{self, LineWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

const CAPACITY: usize = 64 * 1024;

#[test]
fn an_endpoint_says_what_it_is() {
    let reader = RingBuffer::create(CAPACITY);
    let (writer, peer) = reader.new_iob_writer(u64::MAX).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    writer.send_to(&ours).unwrap();
    writer.send_mapped_to(&ours).unwrap();
    let (isolated, mapped) = (Iob::receive_from(&theirs).unwrap(), Iob::receive_from(&theirs).unwrap());
    drop(reader);
    for (iob, kind) in
        [(writer, Some(Kind::Direct)), (peer, None), (isolated, Some(Kind::Broker)), (mapped, Some(Kind::Mapped))]
    {
        assert_eq!((iob.tag(), iob.capacity(), iob.transport()), (u64::MAX, CAPACITY, kind));
    }
}

#[test]
fn send_and_io_write_are_writes() {
    let mut reader = RingBuffer::create(CAPACITY);
    let (writer, peer) = reader.new_iob_writer(7).unwrap();
    writer.send(b"sent").unwrap();
    assert_eq!(peer.send(b"sent"), Err(Status::ACCESS_DENIED));
    (&writer).write_all(b"all of it").unwrap();
    let pieces = [io::IoSlice::new(b"of "), io::IoSlice::new(b"pieces")];
    assert_eq!(io::Write::write_vectored(&mut &writer, &pieces).unwrap(), 9);
    let mut lines = LineWriter::new(writer.clone());
    writeln!(lines, "{} {}", 1, 2).unwrap();
    let too_long = io::Write::write(&mut &writer, &[0; 65_520]).unwrap_err();
    assert_eq!(too_long.downcast::<Status>().unwrap(), Status::INVALID_ARGS);
    for expected in ["sent", "all of it", "of pieces", "1 2\n"] {
        assert_eq!(reader.try_read_message(), Ok(Some((7, expected.into()))));
    }
    assert_eq!(reader.try_read_message(), Ok(None));
}

#[test]
fn a_look_takes_nothing() {
    let mut reader = RingBuffer::create(CAPACITY);
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    for lap in 0..4 {
        let start = reader.head();
        for n in 0..1_000u32 {
            writer.write(IobWriteOptions, 0, &n.to_ne_bytes()).unwrap();
        }
        let expected = |n: u32| Ok((start + u64::from(n) * 24, Message::new(7, n.to_ne_bytes().to_vec())));
        let all: Vec<_> = reader.records(0).collect();
        assert_eq!(all, (0..1_000).map(expected).collect::<Vec<_>>(), "lap {lap}");
        assert_eq!(reader.records(start + 24 * 990).collect::<Vec<_>>(), all[990..]);
        assert_eq!(reader.records(start + 4).collect::<Vec<_>>(), [Err(Error::BadAlignment)]);
        for end in [reader.head(), reader.head() + 8, u64::MAX] {
            assert_eq!(reader.records(end).count(), 0);
        }
        assert_eq!(reader.tail(), start);
        for message in all {
            let (_, message) = message.unwrap();
            assert_eq!(Message::from(reader.try_read_message().unwrap().unwrap()), message);
        }
    }
    assert_eq!(reader.accounts().total.delivered.records, 4_000, "each counts once");
}

/// Programs that speak `std::io` need one `?` for everything.
#[test]
fn errors_convert() {
    for error in [Error::BadAlignment, Error::TooSmall, Error::BadLength] {
        let converted = io::Error::from(error);
        assert_eq!(converted.kind(), io::ErrorKind::InvalidData);
        assert_eq!(converted.downcast::<Error>().unwrap(), error);
        assert_eq!(Status::from(error), Status::IO_DATA_INTEGRITY);
    }
}

#[test]
fn waiting_for_a_peer_without_a_panic() {
    let reader = RingBuffer::create(CAPACITY);
    let (writer, peer) = reader.new_iob_writer(7).unwrap();
    assert!(!peer.try_wait_peer_closed(Some(Duration::ZERO)).unwrap());
    drop(writer);
    assert!(peer.try_wait_peer_closed(None).unwrap());
}

#[test]
fn any_socket_will_do() {
    let mut reader = RingBuffer::create(CAPACITY);
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    writer.send_to(&OwnedFd::from(ours.try_clone().unwrap())).unwrap();
    writer.send_to(&Arc::new(ours)).unwrap();
    for _ in 0..2 {
        Iob::receive_from(&theirs.as_fd()).unwrap().send(b"here").unwrap();
        assert_eq!(reader.read_message_blocking(None), Ok(Some((7, b"here".to_vec()))));
    }
}

#[test]
fn a_socket_that_does_not_block_says_so_and_nothing_is_lost() {
    let mut reader = RingBuffer::create(CAPACITY);
    let (writer, peer) = reader.new_iob_writer(7).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_nonblocking(true).unwrap();
    assert_eq!(Iob::receive_from(&theirs).unwrap_err().kind(), io::ErrorKind::WouldBlock);

    // Until the socket is full.
    let mut sent = 0;
    let refusal = loop {
        match writer.send_to(&ours) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refusal.kind(), io::ErrorKind::WouldBlock);
    assert!(sent > 0);
    // Every one of them is whole, and no others came.
    for n in 0..sent {
        let received = Iob::receive_from(&theirs).unwrap();
        received.send(&[n as u8]).unwrap();
        assert_eq!(reader.read_message_blocking(None), Ok(Some((7, vec![n as u8]))));
    }
    assert_eq!(Iob::receive_from(&theirs).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    writer.send_to(&ours).expect("there is room again");
    drop((writer, Iob::receive_from(&theirs).unwrap()));
    assert!(peer.wait_peer_closed(None), "what was refused holds nothing open");
}

/// The threshold is passed, not reached; and at the end there is what there is.
#[test]
fn a_reader_waits_for_more_than_so_much() {
    use std::task::{Context, Waker};
    let mut reader = RingBuffer::create(CAPACITY);
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    writer.send(&[0; 8]).unwrap();
    {
        let mut waiting = std::pin::pin!(reader.wait_for_more_than(48));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        writer.send(&[0; 8]).unwrap();
        assert!(waiting.as_mut().poll(&mut context).is_pending(), "48 bytes are not more than 48");
        writer.send(&[]).unwrap();
        assert_eq!(waiting.as_mut().poll(&mut context), std::task::Poll::Ready(64));
    }
    let writing = std::thread::spawn(move || (0..100).for_each(|_| writer.send(&[0; 8]).unwrap()));
    assert!(pollster::block_on(reader.wait_for_more_than(2000)) > 2000);
    writing.join().unwrap();
    reader.close();
    assert_eq!(pollster::block_on(reader.wait_for_more_than(10_000)), 64 + 100 * 24);
}

#[test]
fn the_kernel_says_who_is_at_the_other_end() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let who = Credentials::of(&ours).unwrap();
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    assert_eq!((who.pid, who.uid, who.gid), (std::process::id(), uid, gid));
    if let Some(pidfd) = &who.pidfd {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).unwrap();
        assert!(info.contains(&format!("Pid:\t{}\n", std::process::id())), "{info}");
    } else {
        println!("NOT SHOWN: this kernel gives no pidfd");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(Credentials::of(&listener).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    let error = Credentials::of(&std::fs::File::open("/dev/null").unwrap()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::NOTSOCK.raw_os_error()));
}

/// Who asks again after half a message would take its other half for the next one.
#[test]
fn half_a_message_is_no_reason_to_ask_again() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    ours.write_all(b"iob-send and no more").unwrap();
    let error = Iob::receive_from(&theirs).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::InvalidData, "20 bytes of a message of 56"));
    assert_eq!((&theirs).read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn hand_over_between_tasks() {
    use tokio::io::Interest;
    let mut reader = RingBuffer::create(CAPACITY);
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    let (ours, theirs) = tokio::net::UnixStream::pair().unwrap();
    let received = tokio::spawn(async move {
        theirs.async_io(Interest::READABLE, || Iob::receive_from(&theirs)).await.unwrap().send(b"from a task").unwrap();
    });
    ours.async_io(Interest::WRITABLE, || writer.send_to(&ours)).await.unwrap();
    assert_eq!(reader.read_message().await, Ok((7, b"from a task".to_vec())));
    received.await.unwrap();
}
