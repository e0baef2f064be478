//! A writer in another process than the collector's.

use crate::inherited;
use crate::request::Request;
use iobring::{Iob, IobWriteOptions, Status};
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
        let writer = Iob::receive_from(&session)?;
        Ok(Client { writer, _session: session })
    }

    /// A client of which the collector has heard, once its answer has arrived.
    pub(crate) fn from_answer(session: UnixStream) -> io::Result<Self> {
        let writer = Iob::receive_from(&session)?;
        Ok(Client { writer, _session: session })
    }

    /// Writes `message` as one record: at most [`iobring::layout::MAX_WRITE_SIZE`] bytes.
    ///
    /// # Errors
    /// Those of [`Iob::writev`]: `NO_SPACE` where the collector is behind, which it learns of; `PEER_CLOSED` where it is gone.
    pub fn send(&self, message: &[u8]) -> Result<(), Status> {
        self.writer.write(IobWriteOptions, 0, message)
    }

    /// Writes the bytes of `pieces` as one record.
    ///
    /// # Errors
    /// As [`send`](Self::send), and `INVALID_ARGS` for more than 8 pieces.
    pub fn send_pieces(&self, pieces: &[IoSlice<'_>]) -> Result<(), Status> {
        self.writer.writev(IobWriteOptions, 0, pieces)
    }

    /// Whether the collector is gone.
    pub fn is_closed(&self) -> bool {
        self.writer.is_peer_closed()
    }
}
