//! What rings and endpoints cost, counted in `/proc/self`: everything is given back, and ten thousand pairs cost nothing.
//!
//! One test, because whatever runs beside it would be counted too.

use iobring::{Reader, RingBuffer};
use iobring_oracle::page::page_size;
use std::fs;
use std::os::fd::AsFd;

/// What this process holds.
#[derive(Debug, PartialEq)]
struct Held {
    descriptors: usize,
    /// Mappings of a ring.
    mappings: usize,
    threads: usize,
}

fn held() -> Held {
    // The listing itself is open while it is read; it counts one every time.
    let entries = |directory| fs::read_dir(directory).unwrap().count();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    Held {
        descriptors: entries("/proc/self/fd"),
        mappings: maps.lines().filter(|line| line.contains("/memfd:iobring")).count(),
        threads: entries("/proc/self/task"),
    }
}

/// The whole address space of this process in pages.
fn address_space() -> usize {
    fs::read_to_string("/proc/self/statm").unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

fn use_it(reader: &mut Reader) {
    let (writer, peer) = reader.new_iob_writer(1).unwrap();
    writer.write(Default::default(), 0, b"hello").unwrap();
    reader.try_read_message().unwrap().unwrap();
    reader.as_fd();
    writer.as_fd();
    peer.as_fd();
}

#[test]
fn resources() {
    let before = held();
    a_ring_costs_two_mappings_and_two_descriptors(&before);
    everything_is_given_back(&before);
    the_last_one_to_go_gives_back(&before);
    ten_thousand_pairs_cost_nothing_but_memory(&before);
    waiting_takes_no_thread(&before);
    failed_creations_leave_nothing(&before);
    assert_eq!(held(), before);
}

fn a_ring_costs_two_mappings_and_two_descriptors(before: &Held) {
    let _reader = RingBuffer::create(65_536);
    let held = held();
    assert_eq!(held.mappings - before.mappings, 2, "the region, and the mirror");
    assert_eq!(held.descriptors - before.descriptors, 2, "the region, and the one to poll");
    assert_eq!(held.threads, before.threads);
}

fn everything_is_given_back(before: &Held) {
    let mut warm = RingBuffer::create(65_536);
    use_it(&mut warm);
    drop(warm);
    let space = address_space();
    for _ in 0..1000 {
        let mut reader = RingBuffer::create(16 * 65_536);
        use_it(&mut reader);
    }
    assert_eq!(held(), *before);
    let grown = (address_space().saturating_sub(space)) * rustix::param::page_size();
    assert!(grown < 100 * 16 * 65_536, "{grown} bytes of address space were kept after 1000 rings of a mebibyte");
}

/// Reader, ring, writers and peers go in any order; memory goes with the last that needs it.
fn the_last_one_to_go_gives_back(before: &Held) {
    let reader = RingBuffer::create(65_536);
    let ring_buffer = reader.clone();
    let (writer, peer) = reader.new_iob_writer(1).unwrap();
    drop(reader);
    assert_eq!(held().mappings - before.mappings, 2);
    drop(ring_buffer);
    assert_eq!(held().mappings - before.mappings, 2, "the writer still writes");
    drop(writer);
    assert_eq!(held(), *before, "a peer needs no memory of the ring");
    assert!(peer.is_peer_closed());
}

fn ten_thousand_pairs_cost_nothing_but_memory(before: &Held) {
    let mut reader = RingBuffer::create(16 * 65_536);
    let with_ring = held();
    let pairs: Vec<_> = (0..10_000).map(|tag| reader.new_iob_writer(tag).unwrap()).collect();
    assert_eq!(held(), with_ring, "no descriptor, no mapping, no thread");
    for (writer, _) in &pairs {
        writer.write(Default::default(), 0, b"hello").unwrap();
    }
    for tag in 0..10_000 {
        assert_eq!(reader.try_read_message(), Ok(Some((tag, b"hello".to_vec()))));
    }
    let (writers, peers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    assert!(peers.iter().all(|peer| !peer.is_peer_closed()));
    drop(writers);
    assert!(peers.iter().all(|peer| peer.is_peer_closed()));
    assert_eq!(held(), with_ring);
    drop((peers, reader));
    assert_eq!(held(), *before);
}

fn waiting_takes_no_thread(before: &Held) {
    let mut readers: Vec<_> = (0..100).map(|_| RingBuffer::try_create(page_size()).unwrap()).collect();
    let mut waits: Vec<_> = readers.iter_mut().map(|reader| Box::pin(reader.read_message())).collect();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(waits.iter_mut().all(|wait| wait.as_mut().poll(&mut context).is_pending()));
    assert_eq!(held().threads, before.threads);
}

fn failed_creations_leave_nothing(before: &Held) {
    for capacity in [0, 1, 1 << 40, 1 << 62, usize::MAX & !4095] {
        assert!(RingBuffer::try_create(capacity).is_err());
    }
    assert_eq!(held(), *before);
}
