//! A writer in another process than the collector's.

use crate::inherited;
use crate::losses::{self, Losses};
use crate::request::Request;
use iobring::{Iob, IobWriteOptions, Status};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;
use std::io::{self, IoSlice};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to a collector, through which records are written. Any number of threads may share it.
///
/// The collector takes its end (also by the death of this process) for the writer's end, so it is kept as long as the process
/// lives. Cloned or inherited by a child process it is the same writer still.
#[derive(Debug)]
pub struct Client {
    writer: Iob,
    /// Where records that were refused are counted, so that the collector knows of them whatever becomes of this process.
    losses: Losses,
    /// Held: its end tells the collector that the process is gone.
    _session: UnixStream,
}

impl Client {
    /// Connects to the collector whose socket is at `path`, and waits until it has answered: for seconds at most.
    ///
    /// # Errors
    /// `NotFound` or `ConnectionRefused` where nobody listens; `UnexpectedEof` from a collector that does not admit this process;
    /// `InvalidData` from whatever is no collector; `WouldBlock` from one that does not answer in time.
    pub fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::over(UnixStream::connect(path)?)
    }

    /// The client whose connection this process has inherited ([`INHERITED_VARIABLE`](crate::INHERITED_VARIABLE)), as it does
    /// from `iobring run`; `None` if it has not.
    ///
    /// # Errors
    /// As [`connect`](Self::connect). Only one process gets the writer; others that inherit the connection are refused.
    pub fn inherited() -> Option<io::Result<Self>> {
        inherited::take().map(Self::over)
    }

    /// Asks for a writer and waits until it has come.
    fn over(session: UnixStream) -> io::Result<Self> {
        Request::Write.send(&session)?;
        session.set_read_timeout(Some(PATIENCE))?;
        Self::from_answer(session)
    }

    /// A client of which the collector has heard, once its [answer](has_answered) has arrived.
    pub(crate) fn from_answer(session: UnixStream) -> io::Result<Self> {
        let losses = Losses::receive(&session)?;
        let writer = Iob::receive_from(&session)?;
        Ok(Client { writer, losses, _session: session })
    }

    /// Writes `message` as one record: at most [`iobring::layout::MAX_WRITE_SIZE`] bytes.
    ///
    /// # Errors
    /// Those of [`Iob::writev`]: `NO_SPACE` where the collector is behind, which it learns of even if this process is killed next;
    /// `PEER_CLOSED` where it is gone, or about to be: nobody knows of this record then but the caller.
    pub fn send(&self, message: &[u8]) -> Result<(), Status> {
        self.counted(self.send_uncounted(message), || message.len())
    }

    /// As [`send`](Self::send), for what is no loss if it is refused.
    pub(crate) fn send_uncounted(&self, message: &[u8]) -> Result<(), Status> {
        self.writer.write(IobWriteOptions, 0, message)
    }

    /// Writes the bytes of `pieces` as one record.
    ///
    /// # Errors
    /// As [`send`](Self::send), and `INVALID_ARGS` for more than 8 pieces.
    pub fn send_pieces(&self, pieces: &[IoSlice<'_>]) -> Result<(), Status> {
        let written = self.writer.writev(IobWriteOptions, 0, pieces);
        self.counted(written, || pieces.iter().map(|piece| piece.len()).sum())
    }

    fn counted(&self, written: Result<(), Status>, len: impl Fn() -> usize) -> Result<(), Status> {
        match written {
            Ok(()) | Err(Status::INVALID_ARGS | Status::PEER_CLOSED | Status::BAD_HANDLE) => written,
            Err(status) if self.losses.add(len()) => Err(status),
            Err(_) => Err(Status::PEER_CLOSED),
        }
    }

    /// Whether the collector is gone.
    pub fn is_closed(&self) -> bool {
        self.writer.is_peer_closed()
    }
}

/// Whether all of the collector's answer has come on `session`, or none ever will.
pub(crate) fn has_answered(session: &UnixStream) -> io::Result<bool> {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut polled = [PollFd::new(session, PollFlags::RDHUP)];
    poll(&mut polled, Some(&now))?;
    // The writer comes last, and its message whole.
    Ok(!polled[0].revents().is_empty() || ioctl_fionread(session)? > losses::MESSAGE_LEN as u64)
}
