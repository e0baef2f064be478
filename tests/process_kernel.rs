//! Writers for whom the kernel writes: their records, their statuses, their ends, and what they cannot do. Where the kernel
//! cannot mediate, each test says NOT RUN, and why.

mod process;

use iobring::protocol::mediator::ask;
use iobring::transport::Kind;
use iobring::{Accounts, Count, Iob, Reader, RingBuffer, Status};
use iobring_oracle::child::{self, Fork};
use iobring_oracle::shared::Shared;
use process::{Order, Servant, UNSUPPORTED, message, names, refused, servant};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

#[test]
fn child_process() {
    servant();
}

/// A ring into which the kernel writes; `None`, and a word, where it cannot.
fn mediated(capacity: usize) -> Option<Reader> {
    match RingBuffer::try_create_mediated(capacity) {
        Ok(reader) => Some(reader),
        Err(obstacle) => {
            println!("NOT RUN: {obstacle}");
            None
        }
    }
}

/// The same writer, by way of the kernel, in this very process.
fn by_kernel(iob: &Iob) -> Iob {
    let (near, far) = UnixStream::pair().unwrap();
    iob.send_kernel_to(&near).unwrap();
    Iob::receive_from(&far).unwrap()
}

fn write(iob: &Iob, message: &[u8]) -> Result<(), Status> {
    iob.write(Default::default(), 0, message)
}

#[track_caller]
fn expect(reader: &mut Reader, tag: u64, len: usize, number: u64) {
    let (got, bytes) = reader.read_message_blocking(None).unwrap().unwrap();
    assert!((got, &bytes) == (tag, &message(len, number)), "message {number} of {len} bytes, tag {got}");
}

#[test]
fn records_of_every_length_arrive_as_they_were_written_wherever_the_ring_ends() {
    for capacity in [4096, 12_288, 64 * 1024, 1 << 20] {
        let Some(mut reader) = mediated(capacity) else { return };
        let (iob, _peer) = reader.new_iob_writer(u64::MAX - 1).unwrap();
        let kernel = by_kernel(&iob);
        let longest = (capacity - 16).min(65_519);
        let shared = Shared::of(&reader);
        let mut number = 0;
        // Every rest of a division by 8, at many places of the ring.
        while reader.head() < 6 * capacity as u64 {
            number += 1;
            let len = number as usize * 1237 % (longest + 1);
            write(&kernel, &message(len, number)).unwrap();
            // Zeros behind it, and not what an older record left there.
            let end = reader.tail() + 16 + len as u64;
            let padding = (end..end.next_multiple_of(8)).map(|at| shared.read(shared.offset(at), 1)[0]);
            assert_eq!(padding.sum::<u8>(), 0, "behind message {number} of {len} bytes");
            expect(&mut reader, u64::MAX - 1, len, number);
        }
        assert!(number > 8, "{number} records");
    }
}

#[test]
fn an_unprivileged_process_writes_and_holds_nothing_of_the_ring() {
    let names = names();
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(7).unwrap();
    let mut servant = Servant::start_as_nobody();
    servant.give_kernel(&iob);
    for (number, len) in [0, 1, 7, 8, 9, 16, 4096, 65_519].into_iter().enumerate() {
        servant.write(len, number as u64);
        expect(&mut reader, 7, len as usize, number as u64);
    }
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", servant.child.id())).unwrap();
    assert!(!maps.contains("bpf-map") && !maps.contains("memfd"), "{maps}");
    assert_eq!(servant.order(Order::Trespass, std::process::id(), names), 0);
    // It passes its right on, to a fork and to another process, and no more than that.
    assert_eq!(servant.order(Order::ForkAndWrite, 24, 8), 0);
    expect(&mut reader, 7, 24, 8);
    assert_eq!(servant.order(Order::SendKernelOn, 0, 0), 0);
    assert_eq!(servant.order(Order::WriteOn, 24, 9), 0);
    expect(&mut reader, 7, 24, 9);
}

