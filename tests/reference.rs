//! What the reference's own tests check, restated against this API.
//!
//! | there | here |
//! |---|---|
//! | `ring_buffer`: read_message | [`a_message_is_read`] |
//! | `ring_buffer`: writing_wakes_reader | [`writing_wakes_the_reader`] |
//! | `ring_buffer`: corrupt | [`corrupt_headers_are_told_apart`] |
//! | Zircon: IobWriteChecksRights | [`only_the_first_endpoint_writes`] |
//! | Zircon: IobWriteInvalidArgs | [`bad_arguments_of_a_write`]; options, handles and foreign regions do not exist here |
//! | Zircon: IobWriteCorrupt | [`a_corrupt_header_is_noticed_by_each_write`] |
//! | Zircon: IobWriteSuccess, IobWriteWithMultipleVectors | [`the_ring_is_filled_and_wraps`] |
//! | Zircon: IobWriteWithFaultSucceeds | [`a_message_whose_pages_were_never_touched`] |
//! | Zircon: IobWriteUpdatedSignal | [`a_write_signals`] |
//! | Zircon: IobWriteMaxMessageSize | [`the_longest_message_in_one_and_in_eight_vectors`] |
//! | Zircon: IobWriteMultiThreaded | [`two_threads_and_a_reader_in_place`] |
//! | Zircon: VmoKoid | `tests/resources.rs` |

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use iobring::{Error, IobIoSlice, MAX_MESSAGE_SIZE, RING_BUFFER_MESSAGE_HEADER_SIZE, RingBuffer, Status};
use iobring_oracle::page::page_size;
use iobring_oracle::shared::{HEAD, Shared, TAIL};
use std::thread;

const TAG: u64 = 0x0123_4567_89ab_cdef;

#[test]
fn a_message_is_read() {
    let mut reader = RingBuffer::create(128 * 1024);
    let (iob, _) = reader.new_iob_writer(56).unwrap();
    iob.write(Default::default(), 0, b"test").unwrap();
    let (tag, data) = futures::executor::block_on(reader.read_message()).unwrap();
    assert_eq!((tag, &data[..]), (56, &b"test"[..]));
}

#[test]
fn writing_wakes_the_reader() {
    let mut reader = RingBuffer::create(128 * 1024);
    let ring_buffer = reader.clone();
    // Polls its futures only when they were woken.
    let mut reading = FuturesUnordered::from_iter([reader.read_message()]);
    assert!(reading.next().now_or_never().is_none());
    let (iob, _) = ring_buffer.new_iob_writer(56).unwrap();
    iob.write(Default::default(), 0, b"test").unwrap();
    let message = futures::executor::block_on(reading.next()).unwrap().unwrap();
    assert_eq!(message, (56, b"test".to_vec()));
}

#[test]
fn corrupt_headers_are_told_apart() {
    let mut reader = RingBuffer::create(128 * 1024);
    let shared = Shared::of(&reader);
    let mut read = || futures::executor::block_on(reader.read_message());
    shared.set_word(TAIL, 1);
    shared.set_word(HEAD, 8);
    assert_eq!(read(), Err(Error::BadAlignment));
    shared.set_word(TAIL, 0);
    assert_eq!(read(), Err(Error::TooSmall));
    shared.set_word(HEAD, 32);
    shared.set_word(shared.offset(8), (MAX_MESSAGE_SIZE + RING_BUFFER_MESSAGE_HEADER_SIZE + 1) as u64);
    assert_eq!(read(), Err(Error::BadLength));
    shared.set_word(shared.offset(8), 17);
    assert_eq!(read(), Err(Error::BadLength));
    shared.set_word(shared.offset(8), 16);
    assert_eq!(read(), Ok((0, vec![0; 16])));
}

#[test]
fn only_the_first_endpoint_writes() {
    let reader = RingBuffer::try_create(page_size()).unwrap();
    let (first, second) = reader.new_iob_writer(TAG).unwrap();
    assert_eq!(second.write(Default::default(), 0, b"hello"), Err(Status::ACCESS_DENIED));
    assert_eq!(first.write(Default::default(), 0, b"hello"), Ok(()));
}

#[test]
fn bad_arguments_of_a_write() {
    let reader = RingBuffer::try_create(page_size()).unwrap();
    let (iob, _) = reader.new_iob_writer(TAG).unwrap();
    let long = vec![0; 65_520];
    let hello = IobIoSlice::new(b"hello\0");
    assert_eq!(iob.writev(Default::default(), 2, &[hello]), Err(Status::OUT_OF_RANGE));
    assert_eq!(iob.write(Default::default(), 0, &long), Err(Status::INVALID_ARGS));
    // On a machine whose pages are as large as the largest record no ring is too small for one.
    if let Some(larger) = long[..65_519].get(..page_size() + 1) {
        assert_eq!(iob.write(Default::default(), 0, larger), Err(Status::NO_SPACE));
    }
    assert_eq!(iob.writev(Default::default(), 0, &[hello; 9]), Err(Status::INVALID_ARGS));
    assert_eq!(iob.writev(Default::default(), 0, &[hello]), Ok(()), "after all that it can still be written to");
}

#[test]
fn a_corrupt_header_is_noticed_by_each_write() {
    let reader = RingBuffer::try_create(page_size()).unwrap();
    let (iob, _) = reader.new_iob_writer(TAG).unwrap();
    let shared = Shared::of(&reader);
    shared.set_word(TAIL, 8);
    assert_eq!(iob.write(Default::default(), 0, b"12345678abc\0"), Err(Status::IO_DATA_INTEGRITY));
    shared.set_word(HEAD, 9);
    assert_eq!(iob.write(Default::default(), 0, b"12345678abc\0"), Err(Status::IO_DATA_INTEGRITY));
    shared.start_at(u64::MAX - 16 - 16 + 1);
    assert_eq!(iob.write(Default::default(), 0, b"12345678abc\0"), Err(Status::IO_DATA_INTEGRITY));
    assert_eq!(iob.write(Default::default(), 0, b"12345"), Ok(()));
}

