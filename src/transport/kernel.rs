//! The kernel as the mediator: a writer that holds a program with its tag inside, and asks Linux to run it.
//!
//! ```text
//! the writer's process            | Linux                                                   | the owner's process
//! Iob::write                      |                                                         |
//!   bpf(BPF_PROG_TEST_RUN) ------>| the program: looks at the grant, takes the lock, checks,|
//!                                 | copies from the writer's memory, stamps, publishes,     |
//!   the status <------------------| counts, rings the bell ---------------------------------->| the reader
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `request` | what the program is asked |
//!
//! What is asked for is in arguments of the system call that `bpf(2)` has no use for. The usual way, a context, is copied into memory
//! that the kernel has to find first, and back: that took a third of the time of a short write.
//!
//! The writer maps nothing. What it can do to the ring is what the program does, which runs to its end once it has begun,
//! whatever becomes of the process.

mod request;

use crate::bpf;
use crate::protocol::mediator::{Answer, BATCH};
use crate::status::Status;
use crate::transport::handover;
use crate::transport::link::Link;
use crate::transport::mapped;
use crate::waiting::Deadline;
use request::Request;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io::{self, IoSlice};
use std::sync::Arc;
use weakest_facade::{Native, Platform};

/// How often the program is asked anew at once when the lock is held, before the thread gives way.
const AT_ONCE: u32 = 16;

/// How often pages are touched that the kernel could not read, before the message is copied to where it can.
const TOUCHES: u32 = 8;

/// A writer for whom the kernel writes. Cloning makes another copy.
#[derive(Clone, Debug)]
pub(crate) struct Mediated {
    program: Arc<OwnedFd>,
    link: Arc<Link>,
    tag: u64,
    capacity: u64,
}

impl Mediated {
    /// By this program, which was [checked](Self::check).
    pub(crate) fn new(program: OwnedFd, link: Arc<Link>, tag: u64, capacity: u64) -> Self {
        Mediated { program: Arc::new(program), link, tag, capacity }
    }

