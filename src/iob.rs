//! The endpoint a writer holds, and its peer.

use crate::pair::Endpoint;
use crate::ring::Ring;
use crate::status::Status;
use crate::transport::broker::Host;
use crate::transport::direct::{Direct, Local, Place};
use crate::transport::{End, Kind, Peer, Transport, handover};
use crate::waiting::Deadline;
use crate::writers::Writers;
use rustix::fd::{AsFd, BorrowedFd};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

/// The region index of the ring, the only region an endpoint has.
const RING_REGION: u32 = 0;

/// Options of a write. There are none yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IobWriteOptions;

/// A piece of a vectored write, under the name Fuchsia's code uses.
pub type IobIoSlice<'a> = IoSlice<'a>;

/// One end of a pair made by [`RingBuffer::new_iob_writer`](crate::RingBuffer::new_iob_writer).
///
/// The first end writes records that bear the pair's tag; the second can neither write nor map, but learns when every copy
/// of the first is gone. Cloning makes another copy of the same end, and so does handing it to another process. Any thread
/// may use any copy.
#[derive(Clone, Debug)]
pub struct Iob {
    transport: Transport,
}

impl Iob {
    /// A writer with `tag`, and its peer.
    pub(crate) fn pair(ring: Arc<Ring>, host: Arc<Host>, tag: u64) -> (Iob, Iob) {
        let (writer, peer) = Endpoint::pair(Some(Writers::admit(&ring)));
        let entry = ring.book.open(tag);
        let peer = Peer {
            endpoint: peer,
            ring: Arc::downgrade(&ring),
            host: host.clone(),
            tag,
            capacity: ring.region.capacity(),
            entry: entry.clone(),
        };
        let writer = Direct::new(ring, tag, Place::Here(Local { endpoint: writer, entry, host }));
        (Iob { transport: Transport::Direct(writer) }, Iob { transport: Transport::Peer(peer) })
    }

    /// Writes `data` as one record. See [`writev`](Self::writev).
    pub fn write(&self, _options: IobWriteOptions, region_index: u32, data: &[u8]) -> Result<(), Status> {
        match &self.transport {
            Transport::Peer(_) => Err(Status::ACCESS_DENIED),
            _ if region_index != RING_REGION => Err(Status::OUT_OF_RANGE),
            Transport::Direct(direct) => direct.write(data),
            Transport::Broker(remote) => remote.write(&[IoSlice::new(data)]),
            Transport::Kernel(mediated) => mediated.write(&[IoSlice::new(data)]),
        }
    }

    /// Writes `data` as one record: [`write`](Self::write) without the arguments that Zircon's has beside.
    ///
    /// # Errors
    /// As [`writev`](Self::writev).
    #[inline]
    pub fn send(&self, data: &[u8]) -> Result<(), Status> {
        self.write(IobWriteOptions, RING_REGION, data)
    }

    /// Writes each of `messages` as one record, in order, as [`write`](Self::write) in turn would until it failed for the
    /// first time, but under one lock, published at once, waking the reader once. Returns how many records that were.
    ///
    /// Fewer than there are messages means that the next one was refused: most often because there was no room for it;
    /// writing the rest again tells.
    ///
    /// Other writers wait meanwhile, so a batch is best kept to a few dozen records. By the broker and by the kernel 16 of them, or
    /// 64 KiB, are written so at a time.
    ///
    /// # Errors
    /// As [`writev`](Self::writev), of the first message; nothing was written then.
    pub fn write_batch(
        &self,
        _options: IobWriteOptions,
        region_index: u32,
        messages: &[&[u8]],
    ) -> Result<usize, Status> {
        match &self.transport {
            Transport::Peer(_) => Err(Status::ACCESS_DENIED),
            _ if region_index != RING_REGION => Err(Status::OUT_OF_RANGE),
            Transport::Direct(direct) => direct.write_batch(messages),
            Transport::Broker(remote) => remote.write_batch(messages),
            Transport::Kernel(mediated) => mediated.write_batch(messages),
        }
    }

