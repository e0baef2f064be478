//! The end of a ring: nothing more is accepted, what was accepted is read, and then every way of reading ends.

use futures::StreamExt;
use iobring::{Iob, Reader, RingBuffer, Status};
use iobring_oracle::elsewhere;
use iobring_oracle::page::page_size;
use iobring_oracle::task::{Count, poll_once};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Context;
use std::thread;
use std::time::Duration;

const REFUSED: Result<(), Status> = Err(Status::PEER_CLOSED);

/// Writers of every transport that a ring has, each with a tag of its own, from 1 on; the first is direct.
fn writers(reader: &Reader) -> Vec<Iob> {
    let iob = |tag| reader.new_iob_writer(tag).unwrap().0;
    let other = if reader.is_mediated() { elsewhere::by_kernel(&iob(3)) } else { elsewhere::mapped(&iob(3)) };
    vec![iob(1), elsewhere::isolated(&iob(2)), other]
}

/// Rings with and, where that can be, without the kernel.
fn rings(capacity: usize) -> Vec<Reader> {
    let mut rings = vec![RingBuffer::try_create(capacity).unwrap()];
    match RingBuffer::try_create_mediated(capacity) {
        Ok(reader) => rings.push(reader),
        Err(obstacle) => println!("NOT RUN by way of the kernel: {obstacle}"),
    }
    rings
}

#[test]
fn what_was_accepted_is_read_and_then_everything_ends() {
    for mut reader in rings(64 * 1024) {
        let writers = writers(&reader);
        for writer in &writers {
            writer.send(&writer.tag().to_ne_bytes()).unwrap();
        }
        assert!(!reader.is_closed() && !reader.is_at_end());
        reader.close();
        reader.close();
        assert!(reader.is_closed() && !reader.is_at_end());
        for writer in &writers {
            assert_eq!(writer.send(b"late"), REFUSED, "{:?}", writer.transport());
            assert_eq!(writer.write_batch(Default::default(), 0, &[b"late"]), Err(Status::PEER_CLOSED));
        }
        assert_eq!(writers[0].send(&[0; 65_520]), Err(Status::INVALID_ARGS), "for its own sake first");
        let mut tags = Vec::new();
        while let Some((tag, message)) = reader.read_message_blocking(None).unwrap() {
            assert_eq!(message, tag.to_ne_bytes());
            tags.push(tag);
        }
        tags.sort_unstable();
        assert_eq!(tags, [1, 2, 3]);
        ended(&mut reader);
        let total = reader.accounts().total;
        assert_eq!((total.accepted.records, total.delivered), (3, total.accepted));
        assert!(
            writers[0].send_to(&UnixStream::pair().unwrap().0).is_err(),
            "a writer is handed over into a closed ring"
        );
        reader.resync();
        assert_eq!(writers[0].send(b"late"), REFUSED, "a repair opens a ring");
        ended(&mut reader);
    }
}

fn is_readable(reader: &Reader) -> bool {
    let mut polled = [PollFd::new(reader, PollFlags::IN)];
    poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
}

/// Every way of reading says that this is the end.
#[track_caller]
fn ended(reader: &mut Reader) {
    let tail = reader.tail();
    assert!(reader.is_at_end());
    assert_eq!(reader.try_read_message(), Ok(None));
    assert_eq!(reader.read_message_blocking(None), Ok(None));
    assert_eq!(reader.wait_blocking(tail, None), None);
    assert_eq!(pollster::block_on(reader.wait(tail)), tail);
    assert_eq!(pollster::block_on(reader.next_message()), Ok(None));
    assert_eq!(pollster::block_on(reader.batches(4).next()), None);
    assert_eq!(pollster::block_on(StreamExt::next(&mut reader.batches(4))), None);
    for _ in 0..2 {
        assert!(is_readable(reader), "the descriptor does not tell of the end");
        assert_eq!(reader.try_read_message(), Ok(None));
    }
    let interrupter = reader.interrupter();
    assert_eq!(reader.wait_blocking(tail, None), None);
    drop(interrupter);
    assert!(is_readable(reader));
}

#[test]
fn waiting_readers_are_woken_by_the_end() {
    for interruptible in [false, true] {
        for mut reader in rings(page_size()) {
            let _iob = reader.new_iob_writer(1).unwrap();
            let _interrupter = interruptible.then(|| reader.interrupter());
            let ring = Arc::clone(&reader);
            thread::scope(|scope| {
                let waiting = scope.spawn(|| reader.read_message_blocking(None));
                ring.close();
                assert_eq!(waiting.join().unwrap(), Ok(None));
            });
        }
    }
    let mut reader = RingBuffer::try_create(page_size()).unwrap();
    let ring = Arc::clone(&reader);
    let (wakes, waker) = Count::waker();
    {
        let mut next = pin!(reader.next_message());
        assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        ring.close();
        assert_eq!(wakes.get(), 1);
        assert_eq!(pollster::block_on(next), Ok(None));
    }
    assert_eq!(poll_once(reader.read_message()), None, "it has no way to say so");
}

