//! Records in the ring: their bytes, their padding, the wrap, and full means full.

use iobring::{Iob, MAX_MESSAGE_SIZE, Reader, RingBuffer, Status, ring_buffer_record_len};
use iobring_oracle::page::page_size;
use iobring_oracle::shared::Shared;

/// One page.
fn capacity() -> u64 {
    page_size() as u64
}

fn ring_at(capacity: u64, index: u64) -> (Reader, Shared, Iob) {
    let reader = RingBuffer::try_create(capacity as usize).unwrap();
    let shared = Shared::of(&reader);
    shared.start_at(index);
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    (reader, shared, writer)
}

fn message(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8 + 1).collect()
}

#[test]
fn record_lengths() {
    for (message, record) in [(0, 16), (1, 24), (8, 24), (9, 32), (65_519, 65_536), (65_520, 65_536)] {
        assert_eq!(ring_buffer_record_len(message), record);
    }
    let top = usize::MAX & !7;
    for absurd in [usize::MAX, usize::MAX - 15, usize::MAX - 16, usize::MAX - 22] {
        assert_eq!(ring_buffer_record_len(absurd), top, "saturates instead of wrapping around");
    }
    assert_eq!(ring_buffer_record_len(usize::MAX - 23), top, "the last that fits");
    assert_eq!(ring_buffer_record_len(usize::MAX - 31), top - 8);
}

/// No byte of an older record is left in the padding.
#[test]
fn padding_is_zeroed() {
    for len in 0..=16 {
        let (mut reader, shared, writer) = ring_at(capacity(), 0);
        // Fill the ring with bytes that are not zero, and empty it.
        writer.write(Default::default(), 0, &vec![0xff; (capacity() as usize - 16).min(65_519)]).unwrap();
        reader.try_read_message().unwrap().unwrap();
        writer.write(Default::default(), 0, &message(len)).unwrap();
        let record = shared.read(shared.offset(capacity()), ring_buffer_record_len(len));
        assert_eq!(record[16..16 + len], message(len));
        assert!(record[16 + len..].iter().all(|&byte| byte == 0), "padding of {len} bytes: {record:?}");
    }
}

/// A header whose tag is the last word of the ring and whose length is the first; and every other place of the wrap.
#[test]
fn records_wrap_anywhere() {
    for capacity in [capacity(), 2 * capacity(), 65_536, 65_536 + capacity()] {
        for words_before_the_end in 1..=8 {
            let start = 10 * capacity - 8 * words_before_the_end;
            let (mut reader, shared, writer) = ring_at(capacity, start);
            writer.write(Default::default(), 0, &message(33)).unwrap();
            writer.write(Default::default(), 0, &message(2)).unwrap();
            // Around the end as another process would read it, without a mirror.
            let mut bytes = Vec::new();
            for word in 0..7 {
                bytes.extend(shared.read(shared.offset(start + 8 * word), 8));
            }
            let mut expected = [7u64.to_ne_bytes(), 33u64.to_ne_bytes()].concat();
            expected.extend(message(33));
            expected.resize(56, 0);
            assert_eq!(bytes, expected, "capacity {capacity}, {words_before_the_end} words before the end");
            assert_eq!(reader.try_read_message(), Ok(Some((7, message(33)))));
            assert_eq!(reader.try_read_message(), Ok(Some((7, message(2)))));
        }
    }
}

/// The mirror is the same memory: a record across the end is one slice, and a scribble at the start shows in it.
#[test]
fn the_mirror_mirrors() {
    let (reader, shared, writer) = ring_at(capacity(), capacity() - 24);
    writer.write(Default::default(), 0, &message(24)).unwrap();
    let read = |reader: &Reader| {
        // SAFETY: nobody writes while the slice lives.
        unsafe { reader.first_message_in(capacity() - 24..capacity() + 16) }.map(|(_, message)| message.to_vec())
    };
    assert_eq!(read(&reader), Ok(message(24)));
    shared.write(shared.offset(0), &[0xee]);
    assert_eq!(read(&reader).unwrap()[8], 0xee);
}

