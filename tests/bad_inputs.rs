//! The table of bad inputs to a write: the exact error of each, the order of the checks, and that nothing happened.

use iobring::{MAX_MESSAGE_SIZE, Reader, RingBuffer, Status};
use iobring_oracle::elsewhere;
use iobring_oracle::page::page_size;
use iobring_oracle::shared::{HEAD, Shared, TAIL};
use std::io::IoSlice;

/// The end written to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Writer,
    Peer,
}
use End::{Peer, Writer};

/// The state of the ring of one page beforehand.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ring {
    Empty,
    Full,
    Corrupt,
}
use Ring::{Corrupt, Empty, Full};

const LONGEST: usize = 65_519;

/// The lengths of 9 vectors: one too many.
const NINE: &[usize] = &[1; 9];
const EIGHT: &[usize] = &[1; 8];

/// The end written to, the region, the vectors' lengths, the ring's state, and the answer.
type Row = (End, u32, &'static [usize], Ring, Result<(), Status>);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // Nothing wrong.
    (Writer, 0, &[],                 Empty,   Ok(())),
    (Writer, 0, &[0],                Empty,   Ok(())),
    (Writer, 0, &[0; 8],             Empty,   Ok(())),
    (Writer, 0, EIGHT,               Empty,   Ok(())),
    (Writer, 0, &[4080],             Empty,   Ok(())),
    // One thing wrong.
    (Peer,   0, &[1],                Empty,   Err(Status::ACCESS_DENIED)),
    (Writer, 1, &[1],                Empty,   Err(Status::OUT_OF_RANGE)),
    (Writer, u32::MAX, &[1],         Empty,   Err(Status::OUT_OF_RANGE)),
    (Writer, 0, NINE,                Empty,   Err(Status::INVALID_ARGS)),
    (Writer, 0, &[0; 9],             Empty,   Err(Status::INVALID_ARGS)),
    (Writer, 0, &[LONGEST + 1],      Empty,   Err(Status::INVALID_ARGS)),
    (Writer, 0, &[LONGEST, 1],       Empty,   Err(Status::INVALID_ARGS)),
    (Writer, 0, &[4081],             Empty,   Err(Status::NO_SPACE)),
    (Writer, 0, &[4000, 81],         Empty,   Err(Status::NO_SPACE)),
    (Writer, 0, &[LONGEST],          Empty,   Err(Status::NO_SPACE)),
    (Writer, 0, &[],                 Corrupt, Err(Status::IO_DATA_INTEGRITY)),
    (Writer, 0, &[],                 Full,    Err(Status::NO_SPACE)),
    // Two things wrong: the first check has the say.
    (Peer,   1, &[1],                Empty,   Err(Status::ACCESS_DENIED)),
    (Peer,   0, NINE,                Corrupt, Err(Status::ACCESS_DENIED)),
    (Peer,   0, &[LONGEST + 1],      Full,    Err(Status::ACCESS_DENIED)),
    (Writer, 1, NINE,                Empty,   Err(Status::OUT_OF_RANGE)),
    (Writer, 1, &[LONGEST + 1],      Corrupt, Err(Status::OUT_OF_RANGE)),
    (Writer, 1, &[1],                Full,    Err(Status::OUT_OF_RANGE)),
    (Writer, 0, &[8000; 9],          Empty,   Err(Status::INVALID_ARGS)),
    (Writer, 0, NINE,                Corrupt, Err(Status::INVALID_ARGS)),
    (Writer, 0, &[LONGEST + 1],      Full,    Err(Status::INVALID_ARGS)),
    (Writer, 0, &[4081],             Corrupt, Err(Status::NO_SPACE)),
];

fn ring(state: Ring) -> (Reader, Shared) {
    let reader = RingBuffer::try_create(page_size()).unwrap();
    let shared = Shared::of(&reader);
    match state {
        Empty => {}
        Full => shared.set_word(HEAD, page_size() as u64),
        Corrupt => shared.set_word(TAIL, 8),
    }
    (reader, shared)
}