#[test]
fn every_status_is_exact_and_at_once_and_counted_by_the_kernel() {
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, peer) = reader.new_iob_writer(3).unwrap();
    let kernel = by_kernel(&iob);
    assert_eq!(kernel.write(Default::default(), 1, b""), Err(Status::OUT_OF_RANGE));
    assert_eq!(peer.write(Default::default(), 0, b""), Err(Status::ACCESS_DENIED));
    assert_eq!(write(&kernel, &[0; 65_520]), Err(Status::INVALID_ARGS));
    let nine = [IoSlice::new(b"a"); 9];
    assert_eq!(kernel.writev(Default::default(), 0, &nine), Err(Status::INVALID_ARGS));
    assert_eq!(kernel.writev(Default::default(), 0, &nine[..8]), Ok(()));
    assert_eq!(reader.read_message_blocking(None).unwrap(), Some((3, b"aaaaaaaa".to_vec())));
    assert_eq!(kernel.writev(Default::default(), 0, &[]), Ok(()));
    assert_eq!(reader.read_message_blocking(None).unwrap(), Some((3, vec![])));
    // Full, to the last byte.
    write(&kernel, &[1; 65_519]).unwrap();
    assert_eq!(write(&kernel, b""), Err(Status::NO_SPACE));
    reader.try_read_message().unwrap();
    assert_eq!(kernel.write_batch(Default::default(), 0, &[&[2; 30_000][..]; 3]), Ok(2));
    // Damaged: the reader gave back what it had not.
    reader.increment_tail(128 * 1024);
    assert_eq!(write(&kernel, b"ten bytes."), Err(Status::IO_DATA_INTEGRITY));
    reader.resync();
    assert_eq!(write(&kernel, b"again"), Ok(()));
    let Accounts { by_tag, .. } = reader.accounts();
    let account = by_tag[&3];
    assert_eq!(account.no_space, Count { records: 2, bytes: 30_000 });
    assert_eq!(account.bad, Count { records: 3, bytes: 65_520 + 9 + 10 });
    assert_eq!(account.accepted, Count { records: 6, bytes: 8 + 65_519 + 60_000 + 5 });

    let Some(reader) = mediated(4096) else { return };
    let (iob, _peer) = reader.new_iob_writer(3).unwrap();
    let kernel = by_kernel(&iob);
    assert_eq!(write(&kernel, &[0; 4081]), Err(Status::NO_SPACE));
    assert_eq!(write(&kernel, &[0; 4080]), Ok(()));
}

#[test]
fn what_a_writer_counted_stays_when_it_is_gone() {
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, peer) = reader.new_iob_writer(5).unwrap();
    drop(iob.clone());
    for round in 1..=3 {
        let mut servant = Servant::start();
        servant.give_kernel(&iob);
        let accepted = servant.order(Order::Fill, 1000, 0) as u64;
        assert_eq!(servant.order(Order::Refusal, 0, 0), refused(Status::NO_SPACE));
        servant.kill();
        while reader.try_read_message().unwrap().is_some() {}
        let total = reader.accounts().total;
        assert_eq!(total.delivered.records, round * accepted);
        assert_eq!(total.no_space.records, round);
        assert!(total.balances());
    }
    drop(iob);
    assert!(peer.wait_peer_closed(None), "the last copy was killed");
    drop(peer);
    assert!(reader.accounts().total.balances());
}

#[test]
fn a_sleeping_reader_is_woken_however_it_waits() {
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let mut servant = Servant::start();
    servant.give_kernel(&iob);
    assert_eq!(reader.wait_blocking(0, Some(Duration::from_millis(1))), None);
    for number in 0..300 {
        let style = number % 3;
        let tail = reader.tail();
        servant.tell(Order::Write, 24, number);
        match style {
            0 => drop(reader.wait_blocking(tail, None)),
            1 => drop(pollster::block_on(reader.wait(tail))),
            _ => {
                use std::os::fd::AsFd;
                let bell = reader.as_fd();
                poll(&mut [PollFd::from_borrowed_fd(bell, PollFlags::IN)], None).unwrap();
                // It may have been rung for an earlier wait.
                while reader.head() == tail {
                    reader.try_read_message().unwrap();
                }
            }
        }
        expect(&mut reader, 1, 24, number);
        assert_eq!(servant.answer(), 0);
        assert_eq!(reader.try_read_message(), Ok(None));
    }
}

