//! The broker: the ring's owner writes the records of isolated processes, from sockets they hold.
//!
//! One thread per ring, started by the first hand-over and ended with the ring, serves every connection through one epoll
//! instance.
//!
//! | module | holds |
//! |---|---|
//! | `broker` | the thread's other face: starting it, adding connections, ending it |
//! | `courier` | the thread's loop: whose turn it is, and what to do about a full ring |
//! | `inbox` | several messages from a socket into the ring, under one lock and published at once |
//! | `receive` | taking messages out of a socket |
//! | `sources` | what the thread listens to |
//! | `waits` | writers of any kind that wait for room, which the thread tells of it |
//! | [`remote`] | the writer's side: a record as one datagram |
//!
//! What a hostile process can do with its socket: send what is not a record, which ends its connection; fill the socket's
//! send buffer, which the system bounds; stop, or die. The thread takes the writers' lock only to copy whole messages
//! that it has received, and never blocks under it.

mod courier;
mod inbox;
mod receive;
pub(crate) mod remote;
mod sources;
mod waits;

use crate::callback::run_each;
use crate::event::Event;
use crate::grants::Granted;
use crate::pair::Endpoint;
use crate::process::Generation;
use crate::protocol::room::Wish;
use crate::protocol::{close, section};
use crate::ring::Ring;
use crate::strange::Socket;
use crate::system::spawn_without_signals;
use crate::transport::link;
use crate::transport::mapped::{self, HEARD, Request, TOLD};
use inbox::Inbox;
use rustix::event::epoll;
use rustix::fd::{AsFd, OwnedFd};
pub(crate) use sources::Writer;
use sources::{Connection, Source, Sources};
use std::io;
use std::mem::ManuallyDrop;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
pub(crate) use waits::Room;
use waits::{Waits, Whose};

/// How long the end of a ring waits for its broker thread, which can be held up only by a stopped process that holds the
/// writers' lock.
const PATIENCE: Duration = Duration::from_secs(1);

/// The place of a ring's broker in the process that owns the ring.
#[derive(Debug)]
pub(crate) struct Host {
    state: Mutex<State>,
    /// The owner's process. A fork of it has no broker and gets none: two would count and wait for room in each other's way.
    home: Generation,
}

#[derive(Debug, Default)]
enum State {
    /// No endpoint was handed over yet.
    #[default]
    Idle,
    Running(Running),
    /// The ring's owner is gone.
    Closed,
}

#[derive(Debug)]
struct Running {
    broker: Arc<Broker>,
    /// Never dropped in a fork, where its id may be another thread's.
    thread: ManuallyDrop<JoinHandle<()>>,
    /// Disconnected when the thread is about to end.
    ended: Receiver<()>,
}

/// What the broker thread shares with those who give it work.
#[derive(Debug)]
struct Broker {
    epoll: OwnedFd,
    /// Its room bell says: look again at the room, and whether this is the end.
    ring: Arc<Ring>,
    sources: Mutex<Sources>,
    /// Who waits for room. Never locked before the sources.
    waits: Mutex<Waits>,
    /// Rung when there is one more of those.
    call: Event,
    /// Grants that are still to be taken back, at the end.
    leaving: Mutex<Vec<Source>>,
}

impl Default for Host {
    fn default() -> Self {
        Host { state: Mutex::default(), home: Generation::current() }
    }
}

impl Host {
    /// Adds a connection over which an isolated process is this writer. Returns that process's end.
    pub(crate) fn connect(&self, ring: &Arc<Ring>, writer: Writer) -> io::Result<OwnedFd> {
        let (ours, theirs) = link::pair()?;
        self.start(ring)?.add(Source::writer(Socket::new(ours), writer))?;
        Ok(theirs)
    }

    /// Adds a link to a process that maps the region and is this writer. Returns that process's end.
    pub(crate) fn link(&self, ring: &Arc<Ring>, writer: Writer) -> io::Result<OwnedFd> {
        let (ours, theirs) = link::pair()?;
        let broker = self.start(ring)?;
        broker.watch_doorbell()?;
        broker.add(Source::link(ours, writer))?;
        Ok(theirs)
    }

