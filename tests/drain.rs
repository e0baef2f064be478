//! Reading in place and in batches.

use iobring::{Iob, Reader, RingBuffer};
use iobring_oracle::page::page_size;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

const RECORD: u64 = 24;

fn ring() -> (Reader, Iob) {
    let reader = RingBuffer::try_create(page_size()).unwrap();
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    (reader, writer)
}

fn write(writer: &Iob, messages: std::ops::Range<u8>) {
    for i in messages {
        writer.write(Default::default(), 0, &[i]).unwrap();
    }
}

/// Visits everything and collects the messages' first bytes.
fn drain_all(reader: &mut Reader) -> Vec<u8> {
    let mut seen = Vec::new();
    let visited = reader.drain(|record| {
        assert_eq!((record.tag(), record.len(), record.is_empty()), (7, 1, false));
        seen.push(record.to_vec()[0]);
        ControlFlow::Continue(())
    });
    assert_eq!(visited, Ok(seen.len()));
    seen
}

#[test]
fn an_empty_ring_has_nothing_to_visit() {
    let (mut reader, _writer) = ring();
    assert_eq!(reader.drain(|record| panic!("there is no {record:?}")), Ok(0));
}

#[test]
fn everything_is_visited_in_order() {
    let (mut reader, writer) = ring();
    write(&writer, 0..100);
    assert_eq!(drain_all(&mut reader), (0..100).collect::<Vec<u8>>());
    assert_eq!(reader.head(), reader.tail());
}

/// Also what was published after the reader looked last.
#[test]
fn everything_that_is_there_now_is_visited() {
    let (mut reader, writer) = ring();
    write(&writer, 0..2);
    assert!(reader.try_read_message().unwrap().is_some());
    write(&writer, 2..5);
    assert_eq!(drain_all(&mut reader), [1, 2, 3, 4]);
}

/// What is written during the visits is left for later, so that a fast writer cannot keep the reader for ever.
#[test]
fn what_comes_meanwhile_is_left() {
    let (mut reader, writer) = ring();
    write(&writer, 0..2);
    let visited = reader.drain(|_| {
        writer.write(Default::default(), 0, &[9]).unwrap();
        ControlFlow::Continue(())
    });
    assert_eq!(visited, Ok(2));
    assert_eq!(drain_all(&mut reader), [9, 9]);
}

#[test]
fn the_record_at_which_it_breaks_counts_as_read() {
    let (mut reader, writer) = ring();
    write(&writer, 0..5);
    let mut visits = 0;
    let visited = reader.drain(|_| {
        visits += 1;
        if visits == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(visited, Ok(3));
    assert_eq!(reader.tail(), 3 * RECORD);
    assert_eq!(drain_all(&mut reader), [3, 4]);
}

/// Room is given back once, at the end.
#[test]
fn tail_moves_once() {
    let (mut reader, writer) = ring();
    write(&writer, 0..5);
    let ring_buffer = reader.clone();
    let visited = reader.drain(|_| {
        assert_eq!(ring_buffer.tail(), 0);
        ControlFlow::Continue(())
    });
    assert_eq!(visited, Ok(5));
    assert_eq!(reader.tail(), 5 * RECORD);
}

#[test]
fn the_record_whose_visit_panics_stays() {
    let (mut reader, writer) = ring();
    write(&writer, 0..5);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        reader.drain(|record| {
            assert_ne!(record.to_vec(), [2], "on purpose");
            ControlFlow::Continue(())
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(reader.tail(), 2 * RECORD);
    assert_eq!(drain_all(&mut reader), [2, 3, 4]);
}

#[test]
fn records_lie_in_place() {
    let (mut reader, writer) = ring();
    write(&writer, 0..2);
    let mut out = b"before".to_vec();
    reader
        .drain(|record| {
            // SAFETY: no other process has the region's descriptor.
            let in_place = unsafe { record.as_slice() };
            assert_eq!(in_place, record.to_vec());
            record.append_to(&mut out);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(out, b"before\0\x01");
}
