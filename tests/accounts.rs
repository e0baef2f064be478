//! Accounts: each figure is what happened, the identity holds at every moment, and nothing grows with the tags that were.

mod process;

use iobring::{Account, Count, Reader, RingBuffer, Status, ring_buffer_record_len};
use iobring_oracle::page::page_size;
use process::{Order, Servant, refused, servant};
use std::io::IoSlice;
use std::ops::ControlFlow;

#[test]
fn child_process() {
    servant();
}

fn count(records: u64, bytes: u64) -> Count {
    Count { records, bytes }
}

/// The account of `tag`, after checking that everything balances and adds up.
#[track_caller]
fn account(reader: &Reader, tag: u64) -> Account {
    let accounts = reader.accounts();
    assert!(accounts.total.balances(), "{:?}", accounts.total);
    for (tag, account) in &accounts.by_tag {
        assert!(account.balances(), "tag {tag}: {account:?}");
    }
    accounts.by_tag[&tag]
}

#[test]
fn every_figure_is_what_happened() {
    let mut reader = RingBuffer::try_create(page_size()).unwrap();
    let (a, _peer_a) = reader.new_iob_writer(1).unwrap();
    let (b, _peer_b) = reader.new_iob_writer(2).unwrap();
    a.write(Default::default(), 0, &[0; 100]).unwrap();
    b.write(Default::default(), 0, &[]).unwrap();
    a.write(Default::default(), 0, &[0; 11]).unwrap();
    assert_eq!(account(&reader, 1).in_ring, count(2, 111));
    assert_eq!(account(&reader, 1).accepted, count(2, 111));
    assert_eq!(account(&reader, 2).accepted, count(1, 0));

    assert!(reader.try_read_message().unwrap().is_some());
    assert_eq!(account(&reader, 1).delivered, count(1, 100));
    assert_eq!(account(&reader, 1).in_ring, count(1, 11));

    // What an empty ring would take, and what it never takes (if a message can be so long).
    let (most, more) = ((page_size() - 16).min(65_519), (page_size() - 15).min(65_519));
    assert_eq!(a.write(Default::default(), 0, &vec![0; most]), Err(Status::NO_SPACE));
    assert_eq!(a.write(Default::default(), 0, &vec![0; more]), Err(Status::NO_SPACE));
    assert_eq!(b.write(Default::default(), 0, &[0; 65_520]), Err(Status::INVALID_ARGS));
    assert_eq!(account(&reader, 1).no_space, count(2, (most + more) as u64));
    assert_eq!(account(&reader, 1).bad, count(0, 0));
    assert_eq!(account(&reader, 2).bad, count(1, 65_520));
    let long = vec![0; more - 81];
    let pieces = [IoSlice::new(&long), IoSlice::new(&[0; 81])];
    assert_eq!(b.writev(Default::default(), 0, &pieces), Err(Status::NO_SPACE));
    assert_eq!(account(&reader, 2).no_space, count(1, more as u64));

    // In the reference's style.
    let tail = reader.tail();
    // SAFETY: nobody else maps the region, and the range is what is published.
    let (tag, message) = unsafe { reader.first_message_in(tail..reader.head()) }.unwrap();
    assert_eq!((tag, message.len()), (2, 0));
    reader.increment_tail(ring_buffer_record_len(0));
    assert_eq!(account(&reader, 2).delivered, count(1, 0));

    assert_eq!(reader.drain(|_| ControlFlow::Continue(())), Ok(1));
    let total = reader.accounts().total;
    assert_eq!((total.accepted, total.delivered, total.in_ring), (count(3, 111), count(3, 111), count(0, 0)));
}

#[test]
fn what_a_repair_gives_up_is_accounted_for() {
    let mut reader = RingBuffer::try_create(page_size()).unwrap();
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    for _ in 0..3 {
        iob.write(Default::default(), 0, &[0; 5]).unwrap();
    }
    reader.try_read_message().unwrap();
    reader.resync();
    assert_eq!(account(&reader, 1).given_up, count(2, 10));
    iob.write(Default::default(), 0, &[0; 7]).unwrap();
    assert_eq!(account(&reader, 1).in_ring, count(1, 7));
    reader.resync();
    assert_eq!(account(&reader, 1).given_up, count(3, 17));
}

