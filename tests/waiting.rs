//! Writers that wait for room, by every transport that can: none is lost, none is told too late, all ends are noticed.

use iobring::{Iob, Reader, RingBuffer, Status};
use iobring_oracle::child::{self, Fork};
use iobring_oracle::elsewhere;
use iobring_oracle::patience::until;
use iobring_oracle::shared::{ROOM, Shared};
use iobring_oracle::task::Count;
use iobring_oracle::watchdog::Watchdog;
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use std::io::IoSlice;
use std::pin::pin;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

const CAPACITY: usize = 64 * 1024;
/// Three records of it fill most of the ring.
const LARGE: usize = 20_000;

/// Fills the ring; returns how many records that took.
fn fill(writer: &Iob, len: usize) -> usize {
    (0..).take_while(|_| writer.send(&vec![0; len]).is_ok()).count()
}

/// A ring of the usual kind, and one into which the kernel writes, where it can: together they have writers of all transports.
fn rings() -> impl Iterator<Item = Reader> {
    [RingBuffer::create(CAPACITY)].into_iter().chain(mediated())
}

fn mediated() -> Option<Reader> {
    let mediated = RingBuffer::try_create_mediated(CAPACITY);
    mediated.inspect_err(|obstacle| println!("NOT RUN by way of the kernel: {obstacle}")).ok()
}

/// Writers that wait, of all transports that there are into this ring, each with a tag of its own.
fn writers(reader: &Reader) -> Vec<Iob> {
    let iob = |tag| reader.new_iob_writer(tag).unwrap().0;
    let third = if reader.is_mediated() { elsewhere::by_kernel } else { elsewhere::mapped };
    vec![iob(1), iob(2), third(&iob(3)), elsewhere::isolated(&iob(4))]
}

#[test]
fn everything_is_written_once_and_in_order() {
    const RECORDS: u64 = 2_000;
    let on_a_thread: Send = |writer, message| writer.send_timeout(message, None);
    let as_a_task: Send = |writer, message| pollster::block_on(writer.send_when_room(message));
    for send in [on_a_thread, as_a_task] {
        for mut reader in rings() {
            is_written_once_and_in_order(&mut reader, RECORDS, send);
        }
    }
}

/// Writes a record and waits for room.
type Send = fn(&Iob, &[u8]) -> Result<(), Status>;