#[test]
fn all_three_ways_lead_into_one_ring_and_no_wake_up_is_lost() {
    const EACH: u64 = 3_000;
    let Some(mut reader) = mediated(16 * 1024) else { return };
    let (direct, _peer) = reader.new_iob_writer(1).unwrap();
    let ways = [direct.clone(), by_kernel(&direct), by_broker(&direct)];
    let threads: Vec<_> = (0..)
        .zip(ways)
        .map(|(way, iob)| {
            std::thread::spawn(move || {
                for number in 0..EACH {
                    let message = message(8 + (number % 90) as usize, number << 2 | way);
                    while write(&iob, &message) == Err(Status::NO_SPACE) {
                        std::thread::yield_now();
                    }
                }
            })
        })
        .collect();
    let mut next = [0; 3];
    while next != [EACH; 3] {
        let tail = reader.tail();
        reader.wait_blocking(tail, None);
        reader
            .drain(|record| {
                let bytes = record.to_vec();
                let number = u64::from_ne_bytes(bytes[..8].try_into().unwrap());
                let way = (number & 3) as usize;
                assert_eq!(number >> 2, next[way], "way {way}");
                assert!(bytes == message(bytes.len(), number));
                next[way] += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(reader.accounts().total.accepted.records, 3 * EACH);
}

fn by_broker(iob: &Iob) -> Iob {
    let (near, far) = UnixStream::pair().unwrap();
    iob.send_to(&near).unwrap();
    Iob::receive_from(&far).unwrap()
}

#[test]
fn what_is_revoked_stays_revoked() {
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, peer) = reader.new_iob_writer(1).unwrap();
    let mut servant = Servant::start();
    servant.give_kernel(&iob);
    servant.write(24, 0);
    let mut by_socket = Servant::start();
    by_socket.give(&iob);
    by_socket.write(24, 1);
    expect(&mut reader, 1, 24, 0);
    expect(&mut reader, 1, 24, 1);
    peer.revoke().unwrap();
    assert_eq!(servant.order(Order::Write, 24, 2), refused(Status::ACCESS_DENIED));
    assert_eq!(servant.order(Order::ForkAndWrite, 24, 2), refused(Status::ACCESS_DENIED));
    assert_eq!(servant.order(Order::SendKernelOn, 0, 0), 0);
    assert_eq!(servant.order(Order::WriteOn, 24, 2), refused(Status::ACCESS_DENIED));
    assert_eq!(by_socket.order(Order::Write, 24, 2), refused(Status::PEER_CLOSED));
    assert_eq!(reader.head(), reader.tail());
    // The owner's own goes on, and may be handed over again.
    write(&iob, b"mine").unwrap();
    let again = by_kernel(&iob);
    write(&again, b"again").unwrap();
    assert_eq!(servant.order(Order::Write, 24, 3), refused(Status::ACCESS_DENIED));
    drop((iob, again));
    assert!(!peer.is_peer_closed(), "copies live, though they cannot write");
    servant.kill();
    assert!(peer.wait_peer_closed(None));
}

#[test]
fn a_writer_learns_that_the_owner_is_gone_and_a_kept_program_writes_nothing() {
    let Some(reader) = mediated(64 * 1024) else { return };
    let (iob, peer) = reader.new_iob_writer(1).unwrap();
    let mut servant = Servant::start();
    servant.give_kernel(&iob);
    servant.write(24, 0);
    assert_eq!(servant.order(Order::IsPeerClosed, 0, 0), 0);
    drop(peer);
    assert_eq!(servant.order(Order::WaitPeerClosed, 0, 0), 1);
    servant.write(24, 1);
    drop(reader);
    assert_eq!(servant.order(Order::Write, 24, 2), refused(Status::PEER_CLOSED));
    assert!(iob.send_kernel_to(&servant.socket).is_err(), "the ring's owner is gone");
}

#[test]
fn where_a_filter_forbids_programs_the_broker_takes_over_if_the_owner_agreed() {
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let mut sandboxed = Servant::start();
    assert_eq!(sandboxed.order(Order::ForbidBpf, 0, 0), 0);
    sandboxed.tell(Order::Receive, 0, 0);
    iob.send_kernel_to(&sandboxed.socket).unwrap();
    assert_eq!(sandboxed.answer(), UNSUPPORTED);
    reader.prefer_kernel(true);
    let mut free = Servant::start();
    free.give(&iob);
    sandboxed.give(&iob);
    free.write(24, 0);
    expect(&mut reader, 1, 24, 0);
    sandboxed.write(24, 1);
    expect(&mut reader, 1, 24, 1);
    // Which way each went, the kernel tells: it counts what it refuses, and a process that refuses by itself does not.
    assert_eq!(free.order(Order::Write, 65_520, 0), refused(Status::INVALID_ARGS));
    assert_eq!(reader.accounts().total.bad.records, 1);
    assert_eq!(sandboxed.order(Order::Write, 65_520, 0), refused(Status::INVALID_ARGS));
    assert_eq!(reader.accounts().total.bad.records, 1);
}

#[test]
fn pages_that_are_not_there_are_fetched() {
    let Some(mut reader) = mediated(1 << 20) else { return };
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let kernel = by_kernel(&iob);
    let page = rustix::param::page_size();
    let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    // SAFETY: nobody writes to a program that runs.
    let map = unsafe { memmap2::MmapOptions::new().len(20 * page).map(&file).unwrap() };
    for at in [0, 3 * page - 5, 7 * page + 1] {
        for len in [1, page, 10 * page] {
            // SAFETY: the pages come back from the file.
            unsafe { libc::madvise(map.as_ptr().cast_mut().cast(), map.len(), libc::MADV_DONTNEED) };
            let pieces = [IoSlice::new(b"head "), IoSlice::new(&map[at..at + len]), IoSlice::new(&[])];
            kernel.writev(Default::default(), 0, &pieces).unwrap();
            let (_, read) = reader.read_message_blocking(None).unwrap().unwrap();
            assert!(read[..5] == *b"head " && read[5..] == map[at..at + len], "{len} bytes at {at}");
        }
    }
}

#[test]
fn only_a_mediated_rings_writers_can_be_handed_over_so_and_its_memory_cannot() {
    let (near, _far) = UnixStream::pair().unwrap();
    let plain = RingBuffer::create(64 * 1024);
    let (iob, peer) = plain.new_iob_writer(1).unwrap();
    assert_eq!(iob.send_kernel_to(&near).unwrap_err().kind(), std::io::ErrorKind::Unsupported);
    assert_eq!(peer.send_kernel_to(&near).unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    assert!(!plain.is_mediated());
    let refused = |capacity| RingBuffer::try_create_mediated(capacity).unwrap_err().status();
    assert_eq!(refused(0), Status::INVALID_ARGS);
    assert_eq!(refused(4097), Status::INVALID_ARGS);
    assert_eq!(refused(1 << 29), Status::OUT_OF_RANGE);
    assert_eq!(refused(usize::MAX - 4095), Status::OUT_OF_RANGE);
    let Some(reader) = mediated(64 * 1024) else { return };
    assert!(reader.is_mediated());
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    assert_eq!(iob.send_mapped_to(&near).unwrap_err().kind(), std::io::ErrorKind::Unsupported);
}

/// The descriptors of an offer, fished out of the socket by somebody who does not use the library.
fn descriptors(iob: &Iob) -> Vec<OwnedFd> {
    let (near, far) = UnixStream::pair().unwrap();
    iob.send_kernel_to(&near).unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    recvmsg(&far, &mut [IoSliceMut::new(&mut [0; 100])], &mut ancillary, RecvFlags::empty()).unwrap();
    let rights = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(rights) => Some(rights),
        _ => None,
    });
    rights.flatten().collect()
}

/// Runs a program on whatever arguments; its result.
fn run(program: &OwnedFd, [address, len, what]: [u64; 3]) -> Result<u32, i32> {
    let mut attributes = [program.as_raw_fd() as u32, 0];
    // SAFETY: the attributes are as long as said, and may be written; the program reads what it may.
    let result = unsafe { libc::syscall(libc::SYS_bpf, 10, attributes.as_mut_ptr(), 8, address, len, what) };
    if result < 0 { Err(std::io::Error::last_os_error().raw_os_error().unwrap()) } else { Ok(attributes[1]) }
}

/// One record of these bytes.
fn record<T>(bytes: &[T]) -> [u64; 3] {
    [bytes.as_ptr() as u64, size_of_val(bytes) as u64, ask::RECORD + 1]
}

#[test]
fn whatever_a_program_is_asked_the_ring_stays_sound() {
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(0x7a61).unwrap();
    let descriptors = descriptors(&iob);
    let program = &descriptors[0];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let memory = vec![0x5au8; 70_000];
    let (mut written, mut batched, mut read) = (0, 0, 0);
    for _ in 0..30_000 {
        let mut pieces = [[0u64; 2]; 17];
        for piece in &mut pieces {
            piece[0] = match next() % 16 {
                0 => next(),
                1 => 0,
                // The kernel's half of the address space.
                2 => next() | 0xffff_8000_0000_0000,
                _ => memory.as_ptr() as u64 + next() % 4096,
            };
            piece[1] = match next() % 16 {
                0 => next(),
                1 => 65_520 + next() % 100,
                2 => 0u64.wrapping_sub(next() % 100),
                3 => next() % 65_520,
                _ => next() % 300,
            };
        }
        let what = match next() % 16 {
            0 => next(),
            1 => ask::RECORD + next() % 0x1_0000,
            2 => ask::NOTHING,
            3..=8 => ask::RECORDS + next() % 18,
            n => ask::RECORD + n % 10,
        };
        let arguments = match what {
            _ if next().is_multiple_of(16) => [next(), next(), what],
            _ if what == ask::RECORD + 1 => [pieces[0][0], pieces[0][1], what],
            _ => [pieces.as_ptr() as u64, next() % 100, what],
        };
        match run(program, arguments) {
            Ok(0) if what < ask::RECORDS => written += 1,
            Ok(answer) if what >= ask::RECORDS && matches!(answer & 0xff, 0..=6) && answer >> 8 <= 16 => {
                written += u64::from(answer >> 8);
                batched += u64::from(answer >> 8 > 1);
            }
            Ok(1..=6 | 8) => {}
            other => panic!("{other:?} of {arguments:x?}, {pieces:x?}"),
        }
        while let Some((tag, message)) = reader.try_read_message().unwrap() {
            assert_eq!(tag, 0x7a61);
            assert!(message.iter().all(|&byte| byte == 0x5a), "bytes that were never written");
            read += 1;
        }
    }
    assert_eq!((read, reader.accounts().total.accepted.records), (written, written));
    assert!(written > 1_000 && batched > 1_000, "{written} {batched}");
    // Kept, but no longer good for anything.
    iob.revoke().unwrap();
    assert_eq!(run(program, record(&memory[..10])), Ok(7));
    // Its place is somebody else's now, and it still is not.
    drop(descriptors.into_iter().nth(1));
    let others: Vec<_> = (0..70).map(|_| by_kernel(&iob)).collect();
    write(&others[69], b"theirs").unwrap();
    assert_eq!(reader.read_message_blocking(None).unwrap(), Some((0x7a61, b"theirs".to_vec())));
}

/// What a hand-over costs is mostly the kernel's check of the program. 3,200 instructions on Linux 6.18; ten times as many of loops whose rounds it follows one by one.
#[test]
fn the_kernel_checks_a_program_at_once() {
    let Some(reader) = mediated(64 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let program = &descriptors(&iob)[0];
    let about = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", program.as_raw_fd())).unwrap();
    let checked = about.lines().find_map(|line| line.strip_prefix("verified_insns:")).expect("Linux 5.16 says so");
    assert!(checked.trim().parse::<u32>().unwrap() < 10_000, "{checked} instructions");
}

/// Pieces whose lengths add up to little only because the sum wraps.
#[test]
fn pieces_longer_than_their_record_overwrite_nothing() {
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let (hostile, _hostile_peer) = reader.new_iob_writer(2).unwrap();
    let descriptors = descriptors(&hostile);
    let memory = vec![0x5au8; 65_535];
    for round in 0..20 {
        // Room for a small record, at another place each time.
        let count = (0..)
            .take_while(|&n| reader.tail() + 65_400 > reader.head() && write(&iob, &message(1000, n)).is_ok())
            .count();
        for (first, second) in [(60_000, 8), (100, 0), (65_535, 24)] {
            let pieces = [[memory.as_ptr() as u64, first], [memory.as_ptr() as u64, 0u64.wrapping_sub(first) + second]];
            let answer = run(&descriptors[0], [pieces.as_ptr() as u64, 0, ask::RECORD + 2]);
            assert!(matches!(answer, Ok(1..=6)), "{answer:?}");
        }
        (0..count as u64).for_each(|n| expect(&mut reader, 1, 1000, n));
        assert_eq!(reader.try_read_message().unwrap(), None, "round {round}");
    }
}

/// What [`Iob::write_batch`] says, on whatever transport: as many single writes as could be done before one failed.
#[test]
fn batches_are_written_as_the_same_records_one_by_one_would_be() {
    let Some(mut reader) = mediated(128 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(6).unwrap();
    let kernel = by_kernel(&iob);
    let batch = |iob: &Iob, messages: &[Vec<u8>]| {
        iob.write_batch(Default::default(), 0, &messages.iter().map(|message| &message[..]).collect::<Vec<_>>())
    };
    assert_eq!(batch(&kernel, &[]), Ok(0));
    let mut number = 0;
    // Of every number at once, of every rest of a division by 8, wherever the ring ends; long ones, of which one fills a run.
    for (count, len) in (1..60).map(|count| (count, 300)).chain((1..5).map(|count| (count, 20_000))).cycle().take(400) {
        let messages: Vec<_> = (number..number + count).map(|n| message(n as usize * 37 % len, n)).collect();
        assert_eq!(batch(&kernel, &messages), Ok(count as usize));
        for message in messages {
            assert_eq!(reader.try_read_message().unwrap(), Some((6, message)));
        }
        number += count;
    }
    assert!(reader.head() > 10 * 128 * 1024);
    // Until there is no room, and not one more; the one that was refused is counted.
    let most = batch(&kernel, &vec![vec![7; 1000]; 200]).unwrap();
    assert_eq!(most, 128 * 1024 / 1016);
    assert_eq!(reader.accounts().by_tag[&6].no_space, Count { records: 1, bytes: 1000 });
    while reader.try_read_message().unwrap().is_some() {}
    // One that is too long ends a batch, wherever it stands.
    for at in [0, 1, 15, 16, 17] {
        let mut messages = vec![vec![1; 100]; 20];
        messages[at] = vec![2; 65_520];
        let expected = if at == 0 { Err(Status::INVALID_ARGS) } else { Ok(at) };
        assert_eq!(batch(&kernel, &messages), expected);
        (0..at).for_each(|_| assert_eq!(reader.try_read_message().unwrap().unwrap().1, [1; 100]));
        assert_eq!(reader.try_read_message().unwrap(), None);
    }
    let account = reader.accounts().by_tag[&6];
    assert_eq!(account.bad, Count { records: 5, bytes: 5 * 65_520 });
    assert_eq!(account.accepted.records, number + most as u64 + 49);
    // Of pages that are not there, too: in the middle of a batch, and of one record.
    let page = rustix::param::page_size();
    let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    // SAFETY: nobody writes to a program that runs.
    let map = unsafe { memmap2::MmapOptions::new().len(20 * page).map(&file).unwrap() };
    // SAFETY: the pages come back from the file.
    unsafe { libc::madvise(map.as_ptr().cast_mut().cast(), map.len(), libc::MADV_DONTNEED) };
    let messages: Vec<_> = map.chunks(page + 100).collect();
    let here = [&b"here"[..]; 3];
    let all = [&here[..], &messages, &here].concat();
    assert_eq!(kernel.write_batch(Default::default(), 0, &all), Ok(all.len()));
    for message in all {
        assert_eq!(reader.try_read_message().unwrap(), Some((6, message.to_vec())));
    }
}

/// The reader that sleeps is woken once for a batch, and finds all of it.
#[test]
fn a_batch_is_published_at_once() {
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let kernel = by_kernel(&iob);
    for round in 0..200_u64 {
        let tail = reader.tail();
        let head = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| reader.wait_blocking(tail, None));
            let messages: Vec<_> = (0..16).map(|n| message(100, 16 * round + n)).collect();
            let messages: Vec<_> = messages.iter().map(|message| &message[..]).collect();
            assert_eq!(kernel.write_batch(Default::default(), 0, &messages), Ok(16));
            waiting.join().unwrap().unwrap()
        });
        assert_eq!(head, tail + 16 * 120);
        (0..16).for_each(|n| expect(&mut reader, 1, 100, 16 * round + n));
    }
}

