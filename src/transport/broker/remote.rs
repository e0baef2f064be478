//! The writer's side of the broker: one record is one datagram.
//!
//! ```text
//! datagram   | kind: u32 = 1 | lost: u32 | lost bytes: u64 | the message |
//! ```
//!
//! The header makes an empty message different from the end of the connection, and carries what this writer had to give
//! up since its last record, because nobody else can count it. Numbers are in the machine's own byte order.

use crate::layout::{MAX_VECTORS, MAX_WRITE_SIZE, ring_buffer_record_len};
use crate::status::Status;
use crate::transport::handover;
use crate::transport::link::Link;
use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use std::io::{self, IoSlice};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

/// The size of a datagram's header, in bytes.
pub(super) const HEADER: usize = 16;

/// A datagram's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// How many records the writer refused for lack of space since its last one.
    pub(super) lost: u32,
    /// Their bytes.
    pub(super) lost_bytes: u64,
}

impl Header {
    /// The only kind of datagram there is.
    const RECORD: u32 = 1;

    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..4].copy_from_slice(&Self::RECORD.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.lost.to_ne_bytes());
        bytes[8..16].copy_from_slice(&self.lost_bytes.to_ne_bytes());
        bytes
    }

    /// The header, if these bytes are one.
    pub(super) fn from_bytes(bytes: [u8; HEADER]) -> Option<Self> {
        let [k0, k1, k2, k3, l0, l1, l2, l3, b0, b1, b2, b3, b4, b5, b6, b7] = bytes;
        (u32::from_ne_bytes([k0, k1, k2, k3]) == Self::RECORD).then(|| Header {
            lost: u32::from_ne_bytes([l0, l1, l2, l3]),
            lost_bytes: u64::from_ne_bytes([b0, b1, b2, b3, b4, b5, b6, b7]),
        })
    }
}

/// A writer whose records the broker writes. Cloning makes another copy.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    link: Arc<Link>,
    tag: u64,
    capacity: u64,
    lost: Arc<Mutex<Header>>,
}

impl Remote {
    pub(crate) fn new(link: Arc<Link>, tag: u64, capacity: u64) -> Self {
        Remote { link, tag, capacity, lost: Arc::default() }
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Hands a copy on, which shares the socket.
    pub(crate) fn send_to(&self, to: &UnixStream) -> io::Result<()> {
        handover::offer_isolated(to, self.tag, self.capacity, self.link.as_fd())
    }

    /// Sends records, without blocking, up to the first that is refused. Returns how many those were, or why the first was.
    pub(crate) fn write_batch(&self, messages: &[&[u8]]) -> Result<usize, Status> {
        for (sent, message) in messages.iter().enumerate() {
            match self.write(&[IoSlice::new(message)]) {
                Ok(()) => {}
                Err(status) if sent == 0 => return Err(status),
                Err(_) => return Ok(sent),
            }
        }
        Ok(messages.len())
    }

    /// Sends one record, without blocking.
    pub(crate) fn write(&self, vectors: &[IoSlice<'_>]) -> Result<(), Status> {
        let len = vectors.iter().try_fold(0usize, |sum, vector| sum.checked_add(vector.len()));
        let Some(len) = len.filter(|&len| len <= MAX_WRITE_SIZE && vectors.len() <= MAX_VECTORS) else {
            return Err(Status::INVALID_ARGS);
        };
        if ring_buffer_record_len(len) as u64 > self.capacity {
            return Err(Status::NO_SPACE);
        }
        // Held while sending, so that what was lost is reported once; sending does not block.
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let header = lost.to_bytes();
        let mut datagram = [IoSlice::new(&[]); 1 + MAX_VECTORS];
        datagram[0] = IoSlice::new(&header);
        datagram[1..=vectors.len()].copy_from_slice(vectors);
        match self.send(&datagram[..=vectors.len()]) {
            Ok(()) => *lost = Header::default(),
            Err(Status::NO_SPACE) => {
                lost.lost = lost.lost.saturating_add(1);
                lost.lost_bytes = lost.lost_bytes.saturating_add(len as u64);
                return Err(Status::NO_SPACE);
            }
            Err(status) => return Err(status),
        }
        Ok(())
    }

    fn send(&self, datagram: &[IoSlice<'_>]) -> Result<(), Status> {
        loop {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            return match sendmsg(&*self.link, datagram, &mut SendAncillaryBuffer::default(), flags) {
                Ok(_) => Ok(()),
                Err(Errno::INTR) => continue,
                // A datagram that the socket's buffer cannot hold, ever, is no different from a record that the ring cannot.
                Err(Errno::AGAIN | Errno::MSGSIZE) => Err(Status::NO_SPACE),
                Err(Errno::PIPE | Errno::CONNRESET | Errno::CONNREFUSED | Errno::NOTCONN) => Err(Status::PEER_CLOSED),
                Err(errno) => Err(errno.into()),
            };
        }
    }
}