    /// Whether this is a program of ours, and can be run here.
    ///
    /// # Errors
    /// `Unsupported` where this process may not run it; `InvalidData` if it is none of ours.
    pub(crate) fn check(program: BorrowedFd<'_>) -> io::Result<()> {
        if bpf::ARGUMENTS.is_none() {
            let why = "a machine on which it is not known how to ask the kernel to run a program";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        match bpf::run(program, Request::nothing().numbers()).map(Answer::from_number) {
            Ok(Some(Answer::Ready)) => Ok(()),
            Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "a program of another kind")),
            Err(error) if matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES | libc::ENOSYS)) => {
                let why = format!("this process may not run programs by bpf(2): {error}");
                Err(io::Error::new(io::ErrorKind::Unsupported, why))
            }
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, format!("no program: {error}"))),
        }
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(crate) fn tag(&self) -> u64 {
        self.tag
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Hands a copy on, which shares program and link.
    pub(crate) fn send_to(&self, to: BorrowedFd<'_>) -> io::Result<()> {
        handover::offer_program(to, self.tag, self.capacity, self.program.as_fd(), self.link.as_fd(), None)
    }

    /// Writes records, as many as there is room for, and returns how many those were.
    pub(crate) fn write_batch(&self, messages: &[&[u8]]) -> Result<usize, Status> {
        let mut written = 0;
        while written < messages.len() {
            match self.write_some(&messages[written..]) {
                Ok((more, is_the_end)) => {
                    written += more;
                    if is_the_end {
                        break;
                    }
                }
                Err(status) if written == 0 => return Err(status),
                Err(_) => break,
            }
        }
        Ok(written)
    }

    /// Writes the first of these records, at once, and returns how many those were and whether the next was refused.
    fn write_some(&self, messages: &[&[u8]]) -> Result<(usize, bool), Status> {
        let mut vectors = [IoSlice::new(&[]); BATCH as usize];
        let count = messages.len().min(vectors.len());
        vectors.iter_mut().zip(messages).for_each(|(vector, message)| *vector = IoSlice::new(message));
        let (written, answer) = self.ask(Request::batch(&vectors[..count]))?;
        match answer {
            Answer::Written if (1..=count).contains(&written) => Ok((written, false)),
            // None of ours says so.
            Answer::Written => Err(Status::BAD_HANDLE),
            // The slow way is for one at a time.
            answer if written == 0 => self.write_on(&vectors[..1], answer).map(|()| (1, false)),
            Answer::Fault => Ok((written.min(count), false)),
            // What is refused is counted, and not asked for again.
            _ => Ok((written.min(count), true)),
        }
    }

    /// Writes one record.
    #[inline]
    pub(crate) fn write(&self, vectors: &[IoSlice<'_>]) -> Result<(), Status> {
        match self.ask(Request::of(vectors))? {
            (_, Answer::Written) => Ok(()),
            (_, answer) => self.write_on(vectors, answer),
        }
    }

    /// How many records of a batch were written; and what became of the next, or of the only one.
    #[inline(always)]
    fn ask(&self, request: Request<'_>) -> Result<(usize, Answer), Status> {
        match bpf::run(self.program.as_fd(), request.numbers()) {
            // A number that the program does not have can only come from a program that is another.
            Ok(number) => {
                let answer = Answer::from_number(number & 0xff).ok_or(Status::BAD_HANDLE)?;
                Ok(((number >> 8) as usize, answer))
            }
            Err(error) => Err(rustix::io::Errno::from_io_error(&error).map_or(Status::BAD_HANDLE, Status::from)),
        }
    }

    /// Writes one record, waiting for room until the deadline. A try in vain is counted as a refusal if it is the last.
    pub(crate) fn write_until(&self, vectors: &[IoSlice<'_>], deadline: Deadline) -> Result<(), Status> {
        while !self.offer(vectors)? {
            let waited = match deadline.is_over() {
                true => Err(Status::TIMED_OUT),
                false => mapped::wait_for_room(&self.link, mapped::record_len(&vectors), deadline),
            };
            if let Err(why) = waited {
                return self.write_last(vectors, why);
            }
        }
        Ok(())
    }

    /// Writes one record, waiting for room as a task.
    pub(crate) async fn write_when_room(&self, vectors: &[IoSlice<'_>]) -> Result<(), Status> {
        while !self.offer(vectors)? {
            if let Err(why) = mapped::room(&self.link, mapped::record_len(&vectors)).await {
                return self.write_last(vectors, why);
            }
        }
        Ok(())
    }

    /// Writes one record; `false` if there is no room now, which is counted as no refusal.
    fn offer(&self, vectors: &[IoSlice<'_>]) -> Result<bool, Status> {
        let (_, answer) = self.ask(Request::waiting(vectors))?;
        match self.insist(vectors, answer, true)? {
            Answer::Full if !self.link.is_owner_gone() => Ok(false),
            answer => self.outcome(answer).map(|()| true),
        }
    }

    /// Waiting has failed, and why. Room may have come at the same moment; if not, this was the last try, and counts as refused.
    fn write_last(&self, vectors: &[IoSlice<'_>], why: Status) -> Result<(), Status> {
        self.write(vectors).map_err(|status| if status == Status::NO_SPACE { why } else { status })
    }

    /// What follows when the record was not written at once.
    #[cold]
    fn write_on(&self, vectors: &[IoSlice<'_>], answer: Answer) -> Result<(), Status> {
        let answer = self.insist(vectors, answer, false)?;
        self.outcome(answer)
    }

    /// Asks again until the answer tells what became of the record.
    fn insist(&self, vectors: &[IoSlice<'_>], mut answer: Answer, waits: bool) -> Result<Answer, Status> {
        let mut copy = Vec::new();
        let (mut busy, mut faults) = (0, 0);
        loop {
            match answer {
                Answer::Busy => {
                    busy += 1;
                    self.wait_for_lock(busy)?;
                }
                Answer::Fault if faults < TOUCHES => {
                    faults += 1;
                    request::touch(vectors);
                }
                // Pages that are taken away as soon as they are there. A copy is likely to stay for a moment.
                Answer::Fault => {
                    copy.clear();
                    vectors.iter().for_each(|vector| copy.extend_from_slice(vector));
                }
                answer => return Ok(answer),
            }
            let one = [IoSlice::new(&copy)];
            let vectors = if copy.is_empty() { vectors } else { &one };
            let request = if waits { Request::waiting(vectors) } else { Request::of(vectors) };
            (_, answer) = self.ask(request)?;
        }
    }

    fn outcome(&self, answer: Answer) -> Result<(), Status> {
        Err(match answer {
            Answer::Written => return Ok(()),
            Answer::Invalid => Status::INVALID_ARGS,
            Answer::TooLarge => Status::NO_SPACE,
            Answer::Corrupt => Status::IO_DATA_INTEGRITY,
            Answer::Full => self.unless_owner_is_gone(Status::NO_SPACE),
            Answer::Revoked => self.unless_owner_is_gone(Status::ACCESS_DENIED),
            Answer::Closed => Status::PEER_CLOSED,
            Answer::Ready | Answer::Busy | Answer::Fault => Status::BAD_HANDLE,
        })
    }

    /// The lock is held by somebody who is soon done with it, or by a thread of the owner's that has to wait for a processor, or
    /// is stopped.
    fn wait_for_lock(&self, tries: u32) -> Result<(), Status> {
        if tries <= AT_ONCE {
            Native::spin();
            return Ok(());
        }
        if self.link.is_owner_gone() {
            return Err(Status::PEER_CLOSED);
        }
        Native::give_way();
        Ok(())
    }

    fn unless_owner_is_gone(&self, status: Status) -> Status {
        if self.link.is_owner_gone() { Status::PEER_CLOSED } else { status }
    }
}