/// Two rings with writers of the same tags, all in the hands of one process: what is asked of a program goes into its own ring, and what
/// is taken from the one is left to the other.
#[test]
fn two_rings_have_nothing_to_do_with_each_other() {
    let (Some(mut one), Some(mut other)) = (mediated(64 * 1024), mediated(4096)) else { return };
    let tags = 0..70;
    let writers = |reader: &Reader| -> Vec<_> {
        tags.clone()
            .map(|tag| reader.new_iob_writer(tag).unwrap())
            .map(|(iob, peer)| (by_kernel(&iob), iob, peer))
            .collect()
    };
    let (ones, others) = (writers(&one), writers(&other));
    std::thread::scope(|scope| {
        for (writers, mark) in [(&ones, 1), (&others, 2)] {
            scope.spawn(move || {
                for round in 0..50_u8 {
                    for (kernel, ..) in writers {
                        kernel.send_timeout(&[mark, round], None).unwrap();
                    }
                }
            });
        }
        for (reader, mark) in [(&mut one, 1), (&mut other, 2)] {
            scope.spawn(move || {
                for round in 0..50 {
                    for tag in 0..70 {
                        let read = reader.read_message_blocking(None).unwrap();
                        assert_eq!(read, Some((tag, vec![mark, round])));
                    }
                }
            });
        }
    });
    for (number, (_, iob, _)) in ones.iter().enumerate().filter(|(number, _)| number % 2 == 0) {
        iob.revoke().unwrap();
        assert_eq!(write(&ones[number].0, b"late"), Err(Status::ACCESS_DENIED));
        assert_eq!(write(&ones[number + 1].0, b"one"), Ok(()));
        assert_eq!(write(&others[number].0, b"other"), Ok(()));
    }
    drop(one);
    assert_eq!(write(&ones[1].0, b"late"), Err(Status::PEER_CLOSED));
    assert_eq!(write(&others[1].0, b"last"), Ok(()));
    let read: Vec<_> = std::iter::from_fn(|| other.try_read_message().unwrap()).collect();
    let expected = (0..70).step_by(2).map(|tag| (tag, b"other".to_vec())).chain([(1, b"last".to_vec())]);
    assert_eq!(read, expected.collect::<Vec<_>>());
}