fn is_written_once_and_in_order(reader: &mut Reader, records: u64, send: Send) {
    let watchdog = Watchdog::new("writers that wait for room");
    let writers = writers(reader);
    let tags = writers.len();
    let mut threads = Vec::new();
    for writer in writers {
        threads.push(thread::spawn(move || {
            for number in 0..records {
                // Of all lengths, so that some wait for more than others take.
                let mut message = number.to_ne_bytes().to_vec();
                message.resize(8 + (number * 37 % LARGE as u64) as usize, number as u8);
                send(&writer, &message).unwrap();
            }
        }));
    }
    let mut next = vec![0; tags + 1];
    for _ in 0..records * tags as u64 {
        let (tag, message) = reader.read_message_blocking(None).unwrap().unwrap();
        let number = u64::from_ne_bytes(message[..8].try_into().unwrap());
        assert_eq!(number, next[tag as usize], "of writer {tag}");
        assert_eq!(message.len(), 8 + (number * 37 % LARGE as u64) as usize);
        next[tag as usize] += 1;
        watchdog.progress();
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let total = reader.accounts().total;
    assert_eq!(total.accepted.records, records * tags as u64);
    assert_eq!((total.no_space.records, total.reported.records), (0, 0), "a try in vain is no refusal");
}

#[test]
fn the_time_is_up() {
    for (reader, writer) in rings()
        .collect::<Vec<_>>()
        .iter()
        .flat_map(|reader| writers(reader).into_iter().map(move |writer| (reader, writer)))
    {
        while writer.send(&[0; 1_000]).is_ok() || writer.send(&[]).is_ok() {}
        let before = reader.accounts().total;
        for timeout in [Duration::ZERO, Duration::from_millis(20)] {
            let started = Instant::now();
            assert_eq!(writer.send_timeout(&[], Some(timeout)), Err(Status::TIMED_OUT), "{:?}", writer.transport());
            assert!(started.elapsed() >= timeout);
        }
        if writer.transport() != Some(iobring::transport::Kind::Broker) {
            assert_eq!(
                reader.accounts().total.no_space.records,
                before.no_space.records + 2,
                "{:?}",
                writer.transport()
            );
        }
    }
}

#[test]
fn other_refusals_come_at_once() {
    for reader in rings() {
        let (writer, peer) = reader.new_iob_writer(1).unwrap();
        let long = |writer: &Iob, len| writer.send_timeout(&vec![0; len], None);
        let other = if reader.is_mediated() { elsewhere::by_kernel } else { elsewhere::mapped };
        for writer in [writer.clone(), elsewhere::isolated(&writer), other(&writer)] {
            assert_eq!(long(&writer, 65_520), Err(Status::INVALID_ARGS));
            assert_eq!(writer.writev_timeout(Default::default(), 1, &[], None), Err(Status::OUT_OF_RANGE));
            let pieces = [IoSlice::new(b"a"); 9];
            assert_eq!(writer.writev_timeout(Default::default(), 0, &pieces, None), Err(Status::INVALID_ARGS));
        }
        assert_eq!(long(&peer, 1), Err(Status::ACCESS_DENIED));
    }
    if let Ok(reader) = RingBuffer::try_create_mediated(4096) {
        let (writer, _peer) = reader.new_iob_writer(1).unwrap();
        assert_eq!(elsewhere::by_kernel(&writer).send_timeout(&[0; 4081], None), Err(Status::NO_SPACE));
    }
}

/// A fork of the owner has no broker. It is told so, and only where there is no room.
#[test]
fn who_cannot_wait_is_told() {
    let mut reader = RingBuffer::create(CAPACITY);
    let (writer, _peer) = reader.new_iob_writer(1).unwrap();
    fill(&writer, LARGE);
    let in_a_fork = || {
        // SAFETY: the child writes one record, which needs no lock of another thread's.
        let child = unsafe {
            child::fork(Fork::Libc, || match writer.send_timeout(&[1; LARGE], None) {
                Ok(()) => 0,
                Err(status) => i32::from(status == Status::NOT_SUPPORTED),
            })
        };
        child::result(child) == 1
    };
    assert!(in_a_fork());
    reader.try_read_message().unwrap().unwrap();
    assert!(!in_a_fork());
}

/// The broker has asked the reader to be told of room: whatever comes now is told by the reader, or by nobody.
fn is_asked_for(reader: &Reader) {
    let shared = Shared::of(reader);
    until(|| if shared.word(ROOM) == 0 { Err("nobody has asked for room".into()) } else { Ok(()) });
}

/// Until a waker has been called.
fn is_woken(count: &Count) {
    until(|| if count.get() == 0 { Err("the task is not woken".into()) } else { Ok(()) });
}

/// In other threads, until they are about to wait or do.
fn wait_in_threads(writers: Vec<Iob>) -> Vec<thread::JoinHandle<Result<(), Status>>> {
    let begin = Arc::new(std::sync::Barrier::new(writers.len() + 1));
    let start = |writer: Iob| {
        let begin = begin.clone();
        thread::spawn(move || {
            begin.wait();
            loop {
                writer.send_timeout(&[0; LARGE], None)?;
                pollster::block_on(writer.send_when_room(&[0; LARGE]))?;
            }
        })
    };
    let threads = writers.into_iter().map(start).collect();
    begin.wait();
    threads
}

#[test]
fn an_end_is_noticed_while_they_wait() {
    for round in 0..100 {
        let watchdog = Watchdog::new("the end of a ring while writers wait for room");
        // Of the one kind and the other by turns.
        let mediated = if round / 2 % 2 == 0 { None } else { mediated() };
        let mut reader = mediated.unwrap_or_else(|| RingBuffer::create(CAPACITY));
        let threads = wait_in_threads(writers(&reader));
        // Some have begun to wait, others are about to.
        for _ in 0..round % 5 {
            reader.read_message_blocking(None).unwrap().unwrap();
        }
        if round % 2 == 0 {
            drop(reader)
        } else {
            reader.close()
        }
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Err(Status::PEER_CLOSED));
            watchdog.progress();
        }
    }
}

/// A waker that keeps who wakes it until it is let go.
struct Holds(Mutex<Receiver<()>>);

impl Wake for Holds {
    fn wake(self: Arc<Self>) {
        // It is let go by the end of the test, too.
        let _ = self.0.lock().unwrap().recv();
    }
}

/// Until a thread of this process sleeps in `poll(2)`.
fn polls(thread: Pid) {
    let calls = [libc::SYS_ppoll, libc::SYS_poll].map(|call| format!("{call} "));
    let path = format!("/proc/self/task/{thread}/syscall");
    until(|| match std::fs::read_to_string(&path) {
        Ok(call) if calls.iter().any(|poll| call.starts_with(poll)) => Ok(()),
        other => Err(format!("it does not wait: {other:?}")),
    });
}

