//! What a process that maps the region tells the ring's owner, over its link.
//!
//! | request | attached | why |
//! |---|---|---|
//! | watch | a pidfd of the sender | should it die between publishing a record and ringing the reader's bell, the owner rings |
//! | connect | a socket | the sender hands its endpoint on, isolated: the broker is to receive from there with the same tag, and says there that it listens |
//! | room, and the length of a record | a socket | the sender waits for room: the owner says there that it listens, and when there is some |

use crate::layout::ring_buffer_record_len;
use crate::orderings::WATCHED;
use crate::process::{Generation, pid_namespace};
use crate::protocol::write::Message;
use crate::readiness::ready;
use crate::status::Status;
use crate::strange::{Socket, Strangers};
use crate::system::retry;
use crate::transport::checks;
use crate::transport::descriptors::{receive_some, try_send_with};
use crate::transport::link::{self, Link};
use crate::waiting::{Deadline, wait_for, wait_for_any};
use core::sync::atomic::AtomicU32;
use rustix::event::epoll::EventFlags;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The first bytes of every request, before its kind.
const MAGIC: [u8; 4] = *b"iobr";
/// The kind of a request to watch a process.
const WATCH: u32 = 1;
/// The kind of a request to receive from a socket.
const CONNECT: u32 = 2;
/// The kind of a request to be told of room. The record's length follows, in bytes.
const ROOM: u32 = 3;
/// What whoever sends a socket is told there at once: the owner listens.
pub(super) const HEARD: u8 = b'h';
/// What it is told when it is worth another try.
pub(super) const TOLD: u8 = b'r';

/// What the owner hears from a link.
#[derive(Debug)]
pub(super) enum Request {
    /// Nothing at the moment.
    Nothing,
    /// Watch this process.
    Watch(OwnedFd),
    /// Receive records from this socket, to which something may have been sent already.
    Connect(Socket),
    /// Hang up here once there is room for a record of so many bytes.
    Room(Socket, u64),
    /// One whose descriptor this process has no room for. The sender goes on writing, so that its link must stay.
    Void,
    /// Every copy is gone.
    End,
}

/// The next request on the owner's end of a link, without blocking.
///
/// # Errors
/// Whatever makes the link unusable, also a message that is no request.
pub(super) fn next_request(socket: BorrowedFd<'_>) -> io::Result<Request> {
    let (mut message, mut strangers) = ([0; 16], Strangers::default());
    let len = match receive_some(socket, &mut message, &mut strangers, libc::MSG_DONTWAIT) {
        Ok(0) if strangers.len() == 0 && has_ended(socket) => return Ok(Request::End),
        Ok(len) => len,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Request::Nothing),
        // Cut off, and nothing of it taken: no descriptor was left here. From who sends too many, some are taken.
        Err(error) if error.kind() == io::ErrorKind::InvalidData && strangers.len() == 0 => return Ok(Request::Void),
        Err(error) => return Err(error),
    };
    let none = || io::Error::from(io::ErrorKind::InvalidData);
    let (kind, argument) = message.split_at(8);
    let kind = [WATCH, CONNECT, ROOM].into_iter().find(|&known| kind == request(known)).ok_or_else(none)?;
    if len != if kind == ROOM { message.len() } else { 8 } {
        return Err(none());
    }
    let [descriptor] = strangers.each().ok_or_else(none)?;
    let check = if kind == WATCH { checks::process } else { checks::link };
    check(descriptor)?;
    let [descriptor] = strangers.take_each().ok_or_else(none)?;
    Ok(match kind {
        WATCH => Request::Watch(descriptor),
        CONNECT => Request::Connect(Socket::used(descriptor)),
        _ => {
            let record_len = argument.try_into().map(u64::from_ne_bytes).unwrap_or(u64::MAX);
            Request::Room(Socket::used(descriptor), record_len)
        }
    })
}