    /// Writes the bytes of `iovecs`, one after the other, as one record with this endpoint's tag, and wakes the reader if
    /// it waits. A record may be empty.
    ///
    /// # Errors
    /// The first that applies, in this order; on any of them nothing was written:
    ///
    /// | status | when |
    /// |---|---|
    /// | `ACCESS_DENIED` | this is the peer end |
    /// | `OUT_OF_RANGE` | `region_index` is not 0 |
    /// | `INVALID_ARGS` | more than 8 vectors, or more than 65,519 bytes in all |
    /// | `NO_SPACE` | the record is larger than the ring |
    /// | `IO_DATA_INTEGRITY` | the header is corrupt: `tail` > `head`, `head` not a multiple of 8 or too near `u64::MAX` |
    /// | `PEER_CLOSED` | the ring is [closed](crate::RingBuffer::close), or its reader gone |
    /// | `NO_SPACE` | there is no room now |
    /// | `PEER_CLOSED` | in another process than the ring's owner, which was killed |
    ///
    /// From a signal's handler an endpoint may write that goes by the broker. One that writes into the ring by itself may not where
    /// the interrupted thread can be in a call on the same ring: it may hold the lock, and the handler would wait for it for ever.
    ///
    /// What an isolated writer can know of these by itself, and when: see [`transport`](crate::transport).
    pub fn writev(&self, _options: IobWriteOptions, region_index: u32, iovecs: &[IoSlice<'_>]) -> Result<(), Status> {
        match &self.transport {
            Transport::Peer(_) => Err(Status::ACCESS_DENIED),
            _ if region_index != RING_REGION => Err(Status::OUT_OF_RANGE),
            Transport::Direct(direct) => direct.write(iovecs),
            Transport::Broker(remote) => remote.write(iovecs),
            Transport::Kernel(mediated) => mediated.write(iovecs),
        }
    }

    /// Writes `data` as one record, waiting for room until `timeout` has passed; without one, for as long as it takes. It sleeps
    /// until there was room, and tries again; if another writer was quicker, it sleeps again. A large record waits until there is
    /// room for it at once, while others may take what is smaller: there is no order among those who wait.
    ///
    /// What waiting means, by transport: directly and by the kernel, until the reader has given back enough; by the broker, until there
    /// is a place in the socket.
    ///
    /// The first wait in the ring owner's process starts the ring's broker thread, if no hand-over has.
    ///
    /// # Errors
    /// Those of [`writev`](Self::writev), but `NO_SPACE` only for a record that is larger than the ring. Beside them:
    ///
    /// | status | when |
    /// |---|---|
    /// | `TIMED_OUT` | there was no room within the time; the record counts as refused |
    /// | `NOT_SUPPORTED` | there is no room now, and this writer cannot wait for it: it came by `fork` from the owner's process; or the system refuses `membarrier(2)` |
    /// | `NO_RESOURCES`, `NO_MEMORY` | there is no room now, and nothing left to wait with: descriptors, threads, memory |
    pub fn send_timeout(&self, data: &[u8], timeout: Option<Duration>) -> Result<(), Status> {
        self.writev_timeout(IobWriteOptions, RING_REGION, &[IoSlice::new(data)], timeout)
    }

    /// Writes the bytes of `iovecs` as one record, waiting for room: [`writev`](Self::writev) and
    /// [`send_timeout`](Self::send_timeout) in one.
    ///
    /// # Errors
    /// As [`send_timeout`](Self::send_timeout).
    pub fn writev_timeout(
        &self,
        options: IobWriteOptions,
        region_index: u32,
        iovecs: &[IoSlice<'_>],
        timeout: Option<Duration>,
    ) -> Result<(), Status> {
        let deadline = Deadline::after(timeout);
        match &self.transport {
            Transport::Direct(direct) if region_index == RING_REGION => direct.write_until(iovecs, deadline),
            Transport::Broker(remote) if region_index == RING_REGION => remote.write_until(iovecs, deadline),
            Transport::Kernel(mediated) if region_index == RING_REGION => mediated.write_until(iovecs, deadline),
            // What is refused is refused as there.
            _ => self.writev(options, region_index, iovecs),
        }
    }

    /// Writes `data` as one record, waiting for room as a task, on any executor, in whatever process. May be dropped at any time:
    /// then the record is either written or not, and nothing is left behind.
    ///
    /// What waiting means, by transport, is as with [`send_timeout`](Self::send_timeout). In the ring owner's process the ring's
    /// broker thread wakes the task. In any other, a thread does that which the first such wait starts, one for all of the process;
    /// each wait there costs up to four descriptors.
    ///
    /// # Errors
    /// As [`send_timeout`](Self::send_timeout). `NOT_SUPPORTED` also where the task began to wait before a `fork`, and goes on in the
    /// child.
    pub async fn send_when_room(&self, data: &[u8]) -> Result<(), Status> {
        match &self.transport {
            Transport::Direct(direct) => direct.write_when_room(data).await,
            Transport::Broker(remote) => remote.write_when_room(&[IoSlice::new(data)]).await,
            Transport::Kernel(mediated) => mediated.write_when_room(&[IoSlice::new(data)]).await,
            // Refused.
            Transport::Peer(_) => self.send(data),
        }
    }

    /// The tag that this pair's records bear.
    pub fn tag(&self) -> u64 {
        self.transport.tag()
    }

    /// The size of the ring in bytes; no record can be larger.
    pub fn capacity(&self) -> usize {
        // Of a ring on this machine, so that it fits.
        self.transport.capacity() as usize
    }

    /// By which transport this end writes; `None` for the peer of a writer, which cannot.
    pub fn transport(&self) -> Option<Kind> {
        self.transport.kind()
    }

    /// Hands a copy of this writer to whoever reads the other end of `socket`, a Unix stream socket, with
    /// [`receive_from`](Self::receive_from). The receiver can write records with this tag and nothing else: what it gets is a
    /// socket, and the ring's owner writes the records it receives from there. See [`transport`](crate::transport).
    ///
    /// A writer that is itself mapped into another process asks the ring's owner, and waits until that has taken notice.
    ///
    /// # Errors
    /// `TimedOut` where that takes longer than five seconds, because the owner is stopped. `PermissionDenied` for the peer of a writer.
    /// `BrokenPipe` where the ring's owner, or the receiver, is gone. Those of a lack of descriptors, threads or memory. `WouldBlock` where the socket is full and does not block, or its time is up. On
    /// any error nothing was handed over, and the call may be repeated, by a task when the socket is writable (tokio:
    /// `async_io(Interest::WRITABLE, || writer.send_to(&stream))`).
    ///
    /// To know who is at the other end: [`Credentials::of`](crate::Credentials::of).
    pub fn send_to<S: AsFd + ?Sized>(&self, socket: &S) -> io::Result<()> {
        match &self.transport {
            Transport::Direct(direct) => direct.send_to(socket.as_fd()),
            Transport::Broker(remote) => remote.send_to(socket.as_fd()),
            Transport::Kernel(mediated) => mediated.send_to(socket.as_fd()),
            Transport::Peer(_) => Err(denied("the peer of a writer cannot be handed over")),
        }
    }

    /// Hands a copy of this writer to whoever reads the other end of `socket`, together with the ring's memory: fast, and
    /// only for a process that is trusted with everything in the ring. See [`transport`](crate::transport).
    ///
    /// # Errors
    /// As [`send_to`](Self::send_to), and `PermissionDenied` for a writer that is itself isolated. `Unsupported` where this process has
    /// no `/proc`, or the kernel keeps no robust list for this thread.
    pub fn send_mapped_to<S: AsFd + ?Sized>(&self, socket: &S) -> io::Result<()> {
        match &self.transport {
            Transport::Direct(direct) => direct.send_mapped_to(socket.as_fd()),
            Transport::Broker(_) | Transport::Kernel(_) => Err(denied("an isolated writer has no mapping to share")),
            Transport::Peer(_) => Err(denied("the peer of a writer cannot be handed over")),
        }
    }

    /// Hands a copy of this writer to whoever reads the other end of `socket`, for whom Linux itself will write: what it gets is
    /// a program with the tag inside, which it can run and neither read nor change, and a socket that tells of its end. The ring
    /// is one made by [`RingBuffer::create_mediated`](crate::RingBuffer::create_mediated). The receiver needs no privilege. See
    /// [`transport`](crate::transport).
    ///
    /// # Errors
    /// As [`send_to`](Self::send_to); `Unsupported` where the ring is none of those, or the kernel does not take the program;
    /// `PermissionDenied` where this process has lost the right to load it.
    pub fn send_kernel_to<S: AsFd + ?Sized>(&self, socket: &S) -> io::Result<()> {
        match &self.transport {
            Transport::Direct(direct) => direct.send_kernel_to(socket.as_fd()),
            Transport::Kernel(mediated) => mediated.send_to(socket.as_fd()),
            Transport::Broker(_) => Err(denied("a writer that goes by the broker has no program to share")),
            Transport::Peer(_) => Err(denied("the peer of a writer cannot be handed over")),
        }
    }

    /// Takes the right to write back from every isolated copy of this pair's writer in another process, wherever it was passed
    /// on to: once this returns nothing more of theirs is published, and their writes are `ACCESS_DENIED` (by the kernel) or
    /// `PEER_CLOSED` (by the broker; what they had sent and it had not published is lost). The peer is told that the copies by the
    /// kernel are gone when they are. Copies in this process, and mapped ones, go on writing.
    ///
    /// For either end, in the process where the pair was made.
    ///
    /// # Errors
    /// `Unsupported` in any other process.
    pub fn revoke(&self) -> io::Result<()> {
        match &self.transport {
            Transport::Direct(direct) => direct.revoke(),
            Transport::Peer(peer) => match peer.ring.upgrade() {
                Some(ring) => peer.host.revoke(&ring, &peer.endpoint),
                // Nobody can write into a ring that is gone.
                None => Ok(()),
            },
            Transport::Broker(_) | Transport::Kernel(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the right to write is taken back where it was given, in the process of the ring's owner",
            )),
        }
    }

    /// Receives a writer that somebody hands over with [`send_to`](Self::send_to), [`send_kernel_to`](Self::send_kernel_to) or
    /// [`send_mapped_to`](Self::send_mapped_to), waiting for it as long as the socket's own settings say: not at all if it does
    /// not block, so that a task can call this whenever it is readable (tokio: `async_io(Interest::READABLE, ||
    /// Iob::receive_from(&stream))`).
    ///
    /// # Errors
    /// `WouldBlock` if nothing has come within that time; nothing was taken then, and the call may be repeated.
    /// `InvalidData` if what arrives is anything else than such a writer: each part is checked, and every descriptor that
    /// came is closed, by a thread of its own, since that may take as long as the sender likes. `UnexpectedEof` if the sender
    /// closes the socket. `Unsupported` for a mapping from another PID namespace, where the thread ids in the ring's lock mean other threads, for a mapping where there is no `/proc`, and for a
    /// program where this process may not run it (a filter forbids `bpf(2)`). `TimedOut` for a mapping whose owner is stopped and has
    /// been asked so much that it takes no more. Those of a lack of descriptors or memory.
    pub fn receive_from<S: AsFd + ?Sized>(socket: &S) -> io::Result<Iob> {
        Ok(Iob { transport: handover::accept(socket.as_fd())? })
    }

    /// As [`receive_from`](Self::receive_from), but takes nothing that is not isolated: for whoever does not trust the sender with
    /// anything but what it is going to write. Nothing that comes is mapped, and no program that comes is run; of a writer by the
    /// kernel that may also write over a socket, the socket is taken.
    ///
    /// # Errors
    /// Those of `receive_from`; also `InvalidData` if the sender offers a mapping, or a program and no socket.
    pub fn receive_isolated_from<S: AsFd + ?Sized>(socket: &S) -> io::Result<Iob> {
        Ok(Iob { transport: handover::accept_isolated(socket.as_fd())? })
    }

    /// Whether every copy of the other end is gone. Seen from the peer: then everything the writer wrote is in the ring.
    pub fn is_peer_closed(&self) -> bool {
        match self.transport.end() {
            End::Here(endpoint) => endpoint.is_peer_closed(),
            End::Elsewhere(link) => link.is_peer_closed(),
        }
    }

    /// Blocks until every copy of the other end is gone, and returns `true`; or `false` when `timeout` has passed before
    /// that. Without a timeout it waits for as long as it takes.
    ///
    /// # Panics
    /// Where no descriptor is left for the first wait on this end, or that is in a fork of the process in which the pair was made.
    /// [`try_wait_peer_closed`](Self::try_wait_peer_closed)
    /// returns an error instead.
    pub fn wait_peer_closed(&self, timeout: Option<Duration>) -> bool {
        self.try_wait_peer_closed(timeout).expect("a descriptor to wait on")
    }

    /// As [`wait_peer_closed`](Self::wait_peer_closed), without its panic.
    ///
    /// # Errors
    /// As [`try_as_fd`](Self::try_as_fd), of the first wait on this end.
    pub fn try_wait_peer_closed(&self, timeout: Option<Duration>) -> io::Result<bool> {
        match self.transport.end() {
            End::Here(endpoint) => endpoint.wait_peer_closed(timeout),
            End::Elsewhere(link) => link.wait_peer_closed(timeout),
        }
    }

    /// Waits until every copy of the other end is gone, on any executor, in whatever process. May be dropped at any time, and leaves
    /// nothing behind.
    ///
    /// Where the pair was made, whoever drops the last copy wakes the task. In any other process, a thread does that which the first
    /// such wait starts, one for all of the process; each wait there costs a descriptor. An executor's own reactor can wait for the
    /// descriptor of [`as_fd`](AsFd::as_fd) as well.
    ///
    /// # Errors
    /// `Unsupported` in a fork of the process where the pair was made, and where the task began to wait before a fork. As of
    /// `dup(2)` and of starting a thread, where one of those fails.
    pub async fn peer_closed(&self) -> io::Result<()> {
        match self.transport.end() {
            End::Here(endpoint) => endpoint.peer_closed().await,
            End::Elsewhere(link) => link.peer_closed().await,
        }
    }

    /// A descriptor that becomes readable or hangs up (`POLLIN`, `POLLHUP`) when every copy of the other end is gone; it is
    /// only to be polled. In the process where the pair was made it is made when first asked for, so that ten thousand pairs
    /// cost no descriptors.
    ///
    /// # Errors
    /// `EMFILE` or `ENFILE` when no descriptors are left. `Unsupported` where a fork of that process asks first: one that was made
    /// before the fork tells there, too.
    pub fn try_as_fd(&self) -> io::Result<BorrowedFd<'_>> {
        match self.transport.end() {
            End::Here(endpoint) => endpoint.try_as_fd(),
            End::Elsewhere(link) => Ok(link.as_fd()),
        }
    }
}

impl AsFd for Iob {
    /// As [`Iob::try_as_fd`].
    ///
    /// # Panics
    /// When no descriptors are left for the first use on this end.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.try_as_fd().expect("a descriptor for this endpoint")
    }
}

/// Each `write` is one record, the whole of the buffer or an error, with no region index and no options. `flush` does nothing:
/// a record is published, or on its way, when `write` returns. A `LineWriter` around it keeps the pieces of one `writeln!`
/// together.
impl io::Write for Iob {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut &*self, data)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        io::Write::write_vectored(&mut &*self, pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Write for &Iob {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.send(data)?;
        Ok(data.len())
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.writev(IobWriteOptions, RING_REGION, pieces)?;
        Ok(pieces.iter().map(|piece| piece.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn denied(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}
