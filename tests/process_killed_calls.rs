//! A writer's process is killed in the middle of each system call that the library makes in it: while it receives its endpoint, writes,
//! waits for room, hands it on, and drops it. Its peer is told, what it was told is in the ring, once, nobody else is held up, and the
//! accounts balance.

#[path = "process/refusing.rs"]
#[allow(dead_code, reason = "each test file uses its part")]
mod refusing;

use iobring::{Iob, RingBuffer, Status};
use iobring_oracle::child::{self, Fork};
use iobring_oracle::patience::PATIENCE;
use iobring_oracle::watchdog::Watchdog;
use refusing::{Counts, Plan, library};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

const CAPACITY: usize = 64 * 1024;
/// Two do not fit into the ring.
const LARGE: usize = 40_000;
/// Of the writer that is killed.
const TAG: u64 = 1;

type HandOver = fn(&Iob, &UnixStream) -> io::Result<()>;

/// The writer's process; 77 if nobody can decide about its calls.
fn writer(plan: Plan, far: &UnixStream, counts: &'static Counts) -> i32 {
    if let Err(error) = refusing::bind(plan, counts) {
        println!("NOT RUN: no filter can have somebody decide here: {error}");
        return 77;
    }
    refusing::be_tester();
    let (near, beyond) = UnixStream::pair().unwrap();
    refusing::begin();
    let told = |result: Result<(), Status>| {
        result.unwrap();
        counts.told[TAG as usize].fetch_add(1, SeqCst);
    };
    let writes = |iob: &Iob| {
        told(library(|| iob.send_timeout(&[1; 10], Some(PATIENCE))));
        told(library(|| iob.send_timeout(&[1; LARGE], Some(PATIENCE))));
        told(library(|| iob.send_timeout(&[1; LARGE], Some(PATIENCE))));
    };
    let iob = library(|| Iob::receive_from(far)).unwrap();
    writes(&iob);
    library(|| iob.send_to(&near)).unwrap();
    let on = library(|| Iob::receive_isolated_from(&beyond)).unwrap();
    writes(&on);
    library(|| drop(on));
    library(|| drop(iob));
    refusing::end();
    0
}

/// One life of a writer; whether it came to its own end.
fn life(hand_over: HandOver, plan: Plan, counts: &'static Counts) -> i32 {
    let (near, far) = UnixStream::pair().unwrap();
    // Before there is a ring, of which it shall have nothing but what it is handed.
    // SAFETY: this process has no other threads by now but the watchdog's, which holds no lock that the child takes.
    let child: Pid = unsafe {
        child::fork(Fork::Libc, || {
            libc::alarm(120);
            writer(plan, &far, counts)
        })
    };
    drop(far);
    let mut reader = RingBuffer::create(CAPACITY);
    let (iob, peer) = reader.new_iob_writer(TAG).unwrap();
    let (other, _other_peer) = reader.new_iob_writer(2).unwrap();
    // It may be dead by now.
    let handed_over = hand_over(&iob, &near);
    drop((iob, near));
    let mut read = 0;
    let mut take = |reader: &mut iobring::Reader| {
        let taken = reader.read_message_blocking(Some(Duration::from_millis(1))).unwrap();
        read += u64::from(taken.is_some_and(|(tag, _)| tag == TAG));
    };
    while !peer.is_peer_closed() {
        take(&mut reader);
        // Nobody holds the lock but for a moment.
        let _ = other.send(b"another");
    }
    while reader.head() != reader.tail() {
        take(&mut reader);
    }
    let (_, status) = waitpid(Some(child), WaitOptions::empty()).unwrap().unwrap();
    let told = u64::from(counts.told[TAG as usize].load(SeqCst));
    // It may have died before it was told of the last.
    assert!((told..=told + 1).contains(&read), "told {told}, read {read}");
    assert!(reader.accounts().total.balances(), "{:?}", reader.accounts());
    other.send(b"the last").unwrap();
    reader.close();
    while !reader.is_at_end() {
        reader.try_read_message().unwrap();
    }
    let by_itself = status.exit_status();
    if by_itself == Some(0) {
        handed_over.unwrap();
        assert_eq!(read, told);
    } else {
        assert!(by_itself == Some(77) || status.terminating_signal() == Some(libc::SIGKILL), "{status:?}");
    }
    by_itself.unwrap_or(-1)
}

fn at_each_call(name: &'static str, hand_over: HandOver) {
    let watchdog = Watchdog::new(name);
    let counts = Counts::shared();
    match life(hand_over, Plan::Nothing, counts) {
        77 => return,
        status => assert_eq!(status, 0, "nobody was killed"),
    }
    // A few more, since it does not always take as many.
    let made = counts.all.load(SeqCst) + 5;
    println!("{name}: {made} calls");
    let killed = (1..=made).filter(|&number| {
        println!("{name}: killed in call {number}");
        watchdog.progress();
        life(hand_over, Plan::Kill { number }, Counts::shared()) != 0
    });
    assert!(killed.count() > 10, "nobody is killed");
}

/// One after the other: a child is made while no other thread does anything.
#[test]
fn a_writer_dies_in_each_call() {
    at_each_call("an isolated writer", Iob::send_to);
    at_each_call("a mapped writer", Iob::send_mapped_to);
}