#[test]
fn each_bad_input_has_one_error_and_no_effect() {
    for &(end, region, lengths, state, expected) in TABLE {
        // The lengths are those around a ring of 4,096 bytes; a larger one has room for them.
        if page_size() > 4096 && state != Full && expected == Err(Status::NO_SPACE) {
            continue;
        }
        let (reader, shared) = ring(state);
        let (writer, peer) = reader.new_iob_writer(7).unwrap();
        let before = shared.read(0, shared.size() as usize);
        let pieces: Vec<Vec<u8>> = lengths.iter().map(|&len| vec![0xab; len]).collect();
        let vectors: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let iob = if end == Writer { &writer } else { &peer };
        let case = format!("{end:?}, region {region}, lengths {lengths:?}, {state:?}");

        // The same by the other ways in, where they can say the same.
        if let (Err(_), [piece]) = (expected, &pieces[..]) {
            assert_eq!(iob.write(Default::default(), region, piece), expected, "{case}, in one piece");
            let batch: Result<usize, Status> = iob.write_batch(Default::default(), region, &[piece]);
            assert_eq!(batch.map(drop), expected, "{case}, as a batch");
        }
        let result = iob.writev(Default::default(), region, &vectors);
        assert_eq!(result, expected, "{case}");
        match result {
            Err(_) => assert!(shared.read(0, shared.size() as usize) == before, "the region changed: {case}"),
            Ok(()) => assert_eq!(reader.head(), iobring::ring_buffer_record_len(lengths.iter().sum()) as u64, "{case}"),
        }
    }
}

/// A sum of lengths that overflows is too long, and not short. (Slices that claim so much cannot exist, so this says it
/// with the most that can: 8 vectors over one long slice.)
#[test]
fn lengths_that_add_up_to_more_than_memory() {
    let (reader, _) = ring(Empty);
    let (writer, _) = reader.new_iob_writer(7).unwrap();
    let long = vec![0; 1 << 20];
    assert_eq!(writer.writev(Default::default(), 0, &[IoSlice::new(&long); 8]), Err(Status::INVALID_ARGS));
    assert_eq!(reader.head(), 0);
}

/// The longest message, in one piece and in eight, through a ring that has room for it, from wherever it is written.
#[test]
fn the_longest_message_goes_through() {
    let mut reader = RingBuffer::create(2 * MAX_MESSAGE_SIZE);
    let (writer, _peer) = reader.new_iob_writer(7).unwrap();
    let message: Vec<u8> = (0..LONGEST).map(|i| i as u8).collect();
    let eighths: Vec<IoSlice<'_>> = message.chunks(LONGEST.div_ceil(8)).map(IoSlice::new).collect();
    assert_eq!(eighths.len(), 8);
    for iob in [&writer, &elsewhere::mapped(&writer), &elsewhere::isolated(&writer)] {
        iob.write(Default::default(), 0, &message).unwrap();
        iob.writev(Default::default(), 0, &eighths).unwrap();
        for _ in 0..2 {
            assert_eq!(reader.read_message_blocking(None), Ok(Some((7, message.clone()))));
        }
    }
    assert_eq!(reader.head(), 6 * MAX_MESSAGE_SIZE as u64, "two such records fill two of the largest sizes");
}

#[test]
#[should_panic(expected = "tail moves by whole records, multiples of 8 bytes; 12 is none")]
fn tail_moves_by_multiples_of_8() {
    let (reader, _) = ring(Empty);
    reader.increment_tail(12);
}

#[test]
fn a_read_beyond_the_mirror_panics() {
    let (reader, _) = ring(Empty);
    // SAFETY: nobody writes meanwhile, and bytes are valid whatever they are.
    let whole: [u8; 8192] = unsafe { reader.read(0) };
    assert_eq!(whole, [0; 8192], "the ring and its mirror");
    fn panics<T>(reader: &Reader) -> bool {
        let read = || {
            // SAFETY: as above; every `T` here is an array of bytes.
            unsafe { reader.read::<T>(0) };
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).is_err()
    }
    assert!(panics::<[u8; 8193]>(&reader) || page_size() > 4096);
    assert!(panics::<[u8; 131_073]>(&reader), "more than the ring and a mirror of 64 KiB");
}