#[test]
fn hand_overs_leave_nothing_behind() {
    // In a process of its own, since other tests' descriptors come and go here.
    if std::env::var_os(ALONE).is_none() {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        let status = command.args(["hand_overs_leave_nothing_behind", "--exact"]).env(ALONE, "1").status().unwrap();
        assert!(status.success());
        return;
    }
    let Some(reader) = mediated(64 * 1024) else { return };
    let (iob, peer) = reader.new_iob_writer(1).unwrap();
    let count = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let hand_over = || {
        let kernel = by_kernel(&iob);
        write(&kernel, b"").unwrap();
    };
    hand_over();
    let mut most = 0;
    let before = count();
    for _ in 0..200 {
        hand_over();
        most = most.max(count());
    }
    // The owner's ends go when its thread has noticed.
    drop(iob);
    assert!(peer.wait_peer_closed(None));
    assert_eq!(reader.accounts().total.accepted.records, 201);
    // Two bells of the pair's ends.
    assert!(count() <= before + 2, "{} descriptors, {before} before, {most} at most", count());
}

#[test]
fn memory_that_changes_while_it_is_copied_makes_strange_messages_and_nothing_worse() {
    let Some(mut reader) = mediated(256 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let descriptors = descriptors(&iob);
    let memory: Vec<AtomicU64> = (0..4096).map(|_| AtomicU64::new(0)).collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for value in (0..=1).cycle() {
                if done.load(Ordering::Relaxed) {
                    return;
                }
                memory.iter().for_each(|word| word.store(value * u64::MAX, Ordering::Relaxed));
            }
        });
        for _ in 0..500 {
            // The memory may have been taken away for a moment, to be moved.
            while run(&descriptors[0], record(&memory)) != Ok(0) {}
            let (tag, message) = reader.read_message_blocking(None).unwrap().unwrap();
            assert_eq!((tag, message.len()), (1, 8 * memory.len()));
            assert!(message.iter().all(|&byte| byte == 0 || byte == 0xff));
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn who_waits_for_a_page_that_does_not_come_keeps_nobody_else_waiting() {
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let descriptors = descriptors(&iob);
    // Memory whose pages somebody would have to bring: this process, which does not.
    // SAFETY: a descriptor, if the kernel gives one.
    let faults = unsafe { libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | 1) };
    if faults < 0 {
        println!("NOT RUN: userfaultfd(2): {}", std::io::Error::last_os_error());
        return;
    }
    // SAFETY: just made.
    let faults = unsafe { <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(faults as i32) };
    let pages = memmap2::MmapOptions::new().len(1 << 16).map_anon().unwrap();
    // `struct uffdio_api`: version 0xaa, no features; `struct uffdio_register`: the range, missing pages.
    let mut api = [0xaa_u64, 0, 0];
    let mut range = [pages.as_ptr() as u64, pages.len() as u64, 1, 0];
    // SAFETY: both structures are as long as their requests say.
    unsafe {
        assert_eq!(libc::ioctl(faults.as_raw_fd(), 0xc018_aa3f_u32 as libc::Ioctl, api.as_mut_ptr()), 0);
        assert_eq!(libc::ioctl(faults.as_raw_fd(), 0xc020_aa00_u32 as libc::Ioctl, range.as_mut_ptr()), 0);
    }
    // The program gives up at once: 6 is the answer to a page that is not there.
    let of_the_second_half = &pages[pages.len() / 2..];
    // As the message itself, and as the list of where its pieces are.
    let list = [of_the_second_half.as_ptr() as u64, 0, ask::RECORD + 2];
    for _ in 0..100 {
        assert_eq!(run(&descriptors[0], record(of_the_second_half)), Ok(6));
        assert_eq!(run(&descriptors[0], list), Ok(6));
    }
    assert_eq!(reader.head(), 0);
    write(&iob, b"next").unwrap();
    assert_eq!(reader.try_read_message().unwrap(), Some((1, b"next".to_vec())));
}

