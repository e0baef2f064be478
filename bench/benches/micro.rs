//! Single operations of the ring, one thread unless said otherwise: `cargo bench --manifest-path bench/Cargo.toml`.

use core::hint::black_box;
use core::ops::ControlFlow;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use iobring::{Iob, Reader, RingBuffer, ring_buffer_record_len};
use std::io::IoSlice;
use std::thread;

const CAPACITY: usize = 1 << 20;
const SIZES: [usize; 4] = [16, 64, 1024, 16_384];

fn ring() -> (Reader, Iob) {
    let reader = RingBuffer::create(CAPACITY);
    let (writer, _peer) = reader.new_iob_writer(1).expect("a writer");
    (reader, writer)
}

fn write(writer: &Iob, message: &[u8]) {
    writer.write(Default::default(), 0, black_box(message)).expect("room");
}

/// One write, into a ring that is emptied by moving `tail`.
fn writes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write");
    for size in SIZES {
        let (reader, writer) = ring();
        let message = vec![7; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("{size} B"), |bencher| {
            bencher.iter(|| {
                write(&writer, &message);
                reader.increment_tail(ring_buffer_record_len(size));
            });
        });
    }
}

/// One write of eight pieces.
fn writev(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("writev of 8");
    for size in SIZES {
        let (reader, writer) = ring();
        let piece = vec![7; size / 8];
        let pieces = [IoSlice::new(&piece); 8];
        group.bench_function(format!("{size} B"), |bencher| {
            bencher.iter(|| {
                writer.writev(Default::default(), 0, black_box(&pieces)).expect("room");
                reader.increment_tail(ring_buffer_record_len(size));
            });
        });
    }
}

/// Reading one record into a buffer that is used again.
fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read_into");
    for size in SIZES {
        let (mut reader, writer) = ring();
        let (sent, mut message) = (vec![7; size], Vec::with_capacity(size));
        group.bench_function(format!("{size} B"), |bencher| {
            bencher.iter_batched(
                || write(&writer, &sent),
                |()| black_box(reader.read_into(&mut message)).expect("a sound ring"),
                BatchSize::PerIteration,
            );
        });
    }
}

/// Draining 32 records in place.
fn drain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("drain of 32");
    for size in SIZES {
        let (mut reader, writer) = ring();
        let message = vec![7; size];
        group.bench_function(format!("{size} B"), |bencher| {
            bencher.iter_batched(
                || (0..32).for_each(|_| write(&writer, &message)),
                |()| {
                    let visited = reader.drain(|record| {
                        // SAFETY: the region's descriptor goes to nobody.
                        black_box(unsafe { record.as_slice() });
                        ControlFlow::Continue(())
                    });
                    assert_eq!(visited, Ok(32));
                },
                BatchSize::PerIteration,
            );
        });
    }
}

/// A blocked reader woken by a write, which wakes this thread in turn through a ring of its own.
fn wait_and_wake(criterion: &mut Criterion) {
    let (mut here, to_here) = ring();
    let (mut there, to_there) = ring();
    let other = thread::spawn(move || {
        // An empty message says that it is over.
        while let Ok(Some((_, message))) = there.read_message_blocking(None)
            && !message.is_empty()
        {
            write(&to_here, &message);
        }
    });
    criterion.bench_function("wait and wake, there and back", |bencher| {
        bencher.iter(|| {
            write(&to_there, &[7; 64]);
            here.read_message_blocking(None).expect("a sound ring")
        });
    });
    write(&to_there, &[]);
    other.join().expect("the other thread");
}

criterion_group!(micro, writes, writev, read, drain, wait_and_wake);
criterion_main!(micro);
