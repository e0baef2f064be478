//! Damaged shared words: who notices, with which error, that it stays, and the ways out.

use iobring::{Error, Iob, Reader, RingBuffer, Status};
use iobring_oracle::page::page_size;
use iobring_oracle::shared::{HEAD, HEADER_WORDS, INTEREST, LAP, LAST_HEAD, RESERVED, Shared, TAIL, TOP};
use std::ops::ControlFlow;
use std::time::Duration;

/// One page.
fn capacity() -> u64 {
    page_size() as u64
}

fn ring() -> (Reader, Shared, Iob) {
    let reader = RingBuffer::try_create(capacity() as usize).unwrap();
    let shared = Shared::of(&reader);
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    (reader, shared, writer)
}

fn write(writer: &Iob, message: &[u8]) -> Result<(), Status> {
    writer.write(Default::default(), 0, message)
}

/// What the next write of 5 bytes (a record of 24) says to a header of these indices, in the order of the checks.
#[test]
fn the_very_next_write_notices() {
    #[rustfmt::skip]
    let table = [
        // (head, tail, answer)
        (0,             0,                  Ok(())),
        (0,             8,                  Err(Status::IO_DATA_INTEGRITY)), // tail beyond head
        (0,             u64::MAX,           Err(Status::IO_DATA_INTEGRITY)),
        (9,             8,                  Err(Status::IO_DATA_INTEGRITY)), // head not a multiple of 8
        (8193,          0,                  Err(Status::IO_DATA_INTEGRITY)), // ... goes before "no room"
        (TOP,           TOP,                Err(Status::IO_DATA_INTEGRITY)), // too near the end for any record
        (TOP - 8,       TOP - 8,            Err(Status::IO_DATA_INTEGRITY)), // 15 bytes left
        (TOP - 16,      TOP - 16,           Err(Status::IO_DATA_INTEGRITY)), // 23 bytes left
        (TOP - 24,      TOP - 24,           Ok(())),                         // 31 bytes left
        (TOP - 8,       0,                  Err(Status::IO_DATA_INTEGRITY)), // ... goes before "no room"
        (TOP - 24,      0,                  Err(Status::NO_SPACE)),          // more than the ring holds
        (capacity(),      0,                  Err(Status::NO_SPACE)),
        (capacity() + 8,  0,                  Err(Status::NO_SPACE)),
        (capacity() - 16, 0,                  Err(Status::NO_SPACE)),          // 16 bytes of room
        (capacity() - 24, 0,                  Ok(())),                         // 24 bytes of room
        (capacity(),      24,                 Ok(())),
        (capacity(),      23,                 Err(Status::NO_SPACE)),          // a tail that is no multiple of 8
    ];
    for (head, tail, answer) in table {
        let (reader, shared, writer) = ring();
        shared.set_word(HEAD, head);
        shared.set_word(TAIL, tail);
        let before = shared.ring();
        assert_eq!(write(&writer, b"12345"), answer, "head {head}, tail {tail}");
        match answer {
            Ok(()) => assert_eq!((reader.head(), reader.tail()), (head + 24, tail)),
            Err(_) => {
                assert_eq!((reader.head(), reader.tail()), (head, tail), "head moved on an error");
                assert!(shared.ring() == before, "bytes were written on an error: head {head}, tail {tail}");
            }
        }
    }
}

/// Where the next record goes is remembered beside the lock, and not believed when it cannot be.
#[test]
fn where_the_next_record_goes_is_checked() {
    // All but those that could be the lap of `head`, which would only put the record elsewhere.
    let laps: [fn(u64) -> u64; 9] = [
        |head| head - capacity(),
        |head| head - capacity() - 8,
        |head| head - 2 * capacity(),
        |head| head - 1,
        |head| head + 8,
        |_| 0,
        |_| 1,
        |_| u64::MAX,
        |_| 1 << 63,
    ];
    for lap in laps {
        let (mut reader, shared, writer) = ring();
        shared.start_at(8 * capacity() + 64);
        assert_eq!(write(&writer, b"the first"), Ok(()));
        let lap = lap(reader.head());
        shared.set_word(LAP, lap);
        assert_eq!(write(&writer, b"the second"), Ok(()), "lap {lap}");
        assert_eq!(reader.try_read_message(), Ok(Some((7, b"the first".to_vec()))));
        assert_eq!(reader.try_read_message(), Ok(Some((7, b"the second".to_vec()))), "lap {lap}");
    }
}