/// Whether the other end is gone, or says so: an empty message looks the same otherwise.
fn has_ended(socket: BorrowedFd<'_>) -> bool {
    let mut looked = [PollFd::from_borrowed_fd(socket, PollFlags::RDHUP)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    // An error can only be a lack of the kernel's memory.
    poll(&mut looked, Some(&now)).is_err() || looked[0].revents().contains(PollFlags::RDHUP)
}

/// How many requests of ours wait on the owner's end of a link, at most.
pub(super) fn requests_waiting(socket: BorrowedFd<'_>) -> u64 {
    let request = request(WATCH).len() as u64;
    // It cannot fail: the socket is connected.
    rustix::io::ioctl_fionread(socket).unwrap_or(0).div_ceil(request)
}

fn request(kind: u32) -> [u8; 8] {
    let mut message = [0; 8];
    message[..4].copy_from_slice(&MAGIC);
    message[4..].copy_from_slice(&kind.to_ne_bytes());
    message
}

/// How long an owner may take that is there and runs. Who waits for longer waits for one that is stopped.
const PATIENCE: Duration = Duration::from_secs(5);

fn no_answer() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the ring's owner does not answer: it is stopped, or has too much to do")
}

/// Sends the owner a request, as soon as it takes one.
///
/// # Errors
/// `TimedOut` where it takes none until the deadline.
fn send_request(link: &Link, request: &[u8], attached: BorrowedFd<'_>, deadline: Deadline) -> io::Result<()> {
    loop {
        // The owner may be stopped, and its end of the link full; and whoever shares the link may be quicker.
        if !wait_for(link.as_fd(), PollFlags::OUT, deadline)? {
            return Err(no_answer());
        }
        match try_send_with(link.as_fd(), request, &[attached]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return sent,
        }
    }
}

/// Waits for a word on a socket whose other end was sent to the owner, or for its end; `false` when the deadline has come before that.
/// The owner's end ends it too: a fork of the owner may hold the link open for as long as it lives, and with it what was not received.
fn wait_for_answer(link: &Link, ours: &OwnedFd, deadline: Deadline) -> io::Result<bool> {
    let answer = PollFd::new(ours, PollFlags::IN | PollFlags::RDHUP);
    wait_for_any(&mut [answer, PollFd::new(link, PollFlags::empty())], deadline)
}

/// Asks the owner to receive records from a socket, and waits until it does. Returns the other end. The ring may have been closed
/// meanwhile, which is to be looked at under the writers' lock after this, also where it fails.
///
/// # Errors
/// `EMFILE` where the owner had nothing left to take the request with, or is gone; `TimedOut` where it does not answer.
pub(crate) fn request_connection(link: &Link) -> io::Result<OwnedFd> {
    let deadline = Deadline::after(Some(PATIENCE));
    let (ours, theirs) = link::pair()?;
    send_request(link, &request(CONNECT), theirs.as_fd(), deadline)?;
    drop(theirs);
    if !wait_for_answer(link, &ours, deadline)? {
        return Err(no_answer());
    }
    let mut says = [0];
    // Taken out, since the receiver expects to find nothing.
    match retry(|| recv(&ours, &mut says, RecvFlags::DONTWAIT)) {
        Ok((_, 1..)) => Ok(ours),
        _ => Err(Errno::MFILE.into()),
    }
}

/// The length of a message's record, of one that was found short enough, in bytes.
pub(crate) fn record_len(message: &impl Message) -> u64 {
    ring_buffer_record_len(message.any_len() as usize) as u64
}

/// Waits until the owner says that there may be room for a record of `record_len` bytes.
///
/// # Errors
/// `TIMED_OUT` when the deadline has come before that; `PEER_CLOSED` when the owner is gone; `NO_RESOURCES` where it had no descriptor
/// left for the request.
pub(crate) fn wait_for_room(link: &Link, record_len: u64, deadline: Deadline) -> Result<(), Status> {
    let (mut wait, theirs) = Wait::new(link)?;
    send_request(link, &room_request(record_len), theirs.as_fd(), deadline).map_err(Status::of_call)?;
    drop(theirs);
    loop {
        Status::of_wait(wait_for_answer(link, &wait.ours, deadline))?;
        if wait.is_over()? {
            return Ok(());
        }
    }
}