/// What was sent to the owner, and not received, hangs up when the owner closes its end; unless a fork of the owner holds that, too.
#[test]
fn the_end_comes_for_who_was_not_heard_whoever_else_holds_its_socket() {
    for forked in [false, true] {
        let watchdog = Watchdog::new("a request that nobody receives");
        let mut reader = RingBuffer::create(CAPACITY);
        let (writer, _peer) = reader.new_iob_writer(1).unwrap();
        let (mapped, task) = (elsewhere::mapped(&writer), elsewhere::mapped(&writer));
        // The ring's own thread is kept where it wakes a task that waits for room.
        let (let_go, held) = channel();
        let waker = Waker::from(Arc::new(Holds(Mutex::new(held))));
        fill(&writer, LARGE);
        let mut waiting = pin!(writer.send_when_room(&[1; LARGE]));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        is_asked_for(&reader);
        reader.try_read_message().unwrap().unwrap();
        fill(&writer, LARGE);
        let (says, id) = channel();
        let unheard = thread::spawn(move || {
            says.send(rustix::thread::gettid()).unwrap();
            mapped.send_timeout(&[2; LARGE], None)
        });
        polls(id.recv().unwrap());
        let mut task = pin!(task.send_when_room(&[3; LARGE]));
        assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let outlive = || {
            let _ = set_parent_process_death_signal(Some(Signal::KILL));
            // SAFETY: it waits, and does nothing else.
            unsafe { libc::pause() }
        };
        // SAFETY: the child makes two system calls.
        let fork = forked.then(|| unsafe { child::fork(Fork::Libc, outlive) });
        drop(reader);
        assert_eq!(unheard.join().unwrap(), Err(Status::PEER_CLOSED));
        assert_eq!(pollster::block_on(task), Err(Status::PEER_CLOSED));
        watchdog.progress();
        drop(let_go);
        if let Some(fork) = fork {
            kill_process(fork, Signal::KILL).unwrap();
            assert_eq!(child::ending(fork), None);
        }
    }
}

#[test]
fn a_task_waits_and_may_stop_waiting() {
    let mut reader = RingBuffer::create(CAPACITY);
    let (writer, _peer) = reader.new_iob_writer(1).unwrap();
    let filled = fill(&writer, LARGE);
    {
        let (count, waker) = Count::waker();
        let mut given_up = pin!(writer.send_when_room(&[1_u8; LARGE]));
        let mut waiting = pin!(writer.send_when_room(&[2; LARGE]));
        assert!(given_up.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        is_asked_for(&reader);
        assert_eq!(count.get(), 0);
        given_up.set(writer.send_when_room(&[]));
        assert_eq!(pollster::block_on(reader.read_message()).unwrap().1, [0; LARGE]);
        pollster::block_on(waiting).unwrap();
    }
    let last = (0..filled).map(|_| reader.try_read_message().unwrap().unwrap().1).last();
    assert_eq!(last, Some(vec![2; LARGE]));
    assert_eq!(reader.try_read_message().unwrap(), None);
}

/// Room for a small record says nothing to who waits for a large one.
#[test]
fn each_is_told_of_enough_room() {
    let mut reader = RingBuffer::create(CAPACITY);
    let (writer, _peer) = reader.new_iob_writer(1).unwrap();
    let small = fill(&writer, 1_000);
    let ((large_count, large_waker), (small_count, small_waker)) = (Count::waker(), Count::waker());
    let mut large = pin!(writer.send_when_room(&[1_u8; LARGE]));
    let mut little = pin!(writer.send_when_room(&[2; 1_000]));
    assert!(large.as_mut().poll(&mut Context::from_waker(&large_waker)).is_pending());
    assert!(little.as_mut().poll(&mut Context::from_waker(&small_waker)).is_pending());
    is_asked_for(&reader);
    reader.try_read_message().unwrap().unwrap();
    is_woken(&small_count);
    assert_eq!(large_count.get(), 0);
    assert!(little.as_mut().poll(&mut Context::from_waker(&small_waker)).is_ready());
    for _ in 1..small {
        reader.try_read_message().unwrap().unwrap();
    }
    is_woken(&large_count);
    assert!(large.as_mut().poll(&mut Context::from_waker(&large_waker)).is_ready());
}

/// A damaged ring has room again when its reader has repaired it.
#[test]
fn a_repair_is_told() {
    let mut reader = RingBuffer::create(CAPACITY);
    let (writer, _peer) = reader.new_iob_writer(1).unwrap();
    fill(&writer, LARGE);
    let (count, waker) = Count::waker();
    let mut waiting = pin!(writer.send_when_room(&[1; LARGE]));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    is_asked_for(&reader);
    reader.resync();
    is_woken(&count);
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    assert_eq!(reader.try_read_message().unwrap().unwrap().1, [1; LARGE]);
}