/// Room that is set aside is nobody's, however much that is said to be; a repair takes it back.
#[test]
fn what_is_set_aside_by_a_scribble_is_freed_by_a_repair() {
    for bytes in [capacity() - 16, capacity(), capacity() + 8, u64::MAX] {
        let (mut reader, shared, writer) = ring();
        shared.set_word(RESERVED, bytes);
        assert_eq!(write(&writer, b"no"), Err(Status::NO_SPACE), "{bytes} bytes");
        assert_eq!(reader.resync(), 0);
        assert_eq!(write(&writer, b"yes"), Ok(()), "{bytes} bytes");
        assert_eq!(reader.try_read_message(), Ok(Some((7, b"yes".to_vec()))));
    }
}

/// A reader that knows of a full ring, and finds `head` moved on by another while it reads: it reads no byte twice.
#[test]
fn one_drain_visits_no_more_than_the_ring_holds() {
    let (mut reader, shared, writer) = ring();
    let records = capacity() / 32;
    (0..records).for_each(|_| write(&writer, &[1; 16]).unwrap());
    assert_eq!(reader.drain(|_| ControlFlow::Break(())), Ok(1));
    // As far as it could be if one looked at what is left to read only.
    shared.set_word(HEAD, 2 * capacity());
    assert_eq!(reader.drain(|_| ControlFlow::Continue(())), Ok(records as usize - 1));
    assert_eq!(reader.tail(), capacity());
}

/// Zircon's overflow case: a record of 32 bytes does not fit below the end of the index range, one of 24 does.
#[test]
fn a_smaller_record_fits_where_a_larger_overflows() {
    let (_reader, shared, writer) = ring();
    shared.start_at(u64::MAX - 31);
    assert_eq!(write(&writer, b"12345678abc\0"), Err(Status::IO_DATA_INTEGRITY));
    assert_eq!(write(&writer, b"12345"), Ok(()));
}

#[test]
fn reading_a_damaged_ring_fails_and_goes_on_failing() {
    #[rustfmt::skip]
    let table = [
        // (head, tail, length of the record at offset 0, error)
        (64,           1,            16, Error::BadAlignment),
        (0,            1,            16, Error::BadAlignment), // goes before "reversed"
        (8,            0,            16, Error::TooSmall),
        (15,           0,            16, Error::TooSmall),
        (0,            8,            16, Error::TooSmall),     // reversed
        (0,            u64::MAX - 7, 16, Error::TooSmall),
        (32,           0,            17, Error::BadLength),    // 17 bytes where 16 are
        (31,           0,            16, Error::BadLength),    // rounded up it passes head
        (39,           0,            17, Error::BadLength),
        (16,           0,            1,  Error::BadLength),
        (capacity(),     0,            capacity() - 15, Error::BadLength),
        (capacity() + 8, 0,            16, Error::BadLength),    // more than the ring holds
        (capacity() + 8, 0,            capacity() - 8, Error::BadLength),
        (64,           0,            u64::MAX, Error::BadLength),
        (64,           0,            u64::MAX - 15, Error::BadLength),
        (64,           0,            1 << 32 | 16, Error::BadLength),
    ];
    for (head, tail, len, error) in table {
        let (mut reader, shared, _) = ring();
        shared.set_word(shared.offset(8), len);
        shared.set_word(HEAD, head);
        shared.set_word(TAIL, tail);
        for _ in 0..3 {
            assert_eq!(reader.try_read_message(), Err(error), "head {head}, tail {tail}, len {len}");
            assert_eq!(pollster::block_on(reader.read_message()), Err(error));
            assert_eq!(reader.read_message_blocking(None), Err(error));
            let mut message = vec![1, 2, 3];
            assert_eq!(reader.read_into(&mut message), Err(error));
            assert!(message.is_empty());
            assert_eq!(reader.drain(|record| panic!("there is no {record:?}")), Err(error));
            assert_eq!((reader.head(), reader.tail()), (head, tail), "an error moves nothing");
        }
    }
}

