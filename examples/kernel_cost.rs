//! What a write by way of the kernel costs, beside a `SOCK_SEQPACKET` socket and beside the broker, in one run.
//!
//! ```text
//! cargo run --release --example kernel_cost
//! ```
//!
//! Each figure is the median of many short batches that take turns; only ratios mean anything on another machine. Without writers
//! in other processes, one thread writes a batch and reads it.

use iobring::{Iob, Reader, RingBuffer, Status};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::time::Instant;

/// Messages in a batch: few enough for a socket's buffer.
const BATCH: usize = 2;
/// Batches of each kind.
const BATCHES: usize = 5_000;
/// Records that each process writes.
const RECORDS: u64 = 100_000;
/// How often everything with processes is done.
const LAUNCHES: usize = 5;

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Messages that are written at once.
const AT_ONCE: usize = 16;

fn drain(reader: &mut Reader) -> u64 {
    let mut sum = 0;
    let visited = reader.drain(|record| {
        sum += record.len() as u64;
        ControlFlow::Continue(())
    });
    std::hint::black_box(sum);
    visited.expect("a sound ring") as u64
}

fn write(iob: &Iob, message: &[u8]) {
    while let Err(status) = iob.write(Default::default(), 0, message) {
        assert_eq!(status, Status::NO_SPACE);
        std::thread::yield_now();
    }
}

/// Nanoseconds for each message of a batch, written and read by one thread: by the kernel, the write alone; by the kernel, both; by
/// a socket, both.
fn alone(len: usize) -> [f64; 3] {
    let message = vec![1; len];
    let mut reader = RingBuffer::create_mediated(1 << 20);
    let (iob, _peer) = reader.new_iob_writer(1).expect("a writer");
    let (near, far) = UnixStream::pair().expect("sockets");
    iob.send_kernel_to(&near).expect("a hand-over");
    let kernel = Iob::receive_from(&far).expect("a writer");
    let (one, other) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("sockets");
    let mut buffer = vec![0; 1 << 16];
    let mut times = [const { Vec::new() }; 3];
    for round in 0..BATCHES + BATCHES / 10 {
        let start = Instant::now();
        (0..BATCH).for_each(|_| write(&kernel, &message));
        let written = start.elapsed();
        drain(&mut reader);
        let read = start.elapsed();
        let start = Instant::now();
        for _ in 0..BATCH {
            send(&one, &message, SendFlags::empty()).expect("sent");
        }
        for _ in 0..BATCH {
            recv(&other, &mut buffer, RecvFlags::empty()).expect("received");
        }
        let by_socket = start.elapsed();
        // The first tenth warms up.
        if round >= BATCHES / 10 {
            for (times, took) in times.iter_mut().zip([written, read, by_socket]) {
                times.push(took.as_nanos() as f64 / BATCH as f64);
            }
        }
    }
    times.map(median)
}

/// Nanoseconds for each message, written by the kernel many at once.
fn batched(len: usize) -> f64 {
    let message = vec![1; len];
    let messages = [&message[..]; AT_ONCE];
    let mut reader = RingBuffer::create_mediated(1 << 20);
    let (iob, _peer) = reader.new_iob_writer(1).expect("a writer");
    let (near, far) = UnixStream::pair().expect("sockets");
    iob.send_kernel_to(&near).expect("a hand-over");
    let kernel = Iob::receive_from(&far).expect("a writer");
    let times = (0..BATCHES).map(|_| {
        let start = Instant::now();
        assert_eq!(kernel.write_batch(Default::default(), 0, &messages), Ok(AT_ONCE));
        let took = start.elapsed();
        drain(&mut reader);
        took.as_nanos() as f64 / AT_ONCE as f64
    });
    median(times.collect())
}

/// Nanoseconds for each record over all, of so many processes that write at once while this one reads.
fn together(writers: u64, len: usize, hand_over: fn(&Iob, &UnixStream)) -> f64 {
    let mut reader = RingBuffer::create_mediated(1 << 20);
    let children: Vec<_> = (0..writers)
        .map(|tag| {
            let (iob, _peer) = reader.new_iob_writer(tag).expect("a writer");
            let (near, far) = UnixStream::pair().expect("sockets");
            hand_over(&iob, &near);
            // SAFETY: the child only receives, writes and exits; nothing that another thread of this process may hold is needed.
            match unsafe { libc::fork() } {
                0 => {
                    let iob = Iob::receive_from(&far).expect("a writer");
                    let message = vec![1; len];
                    // The first record says that it is there; the byte, that all are.
                    write(&iob, &message);
                    std::io::Read::read_exact(&mut &far, &mut [0]).expect("the word to begin");
                    (0..RECORDS).for_each(|_| write(&iob, &message));
                    // SAFETY: ends the child without the parent's destructors.
                    unsafe { libc::_exit(0) }
                }
                child => (child, near),
            }
        })
        .collect();
    let mut read = |until: u64| {
        let mut count = 0;
        while count < until {
            count += drain(&mut reader);
        }
    };
    read(writers);
    children.iter().for_each(|(_, near)| std::io::Write::write_all(&mut &*near, &[1]).expect("a child that listens"));
    let start = Instant::now();
    read(writers * RECORDS);
    let took = start.elapsed();
    for (child, _) in children {
        // SAFETY: the child is ours.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    }
    took.as_nanos() as f64 / (writers * RECORDS) as f64
}

fn main() {
    if let Err(obstacle) = iobring::mediation() {
        println!("NOT RUN: {obstacle}");
        std::process::exit(77);
    }
    println!(
        "one thread, ns a message    write   write and read   {AT_ONCE} written at once   SEQPACKET send and receive   ratios"
    );
    for len in [64, 4096, 65_519] {
        let [written, read, by_socket] = alone(len);
        let at_once = batched(len);
        let ratios = [written, read, at_once].map(|time| format!("{:.2}", time / by_socket)).join(" ");
        println!("{len:>6} bytes {written:>20.0} {read:>16.0} {at_once:>19.0} {by_socket:>28.0}   {ratios}");
    }
    let by_kernel = |iob: &Iob, to: &UnixStream| iob.send_kernel_to(to).expect("a hand-over");
    let by_broker = |iob: &Iob, to: &UnixStream| iob.send_to(to).expect("a hand-over");
    println!("processes that write 64 bytes, ns a record over all; medians of {LAUNCHES} launches that take turns");
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..LAUNCHES {
        times[0].push(together(1, 64, by_kernel));
        times[1].push(together(1, 64, by_broker));
        times[2].push(together(2, 64, by_kernel));
        times[3].push(together(4, 64, by_kernel));
    }
    let [one, broker, two, four] = times.map(median);
    println!("  one by the kernel {one:.0}, by the broker {broker:.0}: {:.2}", one / broker);
    println!("  two by the kernel {two:.0}: {:.2}; four {four:.0}: {:.2}", two / one, four / one);
    let reader = RingBuffer::create_mediated(1 << 16);
    let (iob, _peer) = reader.new_iob_writer(1).expect("a writer");
    let hand_over = || {
        let start = Instant::now();
        let (near, far) = UnixStream::pair().expect("sockets");
        iob.send_kernel_to(&near).expect("a hand-over");
        drop(Iob::receive_from(&far).expect("a writer"));
        start.elapsed().as_secs_f64() * 1e3
    };
    println!("a hand-over: {:.2} ms", median((0..200).map(|_| hand_over()).collect()));
}
