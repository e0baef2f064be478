//! The writer's side of the broker: one record is one datagram.
//!
//! ```text
//! datagram   | kind: u32 = 1 | lost: u32 | lost bytes: u64 | the message |
//! ```
//!
//! The header makes an empty message different from the end of the connection, and carries what this writer had to give
//! up since its last record, because nobody else can count it. Numbers are in the machine's own byte order.

use crate::layout::{MAX_VECTORS, MAX_WRITE_SIZE, ring_buffer_record_len};
use crate::orderings::LOST;
use crate::process::Generation;
use crate::readiness::ready;
use crate::status::Status;
use crate::transport::handover;
use crate::transport::link::Link;
use crate::waiting::{Deadline, wait_for};
use core::sync::atomic::{AtomicU32, AtomicU64};
use rustix::event::PollFlags;
use rustix::event::epoll::EventFlags;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use std::io::{self, IoSlice};
use std::sync::Arc;

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

/// What was refused since the last record. No lock: a thread that holds one may be missing in a fork, or be interrupted by a
/// signal whose handler writes too.
#[derive(Debug)]
struct Lost {
    records: AtomicU64,
    bytes: AtomicU64,
    /// Whose losses these are: a fork's parent reports its own.
    generation: AtomicU32,
}

impl Lost {
    fn new() -> Self {
        let generation = AtomicU32::new(Generation::current().to_raw());
        Lost { records: AtomicU64::new(0), bytes: AtomicU64::new(0), generation }
    }

    /// Forgets what a fork has inherited. What was there before the change of generation, and only that: whoever adds in this
    /// process does so after it.
    fn disown(&self) {
        let (current, known) = (Generation::current().to_raw(), self.generation.load(LOST));
        if known == current {
            return;
        }
        let (records, bytes) = (self.records.load(LOST), self.bytes.load(LOST));
        if self.generation.compare_exchange(known, current, LOST, LOST).is_ok() {
            self.records.fetch_sub(records, LOST);
            self.bytes.fetch_sub(bytes, LOST);
        }
    }

    /// Takes everything, to report it.
    fn take(&self) -> Header {
        self.disown();
        if self.records.load(LOST) == 0 {
            return Header::default();
        }
        let records = self.records.swap(0, LOST);
        let lost = u32::try_from(records).unwrap_or(u32::MAX);
        // What does not fit is reported with the next record.
        self.records.fetch_add(records - u64::from(lost), LOST);
        Header { lost, lost_bytes: self.bytes.swap(0, LOST) }
    }

    fn put_back(&self, header: Header) {
        self.add(header.lost.into(), header.lost_bytes);
    }

    fn add(&self, records: u64, bytes: u64) {
        self.records.fetch_add(records, LOST);
        self.bytes.fetch_add(bytes, LOST);
    }
}

/// A writer whose records the broker writes. Cloning makes another copy.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    link: Arc<Link>,
    tag: u64,
    capacity: u64,
    lost: Arc<Lost>,
}

impl Remote {
    pub(crate) fn new(link: Arc<Link>, tag: u64, capacity: u64) -> Self {
        Remote { link, tag, capacity, lost: Arc::new(Lost::new()) }
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

    /// Hands a copy on, which shares the socket.
    pub(crate) fn send_to(&self, to: BorrowedFd<'_>) -> io::Result<()> {
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
        if self.offer(vectors)? {
            return Ok(());
        }
        self.lose(vectors);
        Err(Status::NO_SPACE)
    }

    /// Sends one record, waiting until the deadline for a place in the socket.
    pub(crate) fn write_until(&self, vectors: &[IoSlice<'_>], deadline: Deadline) -> Result<(), Status> {
        while !self.offer(vectors)? {
            let waited = match deadline.is_over() {
                true => Err(Status::TIMED_OUT),
                false => Status::of_wait(wait_for(self.link.as_fd(), PollFlags::OUT, deadline)),
            };
            waited.inspect_err(|_| self.lose(vectors))?;
        }
        Ok(())
    }

    /// Sends one record, waiting as a task for a place in the socket.
    pub(crate) async fn write_when_room(&self, vectors: &[IoSlice<'_>]) -> Result<(), Status> {
        while !self.offer(vectors)? {
            let waited = ready(&[(self.link.as_fd(), EventFlags::OUT)]).await.map_err(Status::of_call);
            waited.inspect_err(|_| self.lose(vectors))?;
        }
        Ok(())
    }

    /// A record was given up.
    fn lose(&self, vectors: &[IoSlice<'_>]) {
        self.lost.add(1, vectors.iter().map(|vector| vector.len() as u64).sum());
    }

    /// Sends one record, without blocking; `false` if there is no place for it now, which is no loss yet.
    fn offer(&self, vectors: &[IoSlice<'_>]) -> Result<bool, Status> {
        let len = vectors.iter().try_fold(0usize, |sum, vector| sum.checked_add(vector.len()));
        let Some(len) = len.filter(|&len| len <= MAX_WRITE_SIZE && vectors.len() <= MAX_VECTORS) else {
            return Err(Status::INVALID_ARGS);
        };
        if ring_buffer_record_len(len) as u64 > self.capacity {
            return Err(Status::NO_SPACE);
        }
        let before = self.lost.take();
        let header = before.to_bytes();
        let mut datagram = [IoSlice::new(&[]); 1 + MAX_VECTORS];
        datagram[0] = IoSlice::new(&header);
        datagram[1..=vectors.len()].copy_from_slice(vectors);
        let sent = self.send(&datagram[..=vectors.len()]);
        if sent != Ok(true) {
            self.lost.put_back(before);
        }
        if sent == Err(Status::NO_SPACE) {
            self.lose(vectors);
        }
        sent
    }

    /// Whether it was taken; `false` if there is no place for it now.
    fn send(&self, datagram: &[IoSlice<'_>]) -> Result<bool, Status> {
        loop {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            return match sendmsg(&*self.link, datagram, &mut SendAncillaryBuffer::default(), flags) {
                Ok(_) => Ok(true),
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => Ok(false),
                // A datagram that the socket's buffer cannot hold, ever, is no different from a record that the ring cannot.
                Err(Errno::MSGSIZE) => Err(Status::NO_SPACE),
                Err(Errno::PIPE | Errno::CONNRESET | Errno::CONNREFUSED | Errno::NOTCONN) => Err(Status::PEER_CLOSED),
                Err(errno) => Err(errno.into()),
            };
        }
    }
}
