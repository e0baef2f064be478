//! What a collector is made of.

use super::poller::{Poller, Source};
use super::stopper::Stopper;
use super::{Collector, ROUND, Stage};
use crate::process::Process;
use iobring::{Batch, Count, MAX_MESSAGE_SIZE, RingBuffer};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a collector allows.
#[non_exhaustive]
pub struct Limits {
    /// How many may be connected at once, writers and others together.
    pub connections: usize,
    /// How long a connection may be silent before it has said what it wants.
    pub patience: Duration,
    /// Who is admitted.
    pub admit: Box<dyn FnMut(&Process) -> bool + Send>,
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limits { connections, patience, .. } = self;
        f.debug_struct("Limits").field("connections", connections).field("patience", patience).finish_non_exhaustive()
    }
}

/// Makes a [`Collector`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    capacity: usize,
    limits: Limits,
}

impl Default for Builder {
    fn default() -> Self {
        Builder::new()
    }
}

impl Builder {
    /// A ring of 1 MiB; 10,000 connections; five seconds of silence; everybody who can connect is admitted.
    pub fn new() -> Self {
        let limits = Limits { connections: 10_000, patience: Duration::from_secs(5), admit: Box::new(|_| true) };
        Builder { capacity: 1 << 20, limits }
    }

    /// The size of the ring in bytes, rounded up to whole pages and to the longest record.
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = bytes;
        self
    }

    /// How many may be connected at once.
    pub fn connections(mut self, most: usize) -> Self {
        self.limits.connections = most;
        self
    }

    /// How long a connection may be silent before it has said what it wants.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.limits.patience = patience;
        self
    }

    /// Whom to admit. It runs in the collector's thread, for each connection.
    pub fn admit(mut self, admit: impl FnMut(&Process) -> bool + Send + 'static) -> Self {
        self.limits.admit = Box::new(admit);
        self
    }

    /// Listens at `path`. A socket there on which nobody listens any more is replaced; who may connect is the matter of the
    /// folder's and the socket's permissions (the process's umask).
    ///
    /// # Errors
    /// `AddrInUse` where somebody listens already, or something else than a socket is there. Those of binding a socket and of
    /// making a ring.
    pub fn bind(self, path: impl AsRef<Path>) -> io::Result<Collector> {
        let path = path.as_ref();
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                what_is_in_the_way(path)?;
                fs::remove_file(path)?;
                UnixListener::bind(path)?
            }
            bound => bound?,
        };
        // Ours to remove: nobody will listen there.
        self.listen(listener).inspect_err(|_| drop(fs::remove_file(path)))
    }

    /// Listens on a socket that exists already, for example systemd's.
    ///
    /// # Errors
    /// Those of making a ring and of polling.
    pub fn listen(self, listener: UnixListener) -> io::Result<Collector> {
        listener.set_nonblocking(true)?;
        let page = rustix::param::page_size();
        let capacity = self.capacity.max(MAX_MESSAGE_SIZE).checked_next_multiple_of(page);
        let capacity = capacity.ok_or_else(|| {
            io::Error::new(ErrorKind::InvalidInput, format!("a ring of {} bytes is larger than memory", self.capacity))
        })?;
        let reader = RingBuffer::try_create(capacity).map_err(|status| {
            let error = io::Error::from(status);
            io::Error::new(error.kind(), format!("a ring of {capacity} bytes: {error}"))
        })?;
        let poller = Poller::new()?;
        let stopper = Stopper::new()?;
        poller.watch(&listener, Source::Listener)?;
        poller.watch(reader.as_fd(), Source::Ring)?;
        poller.watch(stopper.as_fd(), Source::Stopper)?;
        Ok(Collector {
            reader,
            listener: Some(listener),
            poller,
            stopper,
            limits: self.limits,
            silent: BTreeMap::new(),
            writers: BTreeMap::new(),
            stage: Stage::Open,
            ending: BTreeSet::new(),
            last_tag: 0,
            lost: Count::default(),
            events: VecDeque::new(),
            batch: Batch::new(),
            next_round: Instant::now() + ROUND,
            is_late: false,
        })
    }
}

/// Says what is at `path`, unless it is a socket on which nobody listens.
fn what_is_in_the_way(path: &Path) -> io::Result<()> {
    let taken = |why| Err(io::Error::new(ErrorKind::AddrInUse, why));
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return taken("something else than a socket is there");
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => taken("another user's socket is there"),
        _ => taken("somebody listens there already"),
    }
}