#[test]
fn writers_elsewhere_count_too() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (mapped, _peer_mapped) = reader.new_iob_writer(1).unwrap();
    let (isolated, _peer_isolated) = reader.new_iob_writer(2).unwrap();
    let mut near = Servant::start();
    near.give_mapped(&mapped);
    let mut far = Servant::start();
    far.give(&isolated);

    near.write(100, 0);
    mapped.write(Default::default(), 0, &[0; 3]).unwrap();
    assert_eq!(near.order(Order::Write, 65_520, 0), refused(Status::INVALID_ARGS));
    let one = account(&reader, 1);
    assert_eq!((one.accepted, one.bad), (count(2, 103), count(1, 65_520)));

    // A fork of the owner counts in the total only.
    far.write(7, 0);
    assert_eq!(reader.wait_blocking(144, None), Some(168));
    assert_eq!(account(&reader, 2).accepted, count(1, 7));

    let filled = near.order(Order::Fill, 1008, 0) as u64;
    assert_eq!(account(&reader, 1).no_space, count(1, 1008));
    assert_eq!(account(&reader, 1).accepted, count(2 + filled, 103 + filled * 1008));

    // The isolated writer's refusal is told with its next record.
    let sent = far.order(Order::Fill, 1008, 0) as u64;
    assert_eq!(account(&reader, 2).reported, count(0, 0));
    for _ in 0..3 + filled + sent {
        reader.read_message_blocking(None).unwrap().unwrap();
    }
    far.write(1, 0);
    reader.read_message_blocking(None).unwrap().unwrap();
    let two = account(&reader, 2);
    assert_eq!(
        (two.no_space, two.reported, two.delivered),
        (count(0, 0), count(1, 1008), count(2 + sent, 8 + sent * 1008))
    );
    assert_eq!(account(&reader, 1).in_ring, count(0, 0));
}

#[test]
fn an_inherited_endpoint_counts_in_the_total() {
    let reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    iob.write(Default::default(), 0, &[0; 10]).unwrap();
    // SAFETY: the child only writes and exits.
    match unsafe { libc::fork() } {
        0 => {
            let written = iob.write(Default::default(), 0, &[0; 20]).is_ok();
            // SAFETY: ends the child without running the parent's destructors.
            unsafe { libc::_exit(i32::from(!written)) }
        }
        child => {
            let mut status = 1;
            // SAFETY: the out-pointer is valid.
            unsafe { libc::waitpid(child, &mut status, 0) };
            assert_eq!(status, 0);
        }
    }
    let total = reader.accounts().total;
    assert_eq!((total.accepted, total.in_ring), (count(2, 30), count(2, 30)));
    assert_eq!(reader.accounts().by_tag[&1].accepted, count(1, 10));
}

#[test]
fn tags_that_are_gone_are_closed_and_stay_in_the_total() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    for tag in 0..10_000 {
        let (iob, peer) = reader.new_iob_writer(tag).unwrap();
        match tag % 100 {
            0 => {
                iob.send_mapped_to(&near).unwrap();
                drop(iob);
                let received = iobring::Iob::receive_from(&far).unwrap();
                received.write(Default::default(), 0, &[0; 9]).unwrap();
                drop(received);
                assert!(peer.wait_peer_closed(None));
            }
            _ => iob.write(Default::default(), 0, &[0; 9]).unwrap(),
        }
        assert_eq!(reader.try_read_message().unwrap().unwrap().0, tag);
    }
    let accounts = reader.accounts();
    assert!(accounts.by_tag.len() < 500, "{} tags are kept", accounts.by_tag.len());
    assert!(accounts.total.balances());
    assert_eq!(accounts.total.delivered, count(10_000, 90_000));
}

/// A tag that has gone is closed only when there are many, and never as long as a record of its is in the ring.
#[test]
fn tags_that_are_gone_linger() {
    let mut reader = RingBuffer::create(64 * 1024);
    for tag in 0..40 {
        let (iob, _) = reader.new_iob_writer(tag).unwrap();
        iob.write(Default::default(), 0, &[0; 9]).unwrap();
        assert!(reader.try_read_message().unwrap().is_some());
    }
    for tag in 0..40 {
        assert_eq!(account(&reader, tag).delivered, count(1, 9), "few linger");
    }
    for tag in 40..1000 {
        let (iob, _) = reader.new_iob_writer(tag).unwrap();
        iob.write(Default::default(), 0, &[0; 9]).unwrap();
    }
    for tag in 40..1000 {
        assert_eq!(account(&reader, tag).in_ring, count(1, 9), "unread, so not closed");
    }
    while reader.try_read_message().unwrap().is_some() {}
    // Enough of them to look again.
    for tag in 1000..5000 {
        drop(reader.new_iob_writer(tag).unwrap());
    }
    let accounts = reader.accounts();
    assert!(accounts.by_tag.len() < 500, "{} tags are kept", accounts.by_tag.len());
    assert_eq!(accounts.total.delivered, count(1000, 9000));
}

