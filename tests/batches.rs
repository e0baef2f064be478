//! Records copied out many at a time, and the stream of them.

use futures::stream::{FusedStream, Stream, StreamExt};
use iobring::{Batch, Error, Iob, Reader, RingBuffer, Status};
use iobring_oracle::elsewhere;
use iobring_oracle::page::page_size;
use iobring_oracle::task::{Count, poll_once};
use std::task::{Context, Poll};
use std::thread;

fn ring(capacity: usize) -> (Reader, Iob) {
    let reader = RingBuffer::try_create(capacity).unwrap();
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    (reader, writer)
}

fn write(writer: &Iob, message: &[u8]) {
    writer.write(Default::default(), 0, message).unwrap();
}

fn messages(batch: &Batch) -> Vec<(u64, Vec<u8>)> {
    batch.iter().map(|(tag, message)| (tag, message.to_vec())).collect()
}

#[test]
fn a_batch_holds_what_is_there_up_to_its_most() {
    let (mut reader, writer) = ring(page_size());
    let (other, _) = reader.new_iob_writer(8).unwrap();
    write(&writer, b"one");
    write(&other, b"");
    write(&writer, b"and three");
    let mut batch = Batch::new();
    assert_eq!(reader.read_batch(&mut batch, 0), Ok(0));
    assert_eq!(reader.read_batch(&mut batch, 2), Ok(2));
    assert_eq!(messages(&batch), [(7, b"one".to_vec()), (8, Vec::new())]);
    assert_eq!((batch.len(), batch.is_empty(), batch.iter().len()), (2, false, 2));
    assert_eq!(reader.head() - reader.tail(), 32, "the room of both was given back");
    assert_eq!(reader.read_batch(&mut batch, usize::MAX), Ok(1));
    assert_eq!(messages(&batch), [(7, b"and three".to_vec())]);
    assert_eq!(reader.read_batch(&mut batch, usize::MAX), Ok(0));
    assert!(batch.is_empty());
}

/// Endpoints that came by a socket write batches too: isolated, and with the mapping.
#[test]
fn endpoints_elsewhere_write_batches() {
    let (mut reader, writer) = ring(65_536);
    let (isolated, mapped) = (elsewhere::isolated(&writer), elsewhere::mapped(&writer));
    let too_long = &*vec![0; 65_520];
    for iob in [&isolated, &mapped] {
        let write = |messages: &[&[u8]]| iob.write_batch(Default::default(), 0, messages);
        assert_eq!(write(&[]), Ok(0));
        assert_eq!(write(&[b"a", b"", b"and c"]), Ok(3));
        assert_eq!(write(&[b"d", too_long, b"never"]), Ok(1), "up to the first that is refused");
        assert_eq!(write(&[too_long, b"never"]), Err(Status::INVALID_ARGS));
        for expected in [&b"a"[..], b"", b"and c", b"d"] {
            assert_eq!(reader.read_message_blocking(None), Ok(Some((7, expected.to_vec()))));
        }
    }
    drop(isolated);
    assert_eq!(reader.try_read_message(), Ok(None));
}

#[test]
fn damage_ends_a_batch_and_then_the_stream() {
    let (mut reader, writer) = ring(page_size());
    write(&writer, b"sound");
    assert!(!reader.batches(8).is_terminated(), "nothing is wrong yet");
    reader.increment_tail(8);
    let mut batch = Batch::new();
    assert_eq!(reader.read_batch(&mut batch, usize::MAX), Err(Error::BadLength));
    let mut stream = reader.batches(8);
    assert_eq!(poll_once(stream.next()), Some(Some(Err(Error::BadLength))));
    assert!(stream.is_terminated());
    assert_eq!(poll_once(stream.next()), Some(None));
    drop(stream);
    reader.resync();
    write(&writer, b"sound again");
    let next = poll_once(reader.batches(8).next());
    assert_eq!(messages(&next.unwrap().unwrap().unwrap()), [(7, b"sound again".to_vec())]);
}

#[test]
fn a_stream_delivers_everything_in_order() {
    const COUNT: u32 = 20_000;
    let (mut reader, writer) = ring(page_size());
    let sender = thread::spawn(move || {
        for i in 0..COUNT {
            while writer.write(Default::default(), 0, &i.to_ne_bytes()).is_err() {
                thread::yield_now();
            }
        }
    });
    let mut next = 0;
    futures::executor::block_on(async {
        // By way of the trait, as combinators do.
        let mut batches = StreamExt::map(reader.batches(16), |batch| batch.unwrap());
        while next < COUNT {
            let batch = StreamExt::next(&mut batches).await.unwrap();
            assert!((1..=16).contains(&batch.len()));
            for (tag, message) in batch.iter() {
                assert_eq!((tag, message), (7, &next.to_ne_bytes()[..]));
                next += 1;
            }
        }
    });
    sender.join().unwrap();
    assert_eq!(reader.try_read_message(), Ok(None));
}

#[test]
fn a_stream_is_woken_once_and_forgets_its_task() {
    let (mut reader, writer) = ring(page_size());
    let (woken, waker) = Count::waker();
    let mut context = Context::from_waker(&waker);
    let mut stream = reader.batches(8);
    assert!(stream.poll_next_unpin(&mut context).is_pending());
    assert_eq!(woken.get(), 0);
    write(&writer, b"a");
    write(&writer, b"b");
    assert_eq!(woken.get(), 1);
    assert!(matches!(stream.poll_next_unpin(&mut context), Poll::Ready(Some(Ok(batch))) if batch.len() == 2));
    assert!(stream.poll_next_unpin(&mut context).is_pending());
    drop(stream);
    write(&writer, b"c");
    assert_eq!(woken.get(), 1, "the stream is gone");
}

#[test]
#[should_panic(expected = "at most 0 records")]
fn a_stream_of_empty_batches_is_refused() {
    let (mut reader, _writer) = ring(page_size());
    let _ = reader.batches(0);
}

#[test]
fn streams_can_be_sent() {
    fn is_send_stream<T: Send + Stream>(_: &T) {}
    let (mut reader, _writer) = ring(page_size());
    is_send_stream(&reader.batches(1));
}
