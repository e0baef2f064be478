//! Who mediates a write, and how an endpoint gets into another process.
//!
//! # Which one to choose
//!
//! A writer in the ring owner's own process writes **directly**. For a writer in another process the owner chooses when it
//! hands the endpoint over: [`Iob::send_to`](crate::Iob::send_to) goes by the **broker**,
//! [`Iob::send_kernel_to`](crate::Iob::send_kernel_to) by the **kernel**, where the owner may load programs into it, and
//! [`Iob::send_mapped_to`](crate::Iob::send_mapped_to) shares the mapping. If in doubt, the broker: the mapping is for
//! programs that you would as soon have made threads. Writers by the broker, by the kernel and in the owner's process share one
//! ring, in one order.
//!
//! ```text
//! direct      writer ── copies ───────────────────────────────────────────▶ ring ──▶ reader
//! broker      writer ── sendmsg ──▶ socket ──▶ a thread of the owner's ───▶ ring ──▶ reader
//! kernel      writer ── bpf(2) ──▶ the program in Linux, which copies ────▶ ring ──▶ reader
//! ```
//!
//! | | direct, same process | direct, another process | broker | kernel |
//! |---|---|---|---|---|
//! | handed over by | [`Clone`] | [`send_mapped_to`](crate::Iob::send_mapped_to) | [`send_to`](crate::Iob::send_to) | [`send_kernel_to`](crate::Iob::send_kernel_to) |
//! | who puts the record into the ring | the library, in the writer's thread | the library, in the writer's process | a thread of the owner's process | Linux, in the writer's system call |
//! | what the writer's process holds | the region | the region, the reader's bell, a socket | a socket | a program, a socket |
//! | can it read, damage or forge records | it is the same process | **yes** | no | no |
//! | can it hold up others | while it is in the lock: a copy of at most 64 KiB | the same; stopped (SIGSTOP) there, for as long as it is stopped | a record that others have overtaken has room set aside | for one copy of at most 64 KiB, which nothing interrupts |
//! | it dies in the middle of a write | - | nothing happened; the next writer goes on at once | nothing happened | the write happens, or nothing does |
//! | cost of a record | a lock and a copy | the same, and a journal of four words | a system call there, one here for up to 16 of them (before Linux 6.16: two for each), and a copy in each and one between | a system call and one copy; in a batch, a system call for up to 16 |
//! | cost of a writer | about 300 bytes | there: a mapping, three descriptors; here: a descriptor, and one per process | a descriptor on either side; once per ring, up to 1 MiB for what was received | two descriptors there; here: a descriptor, less than 100 kB of the kernel's, and about 3 ms at first |
//! | what fits before `NO_SPACE` | the ring | the ring | the ring and the socket: four of the longest messages more, or some hundreds of short ones, and up to 16 that the broker holds | the ring |
//! | waiting for room ([`send_timeout`](crate::Iob::send_timeout), [`send_when_room`](crate::Iob::send_when_room)) | until the reader gave back enough; on a thread or as a task | the same | until there is a place in the socket; the same | until the reader gave back enough; the same; at most 64 at a time with copies of one hand-over |
//! | order | the writer's | the writer's | the writer's | of all writers: what is written after another write returned comes after it |
//! | accepted means | it is in the ring | it is in the ring | it is on its way: delivered unless the owner dies | it is in the ring |
//! | other PID namespace, other user | - | refused; allowed | allowed; allowed | allowed; allowed |
//! | privilege needed | none | none | none | the owner's `CAP_BPF` and `CAP_PERFMON`; the writer's none |
//!
//! # The same errors
//!
//! A received endpoint checks what it can know by itself, in the order of [`Iob::writev`](crate::Iob::writev).
//!
//! | status | direct | broker | kernel |
//! |---|---|---|---|
//! | `OUT_OF_RANGE`, `INVALID_ARGS`, `NO_SPACE` for a record larger than the ring | at once | at once | at once |
//! | `NO_SPACE` because there is no room now | at once | once ring and socket are full | at once |
//! | `IO_DATA_INTEGRITY` | at once | never: the broker waits until the reader has repaired the ring, then goes on; meanwhile the socket fills | at once |
//! | `PEER_CLOSED` because the ring is [closed](crate::RingBuffer::close), or its reader dropped | at once | at once | at once |
//! | `PEER_CLOSED` because the owner's process ended otherwise | in another process: once there is no room | at once | once there is no room |
//! | `ACCESS_DENIED` because the right to write was [taken back](crate::Iob::revoke) | - | `PEER_CLOSED` instead | at once |
//! | `BAD_HANDLE` after a fork into another PID namespace | at once | - | - |
//! | `NO_RESOURCES`, `NO_MEMORY` where the kernel has no memory for a datagram | - | at once | at once |
//!
//! # Ends
//!
//! All copies of a writer count, in whatever processes: the peer learns that they are gone when the last is dropped, or its
//! process has ended in any way, and then everything it wrote is in the ring. A writer learns in turn, wherever it is, that
//! its peer is closed, or that the ring's owner is gone (which is the last [`RingBuffer`](crate::RingBuffer), or its process).
//! Nothing has a name in a file system, so nothing is left behind.
//!
//! A ring that is [closed](crate::RingBuffer::close) accepts nothing more, by whatever transport, from the moment that the call
//! returns. What a writer was told to have written before is read: the broker goes on until it has written what was sent to it, and
//! only then the reader is [at the end](crate::Reader::is_at_end). The accounts then say what the writers were told, to the record.
//! The peer of a writer by the broker is told that its writer is gone when its last record is in the ring; other writers stay until
//! they are dropped, and are refused.
//!
//! A received endpoint outlives `fork`: the child has one more copy. Through `exec` it is handed on by a socket that is
//! inherited. An endpoint of the owner's own process that a child of `fork` inherits writes, but the copy does not count as
//! one, and it wakes a *task* that waits only once something has been handed over; so hand it over.
//!
//! # The kernel
//!
//! The program that writes is the protocol's own source ([`protocol::mediator`](crate::protocol::mediator)), compiled for BPF
//! (`kernel/` in the sources). On a ring that it writes into:
//!
//! - Nobody sleeps on the lock, since the program could not wake him. A thread of the owner's that finds it held looks again, then
//!   sleeps 50 µs at a time. A program that finds it held gives up; the library asks again, and so waits for its turn.
//! - The reader sleeps until a bell is rung, however it waits. Nobody who dies can swallow a ring of the program's.
//! - The accounts of writers, refusals too, are kept by the program, as many as there are writers.
//! - [`Iob::revoke`](crate::Iob::revoke) holds for whoever has the program, however he came by it: it is looked at under the lock.
//! - Memory that the program cannot read without waiting (a page on disk) is brought by the library, and the write is tried again.
//! - A receiver that may not call `bpf(2)` gets `Unsupported`; with
//!   [`RingBuffer::prefer_kernel`](crate::RingBuffer::prefer_kernel) `send_to` offers program and broker, and the receiver takes
//!   what it can use.
//!
//! # Where things are
//!
//! | module | holds |
//! |---|---|
//! | `direct` | writers that map the region |
//! | `mapped` | what those in other processes ask of the owner: room, where the kernel writes for them |
//! | `kernel` | the side of a writer for whom Linux writes |
//! | `broker` | the owner's thread that serves isolated writers, and their side of it |
//! | `handover` | the message by which an endpoint travels |
//! | `link` | the socket between a received endpoint and the owner |
//! | `descriptors`, `checks` | sending descriptors; and whether those that arrive are what they are said to be |

