//! Who mediates a write, and how an endpoint gets into another process.
//!
//! # Which one to choose
//!
//! A writer in the ring owner's own process writes **directly**. For a writer in another process the owner chooses when it
//! hands the endpoint over: [`Iob::send_to`](crate::Iob::send_to) goes by the **broker**,
//! [`Iob::send_mapped_to`](crate::Iob::send_mapped_to) shares the mapping. If in doubt, the broker: the mapping is for
//! programs that you would as soon have made threads.
//!
//! | | direct, same process | direct, another process | broker |
//! |---|---|---|---|
//! | handed over by | [`Clone`] | [`send_mapped_to`](crate::Iob::send_mapped_to) | [`send_to`](crate::Iob::send_to) |
//! | who puts the record into the ring | the library, in the writer's thread | the library, in the writer's process | a thread of the owner's process |
//! | what the writer's process holds | the region | the region, the reader's bell, a socket | a socket |
//! | can it read, damage or forge records | it is the same process | **yes** | no |
//! | can it hold up others | while it is in the lock: a copy of at most 64 KiB | the same; stopped (SIGSTOP) there, for as long as it is stopped | no |
//! | it dies in the middle of a write | - | nothing happened; the next writer goes on at once | nothing happened |
//! | cost of a record | a lock and a copy | the same, and a journal of four words | a system call there, two here, and one copy in each |
//! | cost of a writer | about 300 bytes | there: a mapping, three descriptors; here: a descriptor, and one per process | a descriptor on either side |
//! | what fits before `NO_SPACE` | the ring | the ring | the ring and the socket: about ten large messages more |
//! | order | the writer's | the writer's | the writer's |
//! | accepted means | it is in the ring | it is in the ring | it is on its way: delivered unless the owner dies |
//! | other PID namespace, other user | - | refused; allowed | allowed; allowed |
//! | privilege needed | none | none | none |
//!
//! # The same errors
//!
//! A received endpoint checks what it can know by itself, in the order of [`Iob::writev`](crate::Iob::writev).
//!
//! | status | direct | broker |
//! |---|---|---|
//! | `OUT_OF_RANGE`, `INVALID_ARGS`, `NO_SPACE` for a record larger than the ring | at once | at once |
//! | `NO_SPACE` because there is no room now | at once | once ring and socket are full |
//! | `IO_DATA_INTEGRITY` | at once | never: the broker waits until the reader has repaired the ring, then goes on; meanwhile the socket fills |
//! | `PEER_CLOSED` because the ring's owner is gone | in another process: once there is no room | at once |
//! | `BAD_HANDLE` after a fork into another PID namespace | at once | - |
//! | `NO_RESOURCES`, `NO_MEMORY` where the kernel has no memory for a datagram | - | at once |
//!
//! # Ends
//!
//! All copies of a writer count, in whatever processes: the peer learns that they are gone when the last is dropped, or its
//! process has ended in any way, and then everything it wrote is in the ring. A writer learns in turn, wherever it is, that
//! its peer is closed, or that the ring's owner is gone (which is the last [`RingBuffer`](crate::RingBuffer), or its process).
//! Nothing has a name in a file system, so nothing is left behind.
//!
//! A received endpoint outlives `fork`: the child has one more copy. Through `exec` it is handed on by a socket that is
//! inherited. An endpoint of the owner's own process that a child of `fork` inherits writes, but the copy does not count as
//! one, and it wakes a *task* that waits only once something has been handed over; so hand it over.
//!
//! # Where things are
//!
//! | module | holds |
//! |---|---|
//! | `direct` | writers that map the region |
//! | `mapped` | what those in other processes ask of the owner |
//! | `broker` | the owner's thread that serves isolated writers, and their side of it |
//! | `handover` | the message by which an endpoint travels, and the checks on arrival |
//! | `link` | the socket between a received endpoint and the owner |
//! | `descriptors` | sending descriptors |
//!
//! A third transport, mediated by the kernel (a BPF program that the writer may run but neither read nor change), has its
//! place as one more variant of `Transport` here and one more kind of offer in `handover`: it would write the same records by
//! the same protocol.

pub(crate) mod broker;
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