#[test]
fn the_ring_is_filled_and_wraps() {
    let message = b"12345\0";
    for vectors in
        [vec![IobIoSlice::new(message)], vec![IobIoSlice::new(&message[..3]), IobIoSlice::new(&message[3..])]]
    {
        let reader = RingBuffer::try_create(page_size()).unwrap();
        let (iob, _) = reader.new_iob_writer(TAG).unwrap();
        let shared = Shared::of(&reader);
        let record = [&TAG.to_ne_bytes()[..], &6u64.to_ne_bytes(), message, &[0, 0]].concat();
        let mut last_head = 0;
        for _ in 0..page_size() / 24 {
            iob.writev(Default::default(), 0, &vectors).unwrap();
            assert_eq!((shared.word(HEAD), shared.word(TAIL)), (last_head + 24, 0));
            assert_eq!(shared.read(shared.offset(last_head), 24), record);
            last_head += 24;
        }
        // A page is no multiple of 24: the next record lies across the end, where there is no room yet.
        assert_eq!(iob.writev(Default::default(), 0, &vectors), Err(Status::NO_SPACE));
        shared.set_word(TAIL, 24);
        iob.writev(Default::default(), 0, &vectors).unwrap();
        assert_eq!((shared.word(HEAD), shared.word(TAIL)), (last_head + 24, 24));
        let (before, after) = record.split_at(page_size() - last_head as usize);
        assert_eq!(shared.read(shared.offset(last_head), before.len()), before);
        assert_eq!(shared.read(shared.offset(0), after.len()), after);
    }
}

/// The copy out of the caller's memory may fault; here for the first touch of fresh pages.
#[test]
fn a_message_whose_pages_were_never_touched() {
    let mut reader = RingBuffer::create(128 * 1024);
    let (iob, _) = reader.new_iob_writer(TAG).unwrap();
    let untouched = memmap2::MmapMut::map_anon(65_536).unwrap();
    iob.write(Default::default(), 0, &untouched[..65_519]).unwrap();
    assert_eq!(reader.try_read_message(), Ok(Some((TAG, vec![0; 65_519]))));
}

/// A wait that was registered before the write is told of it; before that it is not.
#[test]
fn a_write_signals() {
    let mut reader = RingBuffer::try_create(page_size()).unwrap();
    let (iob, _) = reader.new_iob_writer(TAG).unwrap();
    let (woken, waker) = iobring_oracle::task::Count::waker();
    let mut waiting = std::pin::pin!(reader.wait(0));
    let mut context = std::task::Context::from_waker(&waker);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    assert_eq!(woken.get(), 0);
    iob.write(Default::default(), 0, b"12345\0").unwrap();
    assert_eq!(woken.get(), 1);
    assert_eq!(waiting.poll(&mut context), std::task::Poll::Ready(24));
}

#[test]
fn the_longest_message_in_one_and_in_eight_vectors() {
    const LONGEST: usize = 65_535 - 16;
    let reader = RingBuffer::create(2 * (LONGEST / page_size() + 2) * page_size());
    let (iob, _) = reader.new_iob_writer(TAG).unwrap();
    let shared = Shared::of(&reader);
    let message: Vec<u8> = (0..LONGEST).map(|i| i as u8).collect();
    let record = [&TAG.to_ne_bytes()[..], &(LONGEST as u64).to_ne_bytes(), &message].concat();
    iob.write(Default::default(), 0, &message).unwrap();
    let head = shared.word(HEAD);
    assert_eq!(head, 65_536);
    assert!(shared.read(shared.offset(0), record.len()) == record);
    let (most, rest) = message.split_at(7 * (LONGEST / 8));
    let vectors: Vec<IobIoSlice<'_>> = most.chunks(LONGEST / 8).chain([rest]).map(IobIoSlice::new).collect();
    assert_eq!(vectors.len(), 8);
    iob.writev(Default::default(), 0, &vectors).unwrap();
    assert!(shared.read(shared.offset(head), record.len()) == record);
}

/// Two threads write through one page; the reader reads in place and gives room back batch by batch.
#[test]
fn two_threads_and_a_reader_in_place() {
    const MESSAGES: [&[u8]; 2] = [b"12345\0", b"67890abcde\0"];
    const ROUNDS: usize = 1000;
    let mut reader = RingBuffer::try_create(page_size()).unwrap();
    let (iob, _) = reader.new_iob_writer(TAG).unwrap();
    let writers = MESSAGES.map(|message| {
        let iob = iob.clone();
        thread::spawn(move || {
            for _ in 0..ROUNDS {
                while let Err(status) = iob.write(Default::default(), 0, message) {
                    assert_eq!(status, Status::NO_SPACE);
                    thread::yield_now();
                }
            }
        })
    });
    let mut counts = [0; 2];
    while counts != [ROUNDS; 2] {
        let start = reader.tail();
        let head = pollster::block_on(reader.wait(start));
        let mut index = start;
        while index < head {
            // SAFETY: writers write beyond head only, and tail does not move while the slice lives.
            let (tag, message) = unsafe { reader.first_message_in(index..head) }.unwrap();
            let writer = MESSAGES.iter().position(|m| *m == message).expect("one of the two messages");
            assert_eq!(tag, TAG);
            counts[writer] += 1;
            index += iobring::ring_buffer_record_len(message.len()) as u64;
        }
        reader.increment_tail((index - start) as usize);
    }
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(reader.head(), reader.tail());
}