/// A line of `/proc/meminfo`, in KiB.
fn meminfo(name: &str) -> i64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

#[test]
#[ignore = "takes a minute, or as many hand-overs as $IOBRING_HAND_OVERS says: cargo test --release --test process_kernel -- --ignored --nocapture"]
fn thousands_of_writers_at_once_and_as_many_hand_overs_one_after_the_other() {
    let Some(mut reader) = mediated(1 << 20) else { return };
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit may be written, and then read.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
    }
    // Three descriptors each, since both sides are in this process.
    let writers = ((limit.rlim_max - 200) / 3).min(10_000);
    let before = meminfo("MemAvailable:");
    let count = writers;
    let writers: Vec<_> = (0..writers)
        .map(|tag| {
            let (iob, peer) = reader.new_iob_writer(tag).unwrap();
            (by_kernel(&iob), peer)
        })
        .collect();
    println!("{count} writers: {} KiB each", (before - meminfo("MemAvailable:")) / count as i64);
    for (tag, (kernel, _)) in (0..).zip(&writers) {
        write(kernel, b"here").unwrap();
        assert_eq!(reader.try_read_message().unwrap(), Some((tag, b"here".to_vec())));
    }
    let accounts = reader.accounts();
    assert!(accounts.by_tag.values().all(|account| account.accepted.records == 1), "one for each tag");
    for (kernel, peer) in writers {
        drop(kernel);
        assert!(peer.wait_peer_closed(None));
    }
    let (iob, peer) = reader.new_iob_writer(1).unwrap();
    let resident =
        || std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse::<i64>().unwrap();
    let (pages, kernels) = (resident(), meminfo("VmallocUsed:"));
    let hand_overs = std::env::var("IOBRING_HAND_OVERS").map_or(count, |count| count.parse().unwrap());
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let open = descriptors();
    for _ in 0..hand_overs {
        write(&by_kernel(&iob), b"").unwrap();
        reader.try_read_message().unwrap();
    }
    let more = (resident() - pages, meminfo("VmallocUsed:") - kernels);
    drop(iob);
    assert!(peer.wait_peer_closed(None));
    assert!(descriptors() <= open + 2, "{} descriptors, {open} before", descriptors());
    println!(
        "after {hand_overs} hand-overs: {} pages more of this process's, {} KiB more of the kernel's",
        more.0, more.1
    );
    assert!(resident() - pages < 1_000);
}

