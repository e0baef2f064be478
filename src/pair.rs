//! Two endpoints that know of each other's end.

use crate::callback::run_each;
use crate::process::Generation;
use crate::protocol::peer::Copies;
use crate::strange::Socket;
use crate::waiting::{Deadline, wait_for};
use crate::writers::Token;
use rustix::event::PollFlags;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, shutdown, socketpair};
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use weakest_facade::Native;

/// One copy of one of the two ends. Cloning makes another copy; when the last is dropped, the other end is told.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pair: Arc<[Side; 2]>,
    side: usize,
}

struct Side {
    copies: Copies<Native>,
    lifeline: Mutex<Lifeline>,
    /// The lifeline's other end.
    watch: OnceLock<OwnedFd>,
    /// Whose copies count. A fork's do not.
    home: Generation,
}

/// Who is told when the last copy of a side is gone. Most pairs never need theirs.
#[derive(Debug, Default)]
struct Lifeline {
    closed: bool,
    /// In this process: one end of a pair of sockets, which is shut down. To close it would not do, since a fork of this process
    /// has a copy.
    socket: Option<OwnedFd>,
    /// In other processes: the sockets to copies of the other side, whose sending half is shut down.
    sockets: Vec<Weak<Socket>>,
    /// In this process: tasks that wait, each with a number of its own.
    tasks: Vec<(u64, Waker)>,
    /// The number of the next task.
    next: u64,
    /// Let go of when the last copy is gone, if there is one.
    token: Option<Arc<Token>>,
}

impl Side {
    fn new(token: Option<Arc<Token>>) -> Self {
        Side {
            copies: Copies::one(),
            lifeline: Mutex::new(Lifeline { token, ..Lifeline::default() }),
            watch: OnceLock::new(),
            home: Generation::current(),
        }
    }

    /// This side's descriptor, which is made when first asked for.
    fn watch(&self) -> io::Result<&OwnedFd> {
        if let Some(watch) = self.watch.get() {
            return Ok(watch);
        }
        // Nobody would tell one that a fork makes, which may find the lock held for ever.
        if !self.home.is_current() {
            let why = "the end of a pair that was made before this fork comes by a descriptor that was asked for before it, too";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let mut lifeline = self.lifeline.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watch) = self.watch.get() {
            return Ok(watch);
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (socket, watch) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        if lifeline.closed {
            end(&socket);
        } else {
            lifeline.socket = Some(socket);
        }
        Ok(self.watch.get_or_init(|| watch))
    }

    /// Has `socket`'s sending half shut down once this side is gone.
    fn tell(&self, socket: &Arc<Socket>) {
        let mut lifeline = self.lifeline.lock().unwrap_or_else(PoisonError::into_inner);
        if lifeline.closed {
            hang_up_on(socket);
        }
        if lifeline.sockets.len() == lifeline.sockets.capacity() {
            lifeline.sockets.retain(|socket| socket.strong_count() > 0);
        }
        lifeline.sockets.push(Arc::downgrade(socket));
    }

    fn hang_up(&self) {
        // A fork shares sockets and descriptor, and its copies are not the ones that count; nor may it wait for a lock that
        // some thread held when it was made.
        if !self.home.is_current() {
            return;
        }
        let mut lifeline = self.lifeline.lock().unwrap_or_else(PoisonError::into_inner);
        lifeline.closed = true;
        if let Some(socket) = lifeline.socket.take() {
            end(&socket);
        }
        let (sockets, token) = (std::mem::take(&mut lifeline.sockets), lifeline.token.take());
        let tasks = std::mem::take(&mut lifeline.tasks);
        // What a token's end, or a waker, does is not for under the lock.
        drop(lifeline);
        sockets.iter().filter_map(Weak::upgrade).for_each(|socket| hang_up_on(&socket));
        // The end of a token may wake the reader's task.
        let calls = tasks.into_iter().map(|(_, waker)| (Some(waker), None)).chain([(None, token)]);
        run_each(calls.map(|(waker, token)| {
            || {
                waker.into_iter().for_each(Waker::wake);
                drop(token);
            }
        }));
    }
}

/// A task's wait until every copy of the other end is gone, in the process where the pair was made. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct PeerClosed<'a> {
    endpoint: &'a Endpoint,
    /// What it is registered under.
    number: Option<u64>,
}

impl Future for PeerClosed<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: core::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let side = self.endpoint.other();
        // A fork may have made a copy of this, too.
        if !side.home.is_current() {
            return Poll::Ready(Err(not_here()));
        }
        // A waker's clone and drop are its runtime's code: not for under the lock.
        let waker = context.waker().clone();
        let mut lifeline = side.lifeline.lock().unwrap_or_else(PoisonError::into_inner);
        if lifeline.closed {
            return Poll::Ready(Ok(()));
        }
        let number = self.number.unwrap_or_else(|| {
            lifeline.next += 1;
            lifeline.next
        });
        let before = match lifeline.tasks.iter_mut().find(|(other, _)| *other == number) {
            Some((_, registered)) => Some(std::mem::replace(registered, waker)),
            None => {
                lifeline.tasks.push((number, waker));
                None
            }
        };
        drop(lifeline);
        drop(before);
        self.number = Some(number);
        Poll::Pending
    }
}