/// What is dropped unread is neither delivered nor given up, and what is kept takes at most as much as was asked for.
#[test]
fn the_oldest_are_dropped_and_counted_apart() {
    let mut reader = RingBuffer::create(64 * 1024);
    let writers: Vec<_> = (0..3).map(|tag| reader.new_iob_writer(tag).unwrap()).collect();
    for number in 0..10 {
        writers[number % 3].0.send(&vec![number as u8; 100 + number]).unwrap();
    }
    let newest: Vec<_> = reader.records(0).map(|record| record.unwrap().1).collect();
    assert_eq!(newest.len(), 10);
    let sizes: Vec<usize> = newest.iter().map(|message| ring_buffer_record_len(message.bytes.len())).collect();
    let of_last = |n: usize| sizes[10 - n..].iter().sum::<usize>();

    assert_eq!(reader.drop_oldest(of_last(10)).unwrap(), count(0, 0), "all may stay");
    assert_eq!(reader.drop_oldest(of_last(10) - 1).unwrap(), count(1, 100), "one byte less is one record less");
    assert_eq!(reader.drop_oldest(of_last(5)).unwrap(), count(4, 101 + 102 + 103 + 104));
    let kept: Vec<_> = reader.records(0).map(|record| record.unwrap().1).collect();
    assert_eq!(kept, newest[5..]);
    assert_eq!(account(&reader, 0).dropped, count(2, 100 + 103));
    assert_eq!(account(&reader, 0).delivered, count(0, 0));

    assert!(reader.try_read_message().unwrap().is_some());
    assert_eq!((account(&reader, 2).delivered, account(&reader, 2).dropped), (count(1, 105), count(1, 102)));
    // Given up is only what is left.
    reader.resync();
    let total = reader.accounts().total;
    assert!(total.balances());
    assert_eq!((total.dropped.records, total.delivered.records, total.given_up.records), (5, 1, 4));
    writers[0].0.send(b"last").unwrap();
    assert_eq!(reader.drop_oldest(0).unwrap(), count(1, 4));
    assert_eq!(reader.drop_oldest(0).unwrap(), count(0, 0));
    assert_eq!(reader.try_read_message(), Ok(None));
}

/// Writers that never find a full ring, because somebody keeps the newest only.
#[test]
fn whoever_keeps_the_newest_lets_writers_go_on() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (writer, peer) = reader.new_iob_writer(7).unwrap();
    const ALL: u64 = 20_000;
    let writing = std::thread::spawn(move || {
        for number in 0..ALL {
            while writer.send(&number.to_ne_bytes()) == Err(Status::NO_SPACE) {
                std::thread::yield_now();
            }
        }
    });
    let mut seen = 0;
    while !peer.is_peer_closed() {
        if let Some(head) = reader.wait_blocking(seen, Some(std::time::Duration::from_millis(1))) {
            seen = head;
        }
        reader.drop_oldest(3200).unwrap();
    }
    writing.join().unwrap();
    reader.drop_oldest(3200).unwrap();
    let newest: Vec<_> = reader.records(0).map(|record| record.unwrap().1.bytes).collect();
    assert_eq!(newest, (ALL - 133..ALL).map(|number| number.to_ne_bytes().to_vec()).collect::<Vec<_>>());
    assert_eq!(account(&reader, 7).dropped.records, ALL - 133);
}

#[test]
fn an_account_balances_or_does_not() {
    let mut account = Account::default();
    account.accepted = count(3, 30);
    assert!(!account.balances());
    account.delivered = count(1, 10);
    account.in_ring = count(1, 10);
    account.given_up = count(1, 10);
    assert!(account.balances());
    account.given_up = count(1, 9);
    assert!(!account.balances());
}

#[test]
fn more_mapped_tags_than_slots_balance_in_total() {
    let mut reader = RingBuffer::create(64 * 1024);
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    let writers: Vec<_> = (0..100)
        .map(|tag| {
            let (iob, _) = reader.new_iob_writer(tag).unwrap();
            iob.send_mapped_to(&near).unwrap();
            (iobring::Iob::receive_from(&far).unwrap(), iob)
        })
        .collect();
    for (tag, (received, _)) in writers.iter().enumerate() {
        received.write(Default::default(), 0, &vec![0; tag]).unwrap();
    }
    for _ in 0..50 {
        reader.try_read_message().unwrap().unwrap();
    }
    let accounts = reader.accounts();
    assert!(accounts.total.balances(), "{:?}", accounts.total);
    assert_eq!(accounts.total.accepted, count(100, 4950));
    assert_eq!(accounts.by_tag[&3].accepted, count(1, 3));
    reader.resync();
    assert!(reader.accounts().total.balances());
    assert_eq!(reader.accounts().total.given_up.records, 50);
}
