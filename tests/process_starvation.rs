//! A large record of an isolated writer, while writers who need not wait take every smaller gap.

mod process;

use iobring::{Reader, RingBuffer, Status, ring_buffer_record_len};
use iobring_oracle::patience::PATIENCE;
use process::{Order, Servant, message, servant};
use std::cell::Cell;
use std::time::Instant;

const CAPACITY: usize = 256 * 1024;
/// The longest message that a writer may send, and its record.
const LARGE: usize = 65_519;
const LARGE_RECORD: u64 = 65_536;
/// What the others write, and its record.
const SMALL: usize = 1_000;
const SMALL_RECORD: u64 = ring_buffer_record_len(SMALL) as u64;

#[test]
fn child_process() {
    servant();
}

fn room(reader: &Reader) -> u64 {
    CAPACITY as u64 - (reader.head() - reader.tail())
}

/// One maximal record of one isolated writer, and honest ones behind it, while `fill` takes every gap until it is refused.
fn get_through(mut reader: Reader, mut fill: impl FnMut()) {
    let (large, _large_peer) = reader.new_iob_writer(2).unwrap();
    let (honest, _honest_peer) = reader.new_iob_writer(3).unwrap();
    let (mut villain, mut neighbour) = (Servant::start(), Servant::start());
    villain.give(&large);
    neighbour.give(&honest);
    fill();
    villain.write(LARGE as u32, 1);
    (0..3).for_each(|number| neighbour.write(24, number));
    let mut seen = Vec::new();
    let count = Cell::new(0);
    let mut read = |reader: &mut Reader| match reader.try_read_message().unwrap() {
        Some((1, _)) => true,
        Some(record) => {
            seen.push(record);
            count.set(seen.len());
            true
        }
        None => false,
    };
    // Until the others leave room alone that one of theirs would fit in.
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < PATIENCE, "whatever the reader gives back, others take it");
        assert!(read(&mut reader), "the ring is empty");
        fill();
        if room(&reader) >= SMALL_RECORD {
            break;
        }
    }
    // From here on the room grows to what the large record needs, and no further.
    let start = reader.tail();
    while room(&reader) < LARGE_RECORD && reader.head() < start + CAPACITY as u64 {
        fill();
        assert!(read(&mut reader), "the ring is empty");
    }
    assert!(reader.tail() - start <= LARGE_RECORD + SMALL_RECORD, "{} bytes given back", reader.tail() - start);
    // With nobody's help it is written, and so is what was behind it; then the others go on.
    loop {
        if read(&mut reader) {
            continue;
        }
        if count.get() == 4 {
            break;
        }
        let tail = reader.tail();
        assert!(reader.wait_blocking(tail, Some(PATIENCE)).is_some(), "it is not written");
    }
    fill();
    assert!(room(&reader) < SMALL_RECORD, "something is set aside still");
    seen.sort();
    let expected = (0..3).map(|number| (3, message(24, number)));
    let expected: Vec<_> = std::iter::once((2, message(LARGE, 1))).chain(expected).collect();
    assert_eq!(seen.len(), expected.len());
    assert!(seen == expected, "not what was sent");
}

#[test]
fn direct_writers_leave_room_for_it() {
    let reader = RingBuffer::create(CAPACITY);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    get_through(reader, move || while iob.write(Default::default(), 0, &[7; SMALL]) != Err(Status::NO_SPACE) {});
}

#[test]
fn mapped_writers_leave_room_for_it() {
    let reader = RingBuffer::create(CAPACITY);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let mut mapped = Servant::start();
    mapped.give_mapped(&iob);
    get_through(reader, move || {
        mapped.order(Order::Fill, SMALL as u32, 0);
    });
}

/// Whose room it was is cut off: the others have it at once.
#[test]
fn what_is_set_aside_for_one_who_is_cut_off_is_everybodys() {
    let mut reader = RingBuffer::create(CAPACITY);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let fill = || while iob.write(Default::default(), 0, &[7; SMALL]) != Err(Status::NO_SPACE) {};
    let (large, _large_peer) = reader.new_iob_writer(2).unwrap();
    let mut villain = Servant::start();
    villain.give(&large);
    fill();
    villain.write(LARGE as u32, 1);
    let started = Instant::now();
    while room(&reader) < SMALL_RECORD {
        assert!(started.elapsed() < PATIENCE, "no room is set aside");
        reader.try_read_message().unwrap();
        fill();
    }
    large.revoke().unwrap();
    // By the broker's thread, soon.
    while room(&reader) >= SMALL_RECORD {
        assert!(started.elapsed() < PATIENCE, "room is set aside for nobody");
        fill();
        std::thread::yield_now();
    }
}