/// Set for the copy of this program that runs one test.
const ALONE: &str = "IOBRING_TEST_ALONE";

/// Set for the copy of this program that runs as somebody without capabilities.
const NOBODY: &str = "IOBRING_TEST_NOBODY";

#[test]
fn an_owner_without_capabilities_is_told_which_it_lacks() {
    if std::env::var_os(NOBODY).is_some() {
        println!("obstacle: {:?}", iobring::mediation());
        return;
    }
    if !rustix::process::geteuid().is_root() {
        println!("NOT RUN: nobody else to be");
        return;
    }
    use std::os::unix::process::CommandExt;
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["an_owner_without", "--nocapture"]).env(NOBODY, "1").uid(65534).gid(65534);
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(said.contains("obstacle: Err(Capability(\"CAP_BPF\"))"), "{said}");
}

#[test]
fn thread_ids_of_another_namespace_do_not_matter() {
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let Some(mut servant) = Servant::start_in_another_pid_namespace() else {
        println!("NOT RUN: no PID namespace to be had");
        return;
    };
    servant.give_kernel(&iob);
    servant.write(24, 1);
    expect(&mut reader, 1, 24, 1);
}

#[test]
fn whoever_insists_on_isolation_is_given_no_program() {
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    iob.send_kernel_to(&near).unwrap();
    let error = Iob::receive_isolated_from(&far).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("a program for the kernel to run"), "{error}");

    // Of both, the socket; whoever does not insist takes the program.
    reader.prefer_kernel(true);
    iob.send_to(&near).unwrap();
    let writer = Iob::receive_isolated_from(&far).unwrap();
    assert_eq!(writer.transport(), Some(Kind::Broker));
    iob.send_to(&near).unwrap();
    assert_eq!(Iob::receive_from(&far).unwrap().transport(), Some(Kind::Kernel));
    writer.send(b"hello").unwrap();
    assert_eq!(reader.read_message_blocking(None).unwrap(), Some((1, b"hello".to_vec())));
}