/// As [`wait_for_room`], as a task. Dropped, it leaves nothing behind: the owner forgets who has gone.
pub(crate) async fn room(link: &Link, record_len: u64) -> Result<(), Status> {
    let (mut wait, theirs) = Wait::new(link)?;
    let request = room_request(record_len);
    loop {
        match try_send_with(link.as_fd(), &request, &[theirs.as_fd()]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready(&[(link.as_fd(), EventFlags::OUT)]).await.map_err(Status::of_call)?
            }
            sent => break sent.map_err(Status::of_call)?,
        }
    }
    drop(theirs);
    while !wait.is_over()? {
        let answer = (wait.ours.as_fd(), EventFlags::IN | EventFlags::RDHUP);
        ready(&[answer, (link.as_fd(), EventFlags::empty())]).await.map_err(Status::of_call)?;
    }
    Ok(())
}

fn room_request(record_len: u64) -> [u8; 16] {
    let mut message = [0; 16];
    message[..8].copy_from_slice(&request(ROOM));
    message[8..].copy_from_slice(&record_len.to_ne_bytes());
    message
}

/// A wait for room, of which the owner has the other end.
struct Wait<'a> {
    link: &'a Link,
    /// One of its own for each wait: a forked child, which shares the link, waits for itself.
    ours: OwnedFd,
    /// Whether the owner has said that it listens.
    heard: bool,
}

impl<'a> Wait<'a> {
    /// And the end that is for the owner.
    fn new(link: &'a Link) -> Result<(Self, OwnedFd), Status> {
        let (ours, theirs) = link::pair().map_err(Status::of_call)?;
        Ok((Wait { link, ours, heard: false }, theirs))
    }

    /// Whether it is worth another try, by what the owner has said so far.
    fn is_over(&mut self) -> Result<bool, Status> {
        let mut says = [0];
        loop {
            match retry(|| recv(&self.ours, &mut says, RecvFlags::DONTWAIT)) {
                Ok((_, 1..)) if says[0] == TOLD => return Ok(true),
                Ok((_, 1..)) => self.heard = true,
                // What was not received hangs up after the link that it was sent on.
                _ if self.link.is_owner_gone() => return Err(Status::PEER_CLOSED),
                Err(Errno::AGAIN) => return Ok(false),
                _ if !self.heard => return Err(Status::NO_RESOURCES),
                // Told, without a word: there was no memory for it. Or the link is about to hang up, too.
                _ => return Ok(true),
            }
        }
    }
}

/// That the ring's owner watches this process, which writes into its ring.
#[derive(Debug)]
pub(crate) struct Watched {
    link: Arc<Link>,
    /// The PID namespace of owner and writers.
    namespace: u64,
    /// The process that is watched. A forked child is another one, and asks for itself.
    generation: AtomicU32,
}

impl Watched {
    /// Asks the owner to watch this process.
    ///
    /// # Errors
    /// `Unsupported` in another PID namespace than `namespace`; and where no pidfd can be had or sent. `TimedOut` where the owner takes
    /// no requests.
    pub(crate) fn new(link: Arc<Link>, namespace: u64) -> io::Result<Self> {
        let generation = Generation::current();
        let this = Watched { link, namespace, generation: AtomicU32::new(generation.to_raw()) };
        this.ask()?;
        Ok(this)
    }

    /// Makes sure that it is this process that is watched.
    #[inline(always)]
    pub(crate) fn renew(&self) -> io::Result<()> {
        let current = Generation::current();
        if self.generation.load(WATCHED) == current.to_raw() {
            return Ok(());
        }
        self.ask()?;
        self.generation.store(current.to_raw(), WATCHED);
        Ok(())
    }

    #[cold]
    fn ask(&self) -> io::Result<()> {
        if pid_namespace()? != self.namespace {
            let why = "the writers' lock names its owner by thread id, which means nothing in another PID namespace";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let process = pidfd_open(getpid(), PidfdFlags::empty())?;
        send_request(&self.link, &request(WATCH), process.as_fd(), Deadline::after(Some(PATIENCE)))
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(crate) fn namespace(&self) -> u64 {
        self.namespace
    }
}
