//! The paths that are counted. Each runs an operation `count` times on a ring that never fills.

use core::hint::black_box;
use core::ops::ControlFlow;
use iobring::{Iob, Reader, RingBuffer};
use std::io::IoSlice;

/// A path: what it is called, and what runs it.
pub type Path = (&'static str, fn(usize));

/// All of them.
pub const ALL: &[Path] = &[
    ("write 64 B", |count| each(count, |iob, _| write(iob, &[7; 64]))),
    ("write 61 B", |count| each(count, |iob, _| write(iob, &[7; 61]))),
    ("write 1 KiB", |count| each(count, |iob, _| write(iob, &[7; 1024]))),
    ("writev 2 x 32 B", |count| {
        each(count, |iob, _| {
            let pieces = [IoSlice::new(&[7; 32]), IoSlice::new(&[8; 32])];
            iob.writev(Default::default(), 0, black_box(&pieces)).expect("room");
        });
    }),
    ("write and drain 64 B", |count| {
        each(count, |iob, reader| {
            write(iob, &[7; 64]);
            drain(reader);
        });
    }),
    ("write_batch and drain 32 x 64 B", |count| {
        each(count, |iob, reader| {
            let written = iob.write_batch(Default::default(), 0, black_box(&[&[7; 64][..]; 32]));
            assert_eq!(written, Ok(32));
            drain(reader);
        });
    }),
    ("wait for what is there", |count| {
        each(count, |iob, reader| {
            write(iob, &[7; 64]);
            black_box(reader.wait_blocking(reader.tail(), None));
            drain(reader);
        });
    }),
    ("write and read_into 64 B", |count| {
        let mut message = Vec::with_capacity(64);
        each(count, |iob, reader| {
            write(iob, &[7; 64]);
            black_box(reader.read_into(&mut message)).expect("a sound ring");
        });
    }),
];

fn each(count: usize, mut operation: impl FnMut(&Iob, &mut Reader)) {
    let mut reader = RingBuffer::create(16 << 20);
    let (iob, _peer) = reader.new_iob_writer(1).expect("a writer");
    for _ in 0..count {
        operation(&iob, &mut reader);
    }
}

fn write(iob: &Iob, message: &[u8]) {
    iob.write(Default::default(), 0, black_box(message)).expect("room");
}

fn drain(reader: &mut Reader) {
    let drained = reader.drain(|record| {
        // SAFETY: the region's descriptor goes to nobody.
        black_box(unsafe { record.as_slice() });
        ControlFlow::Continue(())
    });
    black_box(drained).expect("a sound ring");
}