/// The longest record the reader accepts is one byte longer than the longest a writer may write.
#[test]
fn the_longest_record_that_is_read() {
    let mut reader = RingBuffer::create(128 * 1024);
    let shared = Shared::of(&reader);
    shared.set_word(HEAD, 128 * 1024);
    shared.set_word(shared.offset(8), 65_521);
    assert_eq!(reader.try_read_message(), Err(Error::BadLength));
    shared.set_word(shared.offset(8), 65_520);
    assert_eq!(reader.try_read_message(), Ok(Some((0, vec![0; 65_520]))));
    assert_eq!(reader.tail(), 65_536);
}

/// What lies before the damage is delivered; the damage is reported by the call after.
#[test]
fn damage_further_on_waits_its_turn() {
    let (mut reader, shared, writer) = ring();
    for message in [b"one", b"two", b"six"] {
        write(&writer, message).unwrap();
    }
    shared.set_word(shared.offset(24 + 8), 1 << 20);
    let mut seen = Vec::new();
    let visited = reader.drain(|record| {
        seen.push(record.to_vec());
        ControlFlow::Continue(())
    });
    assert_eq!((visited, seen), (Ok(1), vec![b"one".to_vec()]));
    assert_eq!(reader.tail(), 24);
    assert_eq!(reader.drain(|_| ControlFlow::Continue(())), Err(Error::BadLength));
    assert_eq!(reader.tail(), 24);
}

/// A repair by hand is noticed by the very next read, also one that moves `tail` back below where it was found damaged.
#[test]
fn a_repair_is_noticed_at_once() {
    let (mut reader, shared, writer) = ring();
    shared.set_word(TAIL, 1);
    assert_eq!(reader.try_read_message(), Err(Error::BadAlignment));
    shared.set_word(TAIL, 0);
    write(&writer, b"after").unwrap();
    assert_eq!(reader.try_read_message(), Ok(Some((7, b"after".to_vec()))));
}

#[test]
fn resync_goes_on_from_a_sound_header_and_says_what_it_gave_up() {
    #[rustfmt::skip]
    let table = [
        // (head, tail, given up, index it goes on from)
        (0,             0,             0,        0),
        (64,            0,             64,       64),
        (64,            40,            24,       64),
        (61,            40,            21,       64),               // rounded up: nothing published is overwritten
        (8,             16,            0,        8),                // reversed
        (capacity(),      0,             capacity(), capacity()),
        (capacity() * 3,  0,             capacity(), capacity() * 3),     // no more than the ring holds
        (TOP - 65_536,  TOP - 65_600,  64,       TOP - 65_536),     // the largest record still fits
        (TOP - 65_528,  TOP - 65_536,  8,        0),                // not any more
        (TOP,           0,             capacity(), 0),
        (u64::MAX,      u64::MAX,      0,        0),
    ];
    for (head, tail, given_up, index) in table {
        let (mut reader, shared, writer) = ring();
        shared.set_word(HEAD, head);
        shared.set_word(TAIL, tail);
        assert_eq!(reader.resync(), given_up, "head {head}, tail {tail}");
        assert_eq!((reader.head(), reader.tail()), (index, index), "head {head}, tail {tail}");
        assert_eq!(reader.try_read_message(), Ok(None));
        write(&writer, b"and on").unwrap();
        assert_eq!(reader.try_read_message(), Ok(Some((7, b"and on".to_vec()))));
    }
}

/// Resync gives up records that could still be read, too: it is told to.
#[test]
fn resync_gives_up_sound_records() {
    let (mut reader, _shared, writer) = ring();
    for _ in 0..3 {
        write(&writer, b"lost").unwrap();
    }
    assert!(reader.try_read_message().unwrap().is_some());
    assert_eq!(reader.resync(), 48);
    assert_eq!(reader.try_read_message(), Ok(None));
}