    /// Adds a writer for which the kernel writes as long as `granted` is its. Returns its process's end of a link. In any case the
    /// grant is taken back in the end.
    pub(crate) fn grant(&self, ring: &Arc<Ring>, writer: Writer, granted: Arc<Granted>) -> io::Result<OwnedFd> {
        writer.entry.add(granted.clone());
        let added = link::pair().and_then(|(ours, theirs)| {
            self.start(ring)?.add(Source::granted(ours, writer.clone(), granted.clone()))?;
            Ok(theirs)
        });
        if added.is_err() {
            close_account(ring, &writer, &granted);
        }
        added
    }

    /// A wait for room for a record of `record_len` bytes, which a writer of this process was just refused.
    pub(crate) fn room(&self, ring: &Arc<Ring>, record_len: u64) -> io::Result<Room> {
        Ok(Room::new(self.start(ring)?, Wish::of_a_writer(&**ring, record_len)))
    }

    /// Takes the right to write back from the isolated copies of a pair's writer.
    pub(crate) fn revoke(&self, ring: &Arc<Ring>, of: &Endpoint) -> io::Result<()> {
        if !self.home.is_current() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "the pair's own process is the parent"));
        }
        let broker = match &*self.lock() {
            State::Running(running) => running.broker.clone(),
            State::Idle | State::Closed => return Ok(()),
        };
        let mut sources = broker.sources();
        let tokens = sources.isolated(|writer| writer.endpoint.is_of_the_same_pair_as(of));
        let mut ended = Vec::new();
        let mut revoked = Vec::new();
        for &token in &tokens {
            match sources.get_mut(token) {
                Some(Source::Granted { granted, .. }) => revoked.push(granted.clone()),
                _ => ended.extend(sources.remove(token)),
            }
        }
        drop(sources);
        // One of them may be in the middle of its turn.
        section::exclusively(&**ring, |_| ended.iter().for_each(Source::revoke));
        for source in &ended {
            broker.ignore(source);
            source.hang_up();
        }
        // Room may be set aside for one of them.
        broker.ring.ring_room_bell();
        // The link stays: it tells when the last copy is gone.
        revoked.iter().for_each(|granted| granted.revoke(&**ring));
        // Whoever waits tries again, and finds out.
        let waiters: Vec<_> = {
            let mut sources = broker.sources();
            tokens.into_iter().flat_map(|token| broker.expect_no_more(&mut sources, token)).collect()
        };
        waiters.iter().for_each(|waiter| broker.dismiss(waiter));
        Ok(())
    }

    /// Closes the ring: from the return of this nothing more is accepted from any writer, and what was is about to be written.
    pub(crate) fn refuse(&self, ring: &Ring) {
        // A fork's ring is its parent's to close.
        if !self.home.is_current() {
            return;
        }
        let mut state = self.lock();
        match &*state {
            State::Idle => {
                *state = State::Closed;
                drop(state);
                close::finish(ring);
            }
            State::Running(running) => {
                let broker = running.broker.clone();
                drop(state);
                close::refuse(ring);
                // It finishes when it has written the last.
                broker.refuse();
            }
            // It was, or the thread does it when it ends.
            State::Closed => {}
        }
    }

    /// The ring's owner is going: every writer elsewhere gets `PEER_CLOSED` from now on, and the thread ends.
    pub(crate) fn close(&self, ring: &Ring) {
        // Before the lock, which may have been held when the fork was made.
        if !self.home.is_current() {
            return;
        }
        let before = std::mem::replace(&mut *self.lock(), State::Closed);
        let Running { broker, thread, ended } = match before {
            State::Running(running) => running,
            State::Idle => return close::abandon(ring),
            State::Closed => return,
        };
        let thread = ManuallyDrop::into_inner(thread);
        broker.close();
        // A task that the thread itself woke may be what drops the ring.
        let itself = thread.thread().id() == thread::current().id();
        if !itself && ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Disconnected) {
            // A panic in there has been reported by the thread itself. Then it has not closed the ring.
            if thread.join().is_err() {
                close::abandon(ring);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this process may hand over. What it needs for that, beside the broker, is not to be touched in a fork either: the
    /// parent's threads may have held the locks, and what is given there is given here once more.
    ///
    /// # Errors
    /// `Unsupported` in a fork.
    pub(crate) fn must_be_home(&self) -> io::Result<()> {
        if !self.home.is_current() {
            let why = "an endpoint that came by fork: its ring's broker runs in the parent, which can hand it over";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        Ok(())
    }

    fn start(&self, ring: &Arc<Ring>) -> io::Result<Arc<Broker>> {
        self.must_be_home()?;
        if close::is_closing(&**ring) {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the ring is closed"));
        }
        let mut state = self.lock();
        match &*state {
            State::Idle => {}
            State::Running(running) => return Ok(running.broker.clone()),
            State::Closed => return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the ring's owner is gone")),
        }
        weakest_facade::native::enable_heavy_fences()?;
        let broker = Arc::new(Broker::new(ring.clone())?);
        let (ends, ended) = channel();
        let thread = spawn(broker.clone(), ends)?;
        *state = State::Running(Running { broker: broker.clone(), thread: ManuallyDrop::new(thread), ended });
        Ok(broker)
    }
}

fn spawn(broker: Arc<Broker>, ends: Sender<()>) -> io::Result<JoinHandle<()>> {
    let inbox = Inbox::new()?;
    spawn_without_signals(thread::Builder::new().name("iobring-broker".into()), move || {
        courier::run(&broker, inbox);
        broker.take_leave();
        drop(broker);
        drop(ends);
    })
}

/// How many at a time may wait for room with copies of one writer that was handed over, for which the kernel writes: each costs a
/// descriptor of this process, which trusts them with nothing.
const MOST_WAITERS: usize = 64;

/// Whether a process that maps the region, or for which the kernel writes, asks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attended {
    /// Perhaps.
    More,
    /// Not now.
    All,
    /// Never again: every copy is gone.
    End,
}

/// The broker's bell among the epoll instance's tokens; those of the sources follow.
const BELL: u64 = 0;
/// The doorbell of the reader.
const DOORBELL: u64 = 1;
/// The bell that the kernel rings for a task of the reader's.
const WAKERS_BELL: u64 = 2;

/// Somebody waits for room.
const CALL: u64 = 3;

/// What is heard of each descriptor.
const EVERY_CHANGE: epoll::EventFlags =
    epoll::EventFlags::IN.union(epoll::EventFlags::RDHUP).union(epoll::EventFlags::ET);

/// Takes a grant back: nothing is published for its holder any more, and what was is its tag's.
fn close_account(ring: &Ring, writer: &Writer, granted: &Arc<Granted>) {
    granted.revoke(ring);
    section::exclusively(ring, |_| writer.entry.close(granted));
    if let Some(kernel) = &ring.kernel {
        kernel.grants.take_back(granted);
    }
}

impl Broker {
    fn new(ring: Arc<Ring>) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let call = Event::new()?;
        let (sources, waits, leaving) = (Mutex::default(), Mutex::default(), Mutex::default());
        let broker = Broker { epoll, ring, sources, waits, call, leaving };
        broker.listen_to(broker.ring.room_bell()?, BELL)?;
        broker.listen_to(&broker.call, CALL)?;
        if let Some(kernel) = &broker.ring.kernel {
            broker.listen_to(&kernel.wakers_bell, WAKERS_BELL)?;
        }
        Ok(broker)
    }

    /// Reports every change of `descriptor` under `token`, once each.
    fn listen_to(&self, descriptor: impl AsFd, token: u64) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, descriptor, epoll::EventData::new_u64(token), EVERY_CHANGE)?)
    }

    /// Reports what is there already of a `descriptor` that is listened to.
    fn hear_again(&self, descriptor: impl AsFd, token: u64) {
        // It cannot fail: it was added.
        let _ = epoll::modify(&self.epoll, descriptor, epoll::EventData::new_u64(token), EVERY_CHANGE);
    }

    /// From the first process on that can ring nothing but the reader's descriptor.
    fn watch_doorbell(&self) -> io::Result<()> {
        match self.listen_to(&self.ring.doorbell, DOORBELL) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            result => result,
        }
    }

    fn add(&self, source: Source) -> io::Result<u64> {
        self.add_to(&mut self.sources(), source)
    }

    fn add_to(&self, sources: &mut Sources, source: Source) -> io::Result<u64> {
        let descriptor = source.descriptor();
        let Some(token) = sources.insert(source) else {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the ring's owner is gone"));
        };
        if let Err(error) = self.listen_to(&descriptor, token) {
            sources.remove(token);
            return Err(error);
        }
        Ok(token)
    }

    fn remove(&self, token: u64) -> Option<Source> {
        let removed = self.sources().remove(token)?;
        self.ignore(&removed);
        Some(removed)
    }

    /// Explicitly, because a forked child may hold a copy of the descriptor, and closing ours is not enough then.
    fn ignore(&self, source: &Source) {
        // It fails only for what was not added.
        let _ = epoll::delete(&self.epoll, source.descriptor());
    }

    /// Lets nothing in any more: what was sent is still received.
    fn refuse(&self) {
        let mut sources = self.sources();
        for (token, connection) in sources.refuse() {
            // Who maps the region may have handed its endpoint on already, isolated. What it asks for from now on it asks too late:
            // it can send as fast as this receives.
            for _ in 0..mapped::requests_waiting(connection.socket.as_fd()) {
                if self.attend(&mut sources, token, &connection) != Attended::More {
                    break;
                }
            }
        }
        sources.admit_no_writer();
        let has_ended = sources.is_closed();
        drop(sources);
        self.ring.ring_room_bell();
        // By a panic in somebody's waker.
        if has_ended {
            courier::finish(self);
        }
    }

    /// Does the next thing that a process asks for which maps the region, or for which the kernel writes. The sources are locked from
    /// before it is asked until it is done, so that at the end of the ring no socket is between the two.
    fn attend(&self, sources: &mut Sources, token: u64, connection: &Connection) -> Attended {
        // Whoever does not map the region may wait for room, and nothing else.
        let (waiters, revoked) = match sources.get_mut(token) {
            Some(Source::Granted { waiters, revoked, .. }) => (Some(waiters.len()), *revoked),
            Some(_) => (None, false),
            // It was taken out, and its link is about to hang up. Whatever was taken from it now would be answered before that, by
            // its end alone, as if there were nothing left to take it with.
            None => return Attended::All,
        };
        let added = match mapped::next_request(connection.socket.as_fd()) {
            Ok(Request::Nothing) => return Attended::All,
            Ok(Request::Watch(_) | Request::Connect(_)) if waiters.is_some() => return Attended::End,
            Ok(Request::Watch(process)) => {
                let process = Source::Process { process: Arc::new(process), link: token };
                self.add_to(sources, process).map(|process| {
                    if let Some(Source::Link { processes, .. }) = sources.get_mut(token) {
                        processes.push(process);
                    }
                })
            }
            Ok(Request::Connect(socket)) => self
                .add_to(sources, Source::writer(socket, connection.writer.clone()))
                .map(|token| sources.tell(token, HEARD)),
            Ok(Request::Room(socket, _)) if revoked => {
                self.dismiss(&Source::waiter(socket, token));
                Ok(())
            }
            // It could have all descriptors of this process.
            Ok(Request::Room(..)) if waiters.is_some_and(|waiters| waiters >= MOST_WAITERS) => Ok(()),
            Ok(Request::Room(socket, record_len)) => {
                let wish = Wish::of_a_writer(&*self.ring, record_len);
                self.add_to(sources, Source::waiter(socket, token)).map(|waiter| {
                    if let Some(Source::Granted { waiters, .. }) = sources.get_mut(token) {
                        waiters.push(waiter);
                    }
                    sources.tell(waiter, HEARD);
                    // After the end its socket is closed with the others.
                    self.waits().add_process(waiter, wish);
                })
            }
            // Its sender can write, and has an account, and keeps both until the last copy is gone.
            Ok(Request::Void) => Ok(()),
            Ok(Request::End) => return Attended::End,
            Err(_) => {
                if waiters.is_none() {
                    // Whoever sends what is no request has the mapping still: its account shall never be another's.
                    self.ring.book.keep(connection.writer.entry.clone());
                }
                return Attended::End;
            }
        };
        // A request that cannot be granted for want of something closes what was sent with it, which its sender notices.
        drop(added);
        Attended::More
    }

    /// A writer for which the kernel writes may not write any more. Returns those that wait for room with copies of it, to which nobody
    /// listens from now on.
    fn expect_no_more(&self, sources: &mut Sources, token: u64) -> Vec<Source> {
        let Some(Source::Granted { waiters, revoked, .. }) = sources.get_mut(token) else {
            return Vec::new();
        };
        *revoked = true;
        let waiters = std::mem::take(waiters);
        let mut waits = self.waits();
        waiters.iter().for_each(|&waiter| waits.forget_process(waiter));
        waiters.into_iter().filter_map(|waiter| sources.remove(waiter)).collect()
    }

    /// Ends every connection, now and for good, and tells the thread.
    fn close(&self) {
        let sources = self.sources().close();
        for source in &sources {
            self.ignore(source);
            source.hang_up();
        }
        // What is granted is taken back by the thread, since it takes the writers' lock, which somebody who is stopped may hold.
        let granted = sources.into_iter().filter(|source| matches!(source, Source::Granted { .. }));
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner).extend(granted);
        self.ring.ring_room_bell();
        let waited = self.waits().close();
        self.tell(waited);
    }

    /// Tells those who waited for room, and are no longer among the waits, to try again.
    fn tell(&self, waited: Vec<Whose>) {
        let tell = |whose| match whose {
            Whose::Task(_, waker) => waker.wake(),
            Whose::Process(token) => {
                if let Some(waiter) = self.sources().remove(token) {
                    self.dismiss(&waiter);
                }
            }
        };
        run_each(waited.into_iter().map(|whose| || tell(whose)));
    }

    /// Tells a process that waited for room to try again.
    fn dismiss(&self, waiter: &Source) {
        // It may never have been listened to.
        self.ignore(waiter);
        waiter.tell(TOLD);
        waiter.hang_up();
    }

    /// Has the thread look at the waits.
    fn call(&self) {
        self.call.ring();
    }

    /// Takes back what is granted still, and closes the ring to all others. Who is refused from now on finds the owner gone.
    fn take_leave(&self) {
        let leaving = std::mem::take(&mut *self.leaving.lock().unwrap_or_else(PoisonError::into_inner));
        for source in leaving {
            if let Source::Granted { connection, granted, .. } = source {
                close_account(&self.ring, &connection.writer, &granted);
            }
        }
        close::finish(&*self.ring);
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Status;
    use crate::transport::link::Link;
    use crate::waiting::Deadline;

    /// The owner goes between somebody's request and the thread that was about to attend to it: that is the end of the ring, and not a
    /// lack of anything.
    #[test]
    fn who_asks_at_the_end_finds_the_owner_gone() {
        let ring = Arc::new(Ring::create(4096).unwrap());
        let broker = Broker::new(ring.clone()).unwrap();
        let (ours, theirs) = link::pair().unwrap();
        let writer = Writer { tag: 1, endpoint: Endpoint::pair(None).0, entry: ring.book.open(1) };
        let token = broker.add(Source::link(ours, writer)).unwrap();
        let link = Link::new(Socket::new(theirs));
        thread::scope(|scope| {
            let waits = scope.spawn(|| mapped::wait_for_room(&link, 16, Deadline::after(None)));
            let connection = match broker.sources().get_mut(token) {
                Some(Source::Link { connection, .. }) => connection.clone(),
                _ => unreachable!(),
            };
            while mapped::requests_waiting(connection.socket.as_fd()) == 0 {
                thread::yield_now();
            }
            let sources = broker.sources().close();
            broker.attend(&mut broker.sources(), token, &connection);
            sources.iter().for_each(Source::hang_up);
            drop((sources, connection));
            assert_eq!(waits.join().unwrap(), Err(Status::PEER_CLOSED));
        });
    }
}
