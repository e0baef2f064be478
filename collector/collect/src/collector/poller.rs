//! What a collector waits for.

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

/// Where something has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Somebody has connected.
    Listener,
    /// There is something to read.
    Ring,
    /// The collector is to stop.
    Stopper,
    /// The connection with this tag says something, or has ended.
    Session(u64),
    /// Every copy of the writer with this tag is gone.
    Peer(u64),
}

impl Source {
    /// Tags are counted from 1 and never reach the top bit.
    const PEER: u64 = 1 << 63;

    fn to_data(self) -> EventData {
        EventData::new_u64(match self {
            Source::Listener => u64::MAX,
            Source::Ring => u64::MAX - 1,
            Source::Stopper => u64::MAX - 2,
            Source::Session(tag) => tag,
            Source::Peer(tag) => tag | Self::PEER,
        })
    }

    fn from_data(data: EventData) -> Self {
        match data.u64() {
            u64::MAX => Source::Listener,
            data if data == u64::MAX - 1 => Source::Ring,
            data if data == u64::MAX - 2 => Source::Stopper,
            data if data & Self::PEER != 0 => Source::Peer(data & !Self::PEER),
            tag => Source::Session(tag),
        }
    }
}

/// An epoll descriptor, and one in reserve.
#[derive(Debug)]
pub(super) struct Poller {
    epoll: OwnedFd,
    /// Given up for a moment where there is no other, so that whoever has connected can at least be turned away: otherwise the
    /// listener would be ready for ever.
    reserve: Option<File>,
}

impl Poller {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Poller { epoll, reserve: Some(reserve()?) })
    }

    /// A descriptor that is readable when something has happened.
    #[cfg(feature = "tokio")]
    pub(super) fn descriptor(&self) -> io::Result<OwnedFd> {
        self.epoll.try_clone()
    }

    /// Tells of `fd` from now on, until it is closed.
    pub(super) fn watch(&self, fd: impl AsFd, source: Source) -> io::Result<()> {
        let flags = match source {
            // Its end is told once; the collector looks at the endpoint itself.
            Source::Peer(_) => EventFlags::IN | EventFlags::ONESHOT,
            _ => EventFlags::IN | EventFlags::RDHUP,
        };
        Ok(epoll::add(&self.epoll, fd, source.to_data(), flags)?)
    }

    /// Tells of `fd` no more.
    pub(super) fn forget(&self, fd: impl AsFd) {
        // It fails only where it was not watched.
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// What has happened, waiting for it for `limit` at most.
    pub(super) fn wait(&self, limit: Duration) -> io::Result<Vec<Source>> {
        let mut happened = [const { MaybeUninit::<Event>::uninit() }; 64];
        let limit =
            Timespec { tv_sec: limit.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: limit.subsec_nanos().into() };
        match epoll::wait(&self.epoll, &mut happened[..], Some(&limit)) {
            Ok((happened, _)) => Ok(happened.iter().map(|event| Source::from_data(event.data)).collect()),
            Err(Errno::INTR) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whoever has connected; `None` if that was nobody, or had to be turned away for want of a descriptor.
    pub(super) fn accept(&mut self, listener: &UnixListener) -> io::Result<Option<UnixStream>> {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                Ok(Some(stream))
            }
            Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::MFILE | Errno::NFILE)) => {
                self.reserve = None;
                drop(listener.accept());
                self.reserve = reserve().ok();
                Ok(None)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn reserve() -> io::Result<File> {
    File::open("/dev/null")
}
