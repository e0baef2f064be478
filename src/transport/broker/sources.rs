//! What the broker thread listens to, by token.

use crate::accounts::Entry;
use crate::grants::Granted;
use crate::orderings::UNDER_LOCK;
use crate::pair::Endpoint;
use crate::strange::Socket;
use crate::system::retry;
use core::sync::atomic::AtomicBool;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::net::{SendFlags, Shutdown, send, shutdown};
use std::collections::HashMap;
use std::sync::Arc;

/// The first token that is a source's.
const FIRST: u64 = 4;

/// Everything the broker thread listens to for other processes.
#[derive(Debug)]
pub(super) struct Sources {
    by_token: HashMap<u64, Source>,
    next: u64,
    /// Whether nothing more is accepted.
    refusing: bool,
    /// Whether there are no isolated writers any more but those that are there.
    complete: bool,
    closed: bool,
}

/// One of them.
#[derive(Debug)]
pub(super) enum Source {
    /// An isolated writer.
    Writer {
        /// Its connection.
        connection: Arc<Connection>,
        /// Whether it stands in the queue for a turn.
        queued: bool,
    },
    /// The copies of a writer that maps the region.
    Link {
        /// Its connection; records do not come over it, requests do.
        connection: Arc<Connection>,
        /// The tokens of the processes that hold copies.
        processes: Vec<u64>,
    },
    /// The copies of a writer for which the kernel writes.
    Granted {
        /// Its connection, over which come wishes for room.
        connection: Arc<Connection>,
        /// Its right to write.
        granted: Arc<Granted>,
        /// The tokens of those who wait.
        waiters: Vec<u64>,
        /// Whether its right was taken back, so that it waits in vain.
        revoked: bool,
    },
    /// A process that maps the region.
    Process {
        /// Its pidfd.
        process: Arc<OwnedFd>,
        /// The token of the link it came by.
        link: u64,
    },
    /// A writer that maps the region, or for which the kernel writes, and waits for room.
    Waiter {
        /// Hangs up at either end when there is some, or nobody waits any more.
        socket: Arc<Socket>,
        /// The token of the link it came by.
        link: u64,
    },
}

/// A socket through which copies of one writer live in other processes.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: Arc<Socket>,
    pub(super) writer: Writer,
    /// Whether the right to write was taken back. Set and looked at under the writers' lock.
    pub(super) revoked: AtomicBool,
}

/// A writer, as the owner's process knows it.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) tag: u64,
    /// Stands for all copies behind a connection: dropped when the socket hangs up.
    pub(crate) endpoint: Endpoint,
    /// Its account.
    pub(crate) entry: Arc<Entry>,
}

/// The descriptor of a source.
pub(super) enum Descriptor {
    Socket(Arc<Socket>),
    Process(Arc<OwnedFd>),
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Descriptor::Socket(socket) => socket.as_fd(),
            Descriptor::Process(process) => process.as_fd(),
        }
    }
}

impl Connection {
    fn new(socket: Socket, writer: Writer) -> Arc<Self> {
        let socket = Arc::new(socket);
        writer.endpoint.tell_peer_closed_on(&socket);
        Arc::new(Connection { socket, writer, revoked: AtomicBool::new(false) })
    }
}

impl Source {
    /// A new isolated writer.
    pub(super) fn writer(socket: Socket, writer: Writer) -> Self {
        Source::Writer { connection: Connection::new(socket, writer), queued: false }
    }

    /// A new link.
    pub(super) fn link(socket: OwnedFd, writer: Writer) -> Self {
        Source::Link { connection: Connection::new(Socket::with_descriptors(socket), writer), processes: Vec::new() }
    }

    /// A new writer for which the kernel writes.
    pub(super) fn granted(socket: OwnedFd, writer: Writer, granted: Arc<Granted>) -> Self {
        let connection = Connection::new(Socket::with_descriptors(socket), writer);
        Source::Granted { connection, granted, waiters: Vec::new(), revoked: false }
    }

    /// A new wait for room.
    pub(super) fn waiter(socket: Socket, link: u64) -> Self {
        Source::Waiter { socket: Arc::new(socket), link }
    }

    /// The writer that it is, if it is one that is kept apart from the ring.
    pub(super) fn isolated(&self) -> Option<&Writer> {
        match self {
            Source::Writer { connection, .. } | Source::Granted { connection, .. } => Some(&connection.writer),
            Source::Link { .. } | Source::Process { .. } | Source::Waiter { .. } => None,
        }
    }

    /// Takes the right to write back. The writers' lock is held.
    pub(super) fn revoke(&self) {
        if let Source::Writer { connection, .. } = self {
            connection.revoked.store(true, UNDER_LOCK);
        }
    }

