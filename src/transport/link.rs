//! The socket between a received endpoint and the ring's owner.
//!
//! The owner never sends anything on it, so whatever makes its other end readable is an end:
//!
//! | seen here | means |
//! |---|---|
//! | end of file | the peer endpoint is closed; the owner has shut down its sending half |
//! | hang-up | the owner is gone: closed the ring, exited, or was killed |
//!
//! The owner in turn sees a hang-up once every copy of the endpoint is gone, in whatever process, however it died.

use crate::readiness::ready;
use crate::strange::Socket;
use crate::waiting::{Deadline, wait_for};
use rustix::event::epoll::EventFlags;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::io;
use std::time::Duration;

/// The receiving process's end.
#[derive(Debug)]
pub(crate) struct Link {
    socket: Socket,
}

/// The two ends of a new link. Message boundaries are kept and either side learns of the other's end.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

impl Link {
    pub(super) fn new(socket: Socket) -> Self {
        Link { socket }
    }

    /// Whether the peer endpoint is closed, or the owner gone.
    pub(crate) fn is_peer_closed(&self) -> bool {
        !self.look(PollFlags::IN | PollFlags::RDHUP).is_empty()
    }

    /// Whether the ring's owner is gone.
    pub(crate) fn is_owner_gone(&self) -> bool {
        self.look(PollFlags::empty()).intersects(PollFlags::HUP | PollFlags::ERR)
    }

    fn look(&self, interest: PollFlags) -> PollFlags {
        let mut watched = [PollFd::new(&self.socket, interest)];
        // An error can only be a signal's interruption or a lack of kernel memory: nothing was seen.
        let _ = poll(&mut watched, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        watched[0].revents()
    }

    /// Waits, as a task, until the peer is closed.
    pub(crate) async fn peer_closed(&self) -> io::Result<()> {
        while !self.is_peer_closed() {
            ready(&[(self.as_fd(), EventFlags::IN | EventFlags::RDHUP)]).await?;
        }
        Ok(())
    }

    /// Waits until the peer is closed; `false` when `timeout` has passed before that.
    pub(crate) fn wait_peer_closed(&self, timeout: Option<Duration>) -> io::Result<bool> {
        wait_for(self.socket.as_fd(), PollFlags::IN | PollFlags::RDHUP, Deadline::after(timeout))
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
