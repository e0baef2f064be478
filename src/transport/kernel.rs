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
use crate::protocol::mediator::Answer;
use crate::status::Status;
use crate::transport::handover;
use crate::transport::link::Link;
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
        for (written, message) in messages.iter().enumerate() {
            match self.write(&[IoSlice::new(message)]) {
                Ok(()) => {}
                Err(status) if written == 0 => return Err(status),
                Err(_) => return Ok(written),
            }
        }
        Ok(messages.len())
    }

    /// Writes one record.
    #[inline]
    pub(crate) fn write(&self, vectors: &[IoSlice<'_>]) -> Result<(), Status> {
        match self.ask(Request::of(vectors))? {
            Answer::Written => Ok(()),
            answer => self.write_on(vectors, answer),
        }
    }

    #[inline(always)]
    fn ask(&self, request: Request<'_>) -> Result<Answer, Status> {
        match bpf::run(self.program.as_fd(), request.numbers()) {
            // A number that the program does not have can only come from a program that is another.
            Ok(number) => Answer::from_number(number).ok_or(Status::BAD_HANDLE),
            Err(error) => Err(rustix::io::Errno::from_io_error(&error).map_or(Status::BAD_HANDLE, Status::from)),
        }
    }

    /// What follows when the record was not written at once.
    #[cold]
    fn write_on(&self, vectors: &[IoSlice<'_>], mut answer: Answer) -> Result<(), Status> {
        let mut copy = Vec::new();
        let (mut busy, mut faults) = (0, 0);
        loop {
            match answer {
                Answer::Written => return Ok(()),
                Answer::Invalid => return Err(Status::INVALID_ARGS),
                Answer::TooLarge => return Err(Status::NO_SPACE),
                Answer::Corrupt => return Err(Status::IO_DATA_INTEGRITY),
                Answer::Full => return Err(self.unless_owner_is_gone(Status::NO_SPACE)),
                Answer::Revoked => return Err(self.unless_owner_is_gone(Status::ACCESS_DENIED)),
                Answer::Closed => return Err(Status::PEER_CLOSED),
                Answer::Ready => return Err(Status::BAD_HANDLE),
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
            }
            answer = if copy.is_empty() {
                self.ask(Request::of(vectors))?
            } else {
                self.ask(Request::of(&[IoSlice::new(&copy)]))?
            };
        }
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