    /// What to listen to.
    pub(super) fn descriptor(&self) -> Descriptor {
        match self {
            Source::Writer { connection, .. }
            | Source::Link { connection, .. }
            | Source::Granted { connection, .. } => Descriptor::Socket(connection.socket.clone()),
            Source::Process { process, .. } => Descriptor::Process(process.clone()),
            Source::Waiter { socket, .. } => Descriptor::Socket(socket.clone()),
        }
    }

    /// Has an isolated writer find its connection at an end, whose messages can still be received.
    fn refuse(&self) {
        if let Source::Writer { connection, .. } = self {
            // It fails only where the other end is gone already.
            let _ = shutdown(&*connection.socket, Shutdown::Read);
        }
    }

    /// Says a word to a process that has sent this socket; or ends the connection, where it cannot.
    pub(super) fn tell(&self, word: u8) {
        let socket = match self {
            Source::Waiter { socket, .. } => socket,
            Source::Writer { connection, .. } => &connection.socket,
            Source::Link { .. } | Source::Granted { .. } | Source::Process { .. } => return,
        };
        // There is place for as few words as there are, but perhaps no memory of the kernel's.
        if retry(|| send(&**socket, &[word], SendFlags::DONTWAIT | SendFlags::NOSIGNAL)).is_err() {
            self.hang_up();
        }
    }

    /// Tells the other side that this is the end, whoever still holds the descriptor.
    pub(super) fn hang_up(&self) {
        let socket = match self {
            Source::Writer { connection, .. }
            | Source::Link { connection, .. }
            | Source::Granted { connection, .. } => &connection.socket,
            Source::Waiter { socket, .. } => socket,
            Source::Process { .. } => return,
        };
        // It fails only where the other end is gone already.
        let _ = shutdown(&**socket, Shutdown::Both);
    }
}

impl Default for Sources {
    fn default() -> Self {
        Sources { by_token: HashMap::new(), next: FIRST, refusing: false, complete: false, closed: false }
    }
}

impl Sources {
    /// Adds a source and returns its token; `None` after the end.
    pub(super) fn insert(&mut self, source: Source) -> Option<u64> {
        if self.closed || self.complete && matches!(source, Source::Writer { .. }) {
            return None;
        }
        if self.refusing {
            source.refuse();
        }
        let token = self.next;
        self.next += 1;
        self.by_token.insert(token, source);
        Some(token)
    }

    /// Accepts nothing more from isolated writers; what they have sent can still be received. Returns the links, over which sockets
    /// of more of them may be on their way.
    pub(super) fn refuse(&mut self) -> Vec<(u64, Arc<Connection>)> {
        self.refusing = true;
        self.by_token.values().for_each(Source::refuse);
        let link = |(&token, source): (&u64, &Source)| match source {
            Source::Link { connection, .. } => Some((token, connection.clone())),
            _ => None,
        };
        self.by_token.iter().filter_map(link).collect()
    }

    /// What nobody was told to have written comes too late. Who asks for it may never stop asking.
    pub(super) fn admit_no_writer(&mut self) {
        self.complete = true;
    }

    /// Whether nothing more is accepted, and everything was received that was.
    pub(super) fn are_drained(&self) -> bool {
        self.refusing && !self.by_token.values().any(|source| matches!(source, Source::Writer { .. }))
    }

    pub(super) fn remove(&mut self, token: u64) -> Option<Source> {
        let removed = self.by_token.remove(&token);
        if let Some(Source::Waiter { link, .. }) = removed
            && let Some(Source::Granted { waiters, .. }) = self.by_token.get_mut(&link)
        {
            waiters.retain(|&waiter| waiter != token);
        }
        removed
    }

    /// Which sources are these writers, kept apart from the ring.
    pub(super) fn isolated(&self, which: impl Fn(&Writer) -> bool) -> Vec<u64> {
        let is_one = |source: &Source| source.isolated().is_some_and(&which);
        self.by_token.iter().filter(|(_, source)| is_one(source)).map(|(&token, _)| token).collect()
    }

    /// Says a word to whoever has sent this source's socket.
    pub(super) fn tell(&self, token: u64, word: u8) {
        if let Some(source) = self.by_token.get(&token) {
            source.tell(word);
        }
    }

    pub(super) fn get_mut(&mut self, token: u64) -> Option<&mut Source> {
        self.by_token.get_mut(&token)
    }

    /// Takes everything out and lets nothing in any more.
    pub(super) fn close(&mut self) -> Vec<Source> {
        self.closed = true;
        self.by_token.drain().map(|(_, source)| source).collect()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }
}