pub(crate) mod broker;
mod checks;
pub(crate) mod credentials;
mod descriptors;
pub(crate) mod direct;
pub(crate) mod handover;
pub(crate) mod kernel;
pub(crate) mod link;
mod mapped;

use crate::accounts::Entry;
use crate::pair::Endpoint;
use crate::ring::Ring;
use broker::Host;
use broker::remote::Remote;
use direct::{Direct, Place};
use kernel::Mediated;
use link::Link;
use std::sync::{Arc, Weak};

/// By which transport a writer writes: see the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Into the ring, in the process of the ring's owner.
    Direct,
    /// Into the ring, in a process that maps it too.
    Mapped,
    /// By a socket, from which the ring's owner writes.
    Broker,
    /// By the kernel.
    Kernel,
}

/// What an endpoint is made of: who mediates its writes.
#[derive(Clone, Debug)]
pub(crate) enum Transport {
    /// A writer that puts its records into the ring itself.
    Direct(Direct),
    /// A writer whose records the ring's owner receives and writes.
    Broker(Remote),
    /// A writer for whom the kernel writes.
    Kernel(Mediated),
    /// The peer of a writer, which can only watch, and take back what was handed over.
    Peer(Peer),
}

/// The peer of a writer.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) endpoint: Endpoint,
    pub(crate) ring: Weak<Ring>,
    pub(crate) host: Arc<Host>,
    pub(crate) tag: u64,
    pub(crate) capacity: usize,
    /// Keeps the account.
    #[expect(dead_code, reason = "held, not used")]
    pub(crate) entry: Arc<Entry>,
}

/// How an endpoint learns that the other end is gone.
pub(crate) enum End<'a> {
    /// In the process where the pair was made.
    Here(&'a Endpoint),
    /// In any other.
    Elsewhere(&'a Link),
}

impl Transport {
    /// `None` for a peer, which writes by none.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Transport::Direct(direct) => match &direct.place {
                Place::Here(_) => Some(Kind::Direct),
                Place::Elsewhere(..) => Some(Kind::Mapped),
            },
            Transport::Broker(_) => Some(Kind::Broker),
            Transport::Kernel(_) => Some(Kind::Kernel),
            Transport::Peer(_) => None,
        }
    }

    pub(crate) fn tag(&self) -> u64 {
        match self {
            Transport::Direct(direct) => direct.tag(),
            Transport::Broker(remote) => remote.tag(),
            Transport::Kernel(mediated) => mediated.tag(),
            Transport::Peer(peer) => peer.tag,
        }
    }

    /// In bytes; of an isolated writer, what it was told.
    pub(crate) fn capacity(&self) -> u64 {
        match self {
            Transport::Direct(direct) => direct.capacity(),
            Transport::Broker(remote) => remote.capacity(),
            Transport::Kernel(mediated) => mediated.capacity(),
            Transport::Peer(peer) => peer.capacity as u64,
        }
    }

    pub(crate) fn end(&self) -> End<'_> {
        match self {
            Transport::Direct(direct) => match &direct.place {
                Place::Here(local) => End::Here(&local.endpoint),
                Place::Elsewhere(watched, _) => End::Elsewhere(watched.link()),
            },
            Transport::Broker(remote) => End::Elsewhere(remote.link()),
            Transport::Kernel(mediated) => End::Elsewhere(mediated.link()),
            Transport::Peer(peer) => End::Here(&peer.endpoint),
        }
    }
}