/// What is given by way of the kernel is on memory that forks share: one that tries to hand over neither gives nor takes anything.
#[test]
fn a_fork_gives_nothing_and_takes_nothing_back() {
    let Some(mut reader) = mediated(64 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(7).unwrap();
    for prefer in [false, true] {
        reader.prefer_kernel(prefer);
        for _ in 0..20 {
            // SAFETY: the child hands over, which is refused, and makes system calls.
            let child = unsafe {
                child::fork(Fork::Libc, || {
                    let (near, _far) = UnixStream::pair().unwrap();
                    let refused = |error: std::io::Error| error.kind() == ErrorKind::Unsupported;
                    let is_refused =
                        || iob.send_kernel_to(&near).is_err_and(refused) && iob.send_to(&near).is_err_and(refused);
                    i32::from(!(0..20).all(|_| is_refused()))
                })
            };
            for _ in 0..20 {
                assert_eq!(write(&by_kernel(&iob), b"given"), Ok(()), "a fork has taken it back");
                reader.read_message_blocking(None).unwrap().unwrap();
            }
            assert_eq!(child::result(child), 0);
        }
    }
    assert_eq!(reader.accounts().by_tag[&7].accepted.records, 800);
}

/// The kernel gives up checking a program when a signal comes for the thread that loads it.
#[test]
fn a_writer_is_handed_over_though_signals_come_all_the_time() {
    extern "C" fn handler(_: libc::c_int) {}
    let Some(reader) = mediated(64 * 1024) else { return };
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    // SAFETY: all zeros is an action without flags and with an empty mask, and the handler does nothing.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as extern "C" fn(libc::c_int) as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()), 0);
    }
    let done = AtomicBool::new(false);
    // SAFETY: it names the calling thread.
    let here = unsafe { libc::pthread_self() };
    let sent = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // SAFETY: that thread outlives this one, which it joins.
                assert_eq!(unsafe { libc::pthread_kill(here, libc::SIGUSR1) }, 0);
                sent.fetch_add(1, Ordering::Relaxed);
            }
        });
        while sent.load(Ordering::Relaxed) == 0 {}
        let handed_over = std::panic::catch_unwind(|| {
            for _ in 0..10 {
                write(&by_kernel(&iob), b"handed over").unwrap();
            }
        });
        done.store(true, Ordering::Relaxed);
        handed_over.unwrap();
    });
}