/// The largest record may start at any word of the smallest ring that takes it.
#[test]
fn the_largest_record_starts_anywhere() {
    let capacity = MAX_MESSAGE_SIZE as u64;
    for start in [0, 8, 16, capacity / 2, capacity - 16, capacity - 8] {
        let (mut reader, _, writer) = ring_at(capacity, start);
        writer.write(Default::default(), 0, &message(65_519)).unwrap();
        assert_eq!(writer.write(Default::default(), 0, b""), Err(Status::NO_SPACE));
        assert_eq!(reader.try_read_message(), Ok(Some((7, message(65_519)))));
    }
}

/// A ring smaller than the largest record takes records up to its own size.
#[test]
fn the_largest_record_of_a_small_ring() {
    for start in [0, 8, capacity() - 8] {
        let (mut reader, _, writer) = ring_at(capacity(), start);
        let most = (capacity() as usize - 16).min(65_519);
        if most < 65_519 {
            assert_eq!(writer.write(Default::default(), 0, &message(most + 1)), Err(Status::NO_SPACE));
        }
        writer.write(Default::default(), 0, &message(most)).unwrap();
        assert_eq!(reader.try_read_message(), Ok(Some((7, message(most)))));
    }
}

#[test]
fn full_means_full() {
    for start in [0, capacity() - 8, u64::MAX - 7 - 3 * capacity()] {
        let (mut reader, _, writer) = ring_at(capacity(), start);
        for written in 1..=capacity() / 16 {
            writer.write(Default::default(), 0, b"").unwrap();
            assert_eq!(reader.head() - reader.tail(), 16 * written);
        }
        assert_eq!(reader.head() - reader.tail(), capacity(), "every byte is used");
        assert_eq!(writer.write(Default::default(), 0, b""), Err(Status::NO_SPACE));
        // Room for one record is room for one record, and not for one that is a byte longer.
        reader.try_read_message().unwrap().unwrap();
        assert_eq!(writer.write(Default::default(), 0, b"1"), Err(Status::NO_SPACE));
        writer.write(Default::default(), 0, b"").unwrap();
        assert_eq!(writer.write(Default::default(), 0, b""), Err(Status::NO_SPACE));
    }
}

/// A zero-length message is a record of 16 bytes, also without any vector.
#[test]
fn empty_messages() {
    let (mut reader, _, writer) = ring_at(capacity(), 0);
    writer.write(Default::default(), 0, b"").unwrap();
    writer.writev(Default::default(), 0, &[]).unwrap();
    assert_eq!(reader.head(), 32);
    assert_eq!(reader.try_read_message(), Ok(Some((7, vec![]))));
    assert_eq!(reader.try_read_message(), Ok(Some((7, vec![]))));
    assert_eq!(reader.try_read_message(), Ok(None));
}

/// Reading into a buffer replaces what is in it and keeps its memory.
#[test]
fn read_into_reuses_the_buffer() {
    let (mut reader, _, writer) = ring_at(capacity(), 0);
    writer.write(Default::default(), 0, b"a longer message").unwrap();
    writer.write(Default::default(), 0, b"short").unwrap();
    let mut message = Vec::with_capacity(64);
    let memory = message.as_ptr();
    assert_eq!(reader.read_into(&mut message), Ok(Some(7)));
    assert_eq!(message, b"a longer message");
    assert_eq!(reader.read_into(&mut message), Ok(Some(7)));
    assert_eq!(message, b"short");
    assert_eq!(reader.read_into(&mut message), Ok(None));
    assert_eq!(message, b"");
    assert_eq!(message.as_ptr(), memory);
}

/// `read` takes any alignment and goes through the mirror.
#[test]
fn single_values_are_read_at_any_index() {
    let (reader, shared, _) = ring_at(capacity(), 0);
    shared.write(shared.offset(capacity() - 3), &[1, 2, 3]);
    shared.write(shared.offset(0), &[4, 5, 6, 7, 8]);
    // SAFETY: nobody writes meanwhile; any bytes are a valid number.
    let value: u64 = unsafe { reader.read(9 * capacity() - 3) };
    assert_eq!(value.to_ne_bytes(), [1, 2, 3, 4, 5, 6, 7, 8]);
}