/// Three that flood, by whatever transport: what each was told is what is read, to the record.
#[test]
fn under_a_flood_the_accounts_are_what_the_writers_were_told() {
    for mut reader in rings(64 * 1024) {
        let writers = writers(&reader);
        let ring = Arc::clone(&reader);
        let told: [AtomicU64; 3] = Default::default();
        let returned = AtomicBool::new(false);
        let mut read = [0; 3];
        thread::scope(|scope| {
            for (writer, told) in writers.iter().zip(&told) {
                let returned = &returned;
                scope.spawn(move || {
                    loop {
                        let closed = returned.load(Ordering::SeqCst);
                        match writer.send(&[7; 40]) {
                            Ok(()) if !closed => told.fetch_add(1, Ordering::Relaxed),
                            Err(Status::NO_SPACE) if !closed => continue,
                            refused => break assert_eq!(refused, REFUSED),
                        };
                    }
                    assert_eq!(writer.send(&[7; 40]), REFUSED);
                });
            }
            while let Some((tag, _)) = reader.read_message_blocking(None).unwrap() {
                read[tag as usize - 1] += 1;
                if read.iter().all(|&read| read > 100) && !ring.is_closed() {
                    ring.close();
                    returned.store(true, Ordering::SeqCst);
                }
            }
        });
        let told = told.map(AtomicU64::into_inner);
        assert_eq!(told, read);
        let accounts = reader.accounts();
        for (tag, account) in &accounts.by_tag {
            assert_eq!(account.accepted.records, told[*tag as usize - 1], "tag {tag}");
            assert_eq!(account.delivered, account.accepted);
        }
        assert!(accounts.total.balances());
        assert_eq!(accounts.total.delivered.records, told.iter().sum::<u64>());
        assert!(reader.is_at_end());
    }
}

/// What an isolated writer was told to have written, and a full ring has kept from being written, is read after the end.
#[test]
fn what_is_on_its_way_comes_when_the_ring_is_full() {
    let mut reader = RingBuffer::try_create(page_size()).unwrap();
    let (direct, _peer) = reader.new_iob_writer(1).unwrap();
    let (iob, peer) = reader.new_iob_writer(2).unwrap();
    let isolated = elsewhere::isolated(&iob);
    drop(iob);
    while direct.send(&[1; 1000]).is_ok() {}
    let mut sent = 0;
    while isolated.send(&[2; 1000]).is_ok() {
        sent += 1;
    }
    assert!(sent > 10, "{sent} messages fit a ring and a socket");
    reader.close();
    assert_eq!(isolated.send(b"late"), REFUSED);
    assert_eq!(direct.send(b"late"), REFUSED);
    let mut read = 0;
    while let Some((tag, _)) = pollster::block_on(reader.next_message()).unwrap() {
        read += u64::from(tag == 2);
        assert_eq!(direct.send(b""), REFUSED, "it takes room that is the broker's");
    }
    assert_eq!(read, sent);
    assert!(peer.wait_peer_closed(None), "the peer is not told that its writer can write no more");
}

/// A socket that a process which maps the region hands on is the broker's before anybody writes into it.
#[test]
fn an_endpoint_that_is_passed_on_by_a_mapped_writer_is_refused_too() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let mapped = elsewhere::mapped(&iob);
    let isolated = elsewhere::isolated(&mapped);
    isolated.send(b"before").unwrap();
    reader.close();
    assert_eq!(isolated.send(b"late"), REFUSED);
    assert_eq!(mapped.send(b"late"), REFUSED);
    assert!(mapped.send_to(&UnixStream::pair().unwrap().0).is_err());
    assert_eq!(reader.read_message_blocking(None), Ok(Some((1, b"before".to_vec()))));
    assert_eq!(reader.read_message_blocking(None), Ok(None));
}

#[test]
fn writers_are_refused_when_the_reader_is_gone_whoever_has_the_ring() {
    for reader in rings(64 * 1024) {
        let writers = writers(&reader);
        writers.iter().for_each(|writer| writer.send(b"before").unwrap());
        let ring = Arc::clone(&reader);
        drop(reader);
        for writer in &writers {
            assert_eq!(writer.send(b"late"), REFUSED, "{:?}", writer.transport());
        }
        assert!(ring.is_closed());
        assert_eq!(ring.new_iob_writer(9).unwrap().0.send(b"late"), REFUSED);
    }
}

#[test]
fn a_ring_ends_with_its_last_writer_if_that_is_asked_for() {
    for mut reader in rings(64 * 1024) {
        reader.end_with_writers();
        assert_eq!(reader.wait_blocking(0, Some(Duration::ZERO)), None);
        assert!(!reader.is_closed(), "there was none yet");
        let mut all = writers(&reader);
        for writer in &all {
            writer.send(b"before").unwrap();
        }
        let copy = all[1].clone();
        all.pop();
        all.pop();
        assert!(!reader.is_closed());
        drop(all);
        assert!(!reader.is_closed(), "a copy is left");
        copy.send(b"before").unwrap();
        drop(copy);
        let mut read = 0;
        while reader.read_message_blocking(None).unwrap().is_some() {
            read += 1;
        }
        assert_eq!(read, 4);
        ended(&mut reader);
    }
    let mut reader = RingBuffer::create(64 * 1024);
    drop(reader.new_iob_writer(1).unwrap());
    assert!(!reader.is_closed(), "nobody asked");
    reader.end_with_writers();
    assert!(reader.is_at_end());
}
