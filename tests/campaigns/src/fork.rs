//! Writers' processes fork while others of their threads run and a timer interrupts them, and so does the owner's.
//!
//! | who | forks | and the child |
//! |---|---|---|
//! | a writer, at random, by `fork` and by a raw `clone` | while another thread of its clones the endpoint and drops it | goes on with the writer's numbers, while the parent waits for it; is interrupted too |
//! | the owner, likewise | while its broker serves | lives on beside it, with a copy of every descriptor, asks for what it must not have, and ends |
//!
//! A timer interrupts each writer several thousand times a second, by a handler without `SA_RESTART`, so that its system calls fail
//! with `EINTR`. Writers end, and others begin, while children of the owner live: their ends must be noticed all the same.

use crate::campaign::Campaign;
use crate::message::{Life, compose};
use crate::receipts::Receipts;
use crate::soak;
use crate::worker::Manner;
use iobring::{Iob, Status};
use iobring_oracle::child::{self, Fork};
use rustix::process::{Pid, Signal, WaitOptions, waitpid};
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

/// More than any message is long: a child of a raw `clone` must not allocate.
const LONGEST: usize = 70_000;

/// The most children of the owner at a time.
const CHILDREN: usize = 3;

/// How often a writer ends and another begins, in forks of the owner.
const CHANGE: u64 = 16;

pub fn run(campaign: &mut Campaign) {
    campaign.counted = "forks of the owner";
    for number in 0..u64::from(campaign.writers()) {
        campaign.start(number, campaign.transport(number), Manner::Forking);
    }
    let mut children = Vec::new();
    while !campaign.is_over() {
        let pause = campaign.random.u64(..4_000);
        campaign.read_for(Duration::from_micros(pause));
        if children.len() == CHILDREN {
            reap(campaign, children.remove(0));
        }
        children.push(fork_owner(campaign));
        campaign.count += 1;
        if campaign.count.is_multiple_of(CHANGE) {
            soak::change(campaign, Manner::Forking);
        }
    }
    for child in children {
        reap(campaign, child);
    }
}

/// A child of the owner's, with copies of everything.
fn fork_owner(campaign: &mut Campaign) -> Pid {
    let raw = campaign.random.bool();
    let life = campaign.random.u64(..20_000);
    let (iob, _peer) = campaign.reader.new_iob_writer(u64::MAX).expect("a pair");
    let (near, _far) = UnixStream::pair().expect("a socket");
    fork(raw, || {
        // An error has a message, for which a child of a raw `clone` must not allocate.
        let refused = raw || iob.send_to(&near).is_err_and(|error| error.kind() == ErrorKind::Unsupported);
        thread::sleep(Duration::from_micros(life));
        i32::from(!refused)
    })
}

/// Waits for a child's end, reading meanwhile.
fn reap(campaign: &mut Campaign, child: Pid) {
    loop {
        match waitpid(Some(child), WaitOptions::NOHANG) {
            Ok(Some((_, status))) if status.exit_status() == Some(0) => return,
            Ok(Some((_, status))) => {
                return campaign.verifier.faults.push(format!("a fork of the owner ended: {status:?}"));
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => campaign.read_for(Duration::from_micros(200)),
            Err(errno) => panic!("waitpid: {errno}"),
        }
    }
}

/// A child that runs `body`, whose result is its exit status. It ends with its parent.
fn fork(raw: bool, body: impl FnOnce() -> i32) -> Pid {
    let how = if raw { Fork::Raw } else { Fork::Libc };
    // SAFETY: the child writes, makes system calls, and ends without running anything of its parent's. It allocates nothing if it
    // comes by a raw `clone`, of which the C library's allocator is not told.
    unsafe {
        child::fork(how, || {
            let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
            body()
        })
    }
}

/// The writer: its messages in order, now written by itself, now by a child.
pub fn write(iob: &Iob, receipts: &Receipts, life: Life) {
    let mut random = fastrand::Rng::with_seed(life);
    be_interrupted(random.u32(100..400));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !receipts.is_stopped() {
                let copy = iob.clone();
                assert!(!copy.is_peer_closed());
            }
        });
        let mut message = Vec::with_capacity(LONGEST);
        while !receipts.is_stopped() {
            for _ in 0..random.u32(1..200) {
                write_next(iob, receipts, life, &mut message);
            }
            let (raw, many) = (random.bool(), random.u32(..20));
            let child = fork(raw, || {
                be_interrupted(150);
                (0..many).for_each(|_| write_next(iob, receipts, life, &mut message));
                0
            });
            loop {
                match waitpid(Some(child), WaitOptions::empty()) {
                    Err(rustix::io::Errno::INTR) => {}
                    ended => {
                        let (_, status) = ended.expect("our child").expect("its end");
                        assert_eq!(status.exit_status(), Some(0), "a fork of a writer ends");
                        break;
                    }
                }
            }
        }
    });
}

/// Writes the message after the last that was accepted, unless it is told to stop.
fn write_next(iob: &Iob, receipts: &Receipts, life: Life, message: &mut Vec<u8>) {
    compose(life, receipts.accepted(), message);
    while !receipts.is_stopped() {
        match iob.send(message) {
            Ok(()) => return receipts.accept(),
            Err(Status::NO_SPACE) => thread::yield_now(),
            Err(status) => panic!("writing: {status}"),
        }
    }
}

/// Has a timer interrupt this process every so many microseconds.
fn be_interrupted(microseconds: u32) {
    extern "C" fn nothing(_: libc::c_int) {}
    let every = libc::timeval { tv_sec: 0, tv_usec: microseconds.into() };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: all zeros is an action without flags and with an empty mask; the handler does nothing; the timer is the process's own.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as usize;
        libc::sigaction(libc::SIGALRM, &action, std::ptr::null_mut());
        libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut());
    }
}