/// `first_message_in` on ranges made up by its caller, in the reference's order of errors, its two holes closed.
#[test]
fn first_message_in_checks_its_range() {
    let (reader, shared, writer) = ring();
    write(&writer, &[5; 20]).unwrap();
    let first = |start, end| {
        // SAFETY: nobody writes to the ring meanwhile.
        unsafe { reader.first_message_in(start..end) }
    };
    assert_eq!(first(1, 40), Err(Error::BadAlignment));
    assert_eq!(first(1, 2), Err(Error::BadAlignment));
    assert_eq!(first(0, 15), Err(Error::TooSmall));
    assert_eq!(first(40, 0), Err(Error::TooSmall), "a reversed range is an error and no overflow");
    assert_eq!(first(u64::MAX - 7, 0), Err(Error::TooSmall));
    assert_eq!(first(0, 16), Err(Error::BadLength));
    assert_eq!(first(0, 39), Err(Error::BadLength), "the padding counts, since tail moves past it");
    assert_eq!(first(0, 40), Ok((7, &[5; 20][..])));
    assert_eq!(first(0, u64::MAX), Ok((7, &[5; 20][..])));
    assert_eq!(first(capacity(), capacity() + 40), Ok((7, &[5; 20][..])), "indices count on around the ring");
    shared.set_word(shared.offset(8), capacity() - 15);
    assert_eq!(first(0, u64::MAX), Err(Error::BadLength), "no record is longer than the ring");
}

/// Every number that another process can write, at its extremes and two at a time: each call answers something, and none
/// overflows (tests are built with overflow checks), least of all while it holds the writers' lock.
#[test]
fn no_arithmetic_on_shared_words_overflows() {
    // Head, tail, the writers' three notes, the reader's two words, and what a journal and the first accounts hold.
    let words = [HEAD, TAIL, LAST_HEAD, LAP, RESERVED, INTEREST, INTEREST + 8]
        .into_iter()
        .chain((256..HEADER_WORDS * 8).step_by(8));
    let values =
        [0, 1, 7, 8, 24, capacity(), TOP, TOP - 8, TOP - 24, TOP - capacity(), 1 << 63, u64::MAX, u64::MAX - 7];
    let scribbles: Vec<(u64, u64)> = words.flat_map(|word| values.map(|value| (word, value))).collect();
    for start in [0, capacity() - 8, TOP - 2 * capacity()] {
        let (mut reader, shared, writer) = ring();
        for (at, &first) in scribbles.iter().enumerate() {
            // With each other word of the first few, and with one of the rest.
            let others = scribbles.iter().take(7 * values.len()).chain(scribbles.get(at + 1));
            for &second in others {
                shared.start_at(start);
                let _ = write(&writer, b"the first");
                for (word, value) in [first, second] {
                    shared.set_word(word, value);
                }
                everything(&mut reader, &writer);
                assert!(reader.resync() <= capacity());
                assert_eq!(write(&writer, b"and on"), Ok(()), "{first:?}, {second:?} from {start}");
                assert_eq!(reader.try_read_message(), Ok(Some((7, b"and on".to_vec()))), "{first:?}, {second:?}");
            }
        }
    }
}

/// Calls everything that looks at shared words, whatever it answers.
fn everything(reader: &mut Reader, writer: &Iob) {
    for message in [&b""[..], b"12345678", b"a message of more than a word"] {
        let _ = write(writer, message);
        let _ = writer.write_batch(Default::default(), 0, &[message, message]);
    }
    let (head, tail) = (reader.head(), reader.tail());
    // SAFETY: nobody writes to the ring meanwhile.
    let _ = unsafe { reader.first_message_in(tail..head).map(|(tag, _)| tag) };
    let _ = reader.accounts();
    let _ = reader.drain(|_| ControlFlow::Break(()));
    let _ = reader.wait_blocking(reader.tail(), Some(Duration::ZERO));
    let _ = reader.drain(|_| ControlFlow::Continue(()));
    reader.increment_tail(8);
    let _ = reader.try_read_message();
}