impl Drop for PeerClosed<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else {
            return;
        };
        let side = self.endpoint.other();
        // A fork's copy may find the lock held for ever, and wakes nobody.
        if !side.home.is_current() {
            return;
        }
        let mut lifeline = side.lifeline.lock().unwrap_or_else(PoisonError::into_inner);
        let at = lifeline.tasks.iter().position(|(other, _)| *other == number);
        let registered = at.map(|at| lifeline.tasks.swap_remove(at));
        drop(lifeline);
        drop(registered);
    }
}

/// Why a task cannot wait for the end of a pair that was made in another process.
pub(crate) fn not_here() -> io::Error {
    let why = "the end of a pair that was made in another process comes by its descriptor, for a reactor to wait for";
    io::Error::new(io::ErrorKind::Unsupported, why)
}

/// Makes the other end of `socket` hang up.
fn end(socket: &OwnedFd) {
    // It cannot fail: the socket is connected.
    let _ = shutdown(socket, Shutdown::Both);
}

/// Gives the process at the other end of `socket` an end of file.
fn hang_up_on(socket: &Socket) {
    // It fails only where the other end is gone already.
    let _ = shutdown(socket, Shutdown::Write);
}

impl core::fmt::Debug for Side {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Side").field("closed", &self.copies.is_closed()).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// A new pair, whose first side holds the token, if there is one.
    pub(crate) fn pair(token: Option<Arc<Token>>) -> (Endpoint, Endpoint) {
        let pair = Arc::new([Side::new(token), Side::new(None)]);
        (Endpoint { pair: pair.clone(), side: 0 }, Endpoint { pair, side: 1 })
    }

    fn me(&self) -> &Side {
        &self.pair[self.side]
    }

    fn other(&self) -> &Side {
        &self.pair[1 - self.side]
    }

    /// Whether these are ends of one pair.
    pub(crate) fn is_of_the_same_pair_as(&self, other: &Endpoint) -> bool {
        Arc::ptr_eq(&self.pair, &other.pair)
    }

    /// Whether every copy of the other end is gone.
    pub(crate) fn is_peer_closed(&self) -> bool {
        self.other().copies.is_closed()
    }

    /// Has `socket`, which leads to a copy of this end in another process, tell when the other end is gone.
    pub(crate) fn tell_peer_closed_on(&self, socket: &Arc<Socket>) {
        self.other().tell(socket);
    }

    /// A descriptor that hangs up when the other end is gone.
    pub(crate) fn try_as_fd(&self) -> io::Result<BorrowedFd<'_>> {
        self.other().watch().map(|fd| fd.as_fd())
    }

    /// A task's wait until the other end is gone.
    pub(crate) fn peer_closed(&self) -> PeerClosed<'_> {
        PeerClosed { endpoint: self, number: None }
    }

    /// Waits until the other end is gone; `false` when `timeout` has passed before that.
    pub(crate) fn wait_peer_closed(&self, timeout: Option<Duration>) -> io::Result<bool> {
        if self.is_peer_closed() {
            return Ok(true);
        }
        Ok(wait_for(self.try_as_fd()?, PollFlags::IN, Deadline::after(timeout))? || self.is_peer_closed())
    }
}

impl Clone for Endpoint {
    fn clone(&self) -> Self {
        self.me().copies.retain();
        Endpoint { pair: self.pair.clone(), side: self.side }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if self.me().copies.release() {
            self.me().hang_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, Side};
    use crate::strange::Socket;
    use rustix::pipe::pipe;
    use std::io::ErrorKind;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn a_task_that_waits_no_more_is_forgotten() {
        let (one, other) = Endpoint::pair(None);
        let tasks = |endpoint: &Endpoint| endpoint.other().lifeline.lock().unwrap().tasks.len();
        {
            let mut waits = [pin!(one.peer_closed()), pin!(one.peer_closed())];
            for wait in &mut waits {
                for _ in 0..2 {
                    assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                }
            }
            assert_eq!(tasks(&one), 2, "each is registered once, however often it is polled");
        }
        assert_eq!(tasks(&one), 0);
        drop(other);
        assert!(pin!(one.peer_closed()).poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }

    #[test]
    fn a_fork_does_not_wait_for_a_lock_that_was_held() {
        let (one, _other) = Endpoint::pair(None);
        let mut wait = Box::pin(one.peer_closed());
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let held = one.other().lifeline.lock().unwrap();
        // SAFETY: the child polls, drops and ends; what that allocates is the C library's to allow after a fork.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: this process is the child alone, and the alarm ends it where it waits.
            unsafe { libc::alarm(60) };
            let polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            let refused = matches!(polled, Poll::Ready(Err(error)) if error.kind() == ErrorKind::Unsupported)
                && one.try_as_fd().is_err_and(|error| error.kind() == ErrorKind::Unsupported)
                && one.wait_peer_closed(None).is_err();
            drop(wait);
            // SAFETY: ends the child without the parent's destructors.
            unsafe { libc::_exit(i32::from(!refused)) };
        }
        let mut status = -1;
        // SAFETY: the child is ours.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        drop(held);
        assert_eq!(status, 0);
    }

    #[test]
    fn sockets_that_are_gone_are_forgotten() {
        let side = Side::new(None);
        for _ in 0..1_000 {
            let (socket, _) = pipe().unwrap();
            side.tell(&Arc::new(Socket::new(socket)));
        }
        assert!(side.lifeline.lock().unwrap().sockets.capacity() < 10);
    }
}
