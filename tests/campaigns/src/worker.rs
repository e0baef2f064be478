//! The writer's process: receives an endpoint over its standard input, and writes until it is told to stop, or killed. Its
//! standard output is the page of its receipts.

use crate::message::{Life, compose};
use crate::receipts::Receipts;
use clap::{Args, ValueEnum};
use iobring::{Iob, Status};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, send, sendmsg};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

/// What kind of process it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Manner {
    /// Writes messages, and waits a moment when there is no room.
    Honest,
    /// Writes messages, one or many at once, waits for room or does not, and pauses between them at random.
    Leisurely,
    /// Writes messages, some of them in children, and is interrupted.
    Forking,
    /// Writes messages and never waits.
    Greedy,
    /// Sends through the endpoint's socket whatever it likes.
    Hostile,
}

#[derive(Args)]
pub struct Options {
    #[arg(long)]
    life: Life,
    #[arg(long)]
    manner: Manner,
}

pub fn main(options: &Options) -> ExitCode {
    // Started by a campaign, and nothing without it.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let receipts = Receipts::open(std::io::stdout());
    let socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().expect("a descriptor"));
    let Ok(iob) = Iob::receive_from(&socket) else {
        return ExitCode::FAILURE;
    };
    work(&iob, &receipts, options.life, options.manner);
    ExitCode::SUCCESS
}

/// Does what this kind of writer does until it is told to stop.
pub fn work(iob: &Iob, receipts: &Receipts, life: Life, manner: Manner) {
    match manner {
        Manner::Honest => write(iob, receipts, life, thread::yield_now),
        Manner::Forking => crate::fork::write(iob, receipts, life),
        Manner::Greedy => write(iob, receipts, life, || {}),
        Manner::Hostile => attack(iob, receipts, life),
        Manner::Leisurely => vary(iob, receipts, life),
    }
}

/// Mostly not at all, often for a moment, now and then for long.
fn rest(random: &mut fastrand::Rng) {
    match random.u32(..1000) {
        0 => thread::sleep(Duration::from_millis(random.u64(..20))),
        1..100 => thread::sleep(Duration::from_micros(random.u64(..200))),
        _ => {}
    }
}

/// Writes by all calls by turns, and rests between them.
fn vary(iob: &Iob, receipts: &Receipts, life: Life) {
    let mut random = fastrand::Rng::with_seed(life);
    let mut sequence = 0;
    let mut messages = vec![Vec::new(); 40];
    while !receipts.is_stopped() {
        rest(&mut random);
        let count = random.usize(1..=messages.len());
        (sequence..).zip(&mut messages[..count]).for_each(|(number, message)| compose(life, number, message));
        let written = match random.u32(..3) {
            0 => {
                let messages: Vec<_> = messages[..count].iter().map(|message| &message[..]).collect();
                iob.write_batch(Default::default(), 0, &messages)
            }
            1 => iob.send_timeout(&messages[0], Some(Duration::from_micros(random.u64(..20_000)))).map(|()| 1),
            _ => iob.send(&messages[0]).map(|()| 1),
        };
        match written {
            Ok(written) => {
                (0..written).for_each(|_| receipts.accept());
                sequence += written as u64;
            }
            Err(Status::NO_SPACE | Status::TIMED_OUT) => thread::yield_now(),
            Err(status) => panic!("writing: {status}"),
        }
        // Of forty that were long once a process would grow for minutes, as if it leaked.
        messages.iter_mut().for_each(|message| message.shrink_to(1 << 12));
    }
}

/// Writes one message after the other, with a `pause` where there is no room.
fn write(iob: &Iob, receipts: &Receipts, life: Life, pause: fn()) {
    let mut message = Vec::new();
    for sequence in 0.. {
        compose(life, sequence, &mut message);
        loop {
            if receipts.is_stopped() {
                return;
            }
            match iob.write(Default::default(), 0, &message) {
                Ok(()) => break receipts.accept(),
                Err(Status::NO_SPACE) => pause(),
                Err(status) => panic!("writing: {status}"),
            }
        }
    }
}

/// One thing after the other that no writer does, until the connection is over.
fn attack(iob: &Iob, receipts: &Receipts, life: Life) {
    let mut random = fastrand::Rng::with_seed(life);
    let mut bytes = Vec::new();
    while !receipts.is_stopped() {
        // At times what could be a record; then the connection lasts longer.
        let valid_header = random.u32(..10) > 0;
        let len = match random.u32(..20) {
            0 => 0,
            1 => random.usize(..16),
            2 => random.usize(65_500..70_000),
            3 => 200_000,
            _ => random.usize(16..2_000),
        };
        bytes.resize(len, 0);
        random.fill(&mut bytes);
        if valid_header && len >= 16 {
            bytes[..16].fill(0);
            bytes[0] = 1;
        }
        let sent = match random.u32(..20) {
            0 => send_with_descriptors(iob, &bytes, &random),
            _ => send(iob.as_fd(), &bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).map(drop),
        };
        match sent {
            Ok(()) => receipts.accept(),
            Err(rustix::io::Errno::AGAIN) => thread::yield_now(),
            Err(rustix::io::Errno::PERM | rustix::io::Errno::MSGSIZE) => {}
            Err(_) => return,
        }
    }
}

/// With copies of the connection's own socket attached, which makes a cycle that only the kernel's collector takes apart.
fn send_with_descriptors(iob: &Iob, bytes: &[u8], random: &fastrand::Rng) -> rustix::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [iob.as_fd(); 8];
    let count = random.clone().usize(1..=8);
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors[..count]));
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    sendmsg(iob.as_fd(), &[IoSlice::new(bytes)], &mut ancillary, flags).map(drop)
}
