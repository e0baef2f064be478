//! The broker thread's loop.
//!
//! Writers with something to receive stand in a queue. Each in turn may deliver as many messages as the [`Inbox`] takes at once and
//! goes to the end of the queue: a flood costs its neighbours so many messages' time per round and no more. If there is no room for
//! the next message, everybody waits, whoever is next first: small messages of others would otherwise keep a large one out for
//! ever. Against those who write into the ring themselves it has room set aside, once it was told of room and found it gone
//! ([`room`]).
//!
//! Other writers wait for room by way of this thread. They have no turn: those whose wish is due are told, all of them, and who is
//! quickest has it.

use super::inbox::Inbox;
use super::receive::Received;
use super::sources::{Connection, Source};
use super::{Attended, BELL, Broker, CALL, DOORBELL, WAKERS_BELL, close_account};
use crate::callback::run_each;
use crate::protocol::memory::bell;
use crate::protocol::room::Wish;
use crate::protocol::{close, room};
use crate::ring::Ring;
use crate::transport::mapped;
use rustix::event::epoll;
use rustix::fd::AsFd;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::sync::Arc;
use weakest_facade::native::heavy_fences_are_refused;

/// How many events are fetched at once.
const EVENTS: usize = 64;

/// How long it waits for room before it looks again, in nanoseconds, where it cannot rely on being told.
const LOOKS_AGAIN: i64 = 1_000_000;

/// The thread's body: runs until the ring's owner is gone.
pub(super) fn run(broker: &Broker, inbox: Inbox) {
    let queue = VecDeque::new();
    let mut courier =
        Courier { broker, ring: &broker.ring, queue, inbox, full: None, shared: false, untold: false, waiting: None };
    // Ends before the courier does, which may have to wait for the writers' lock then.
    let _end = End(broker);
    let mut events = Vec::with_capacity(EVENTS);
    while !broker.sources().is_closed() {
        courier.fetch(&mut events);
        for event in events.drain(..) {
            courier.hear(event.data.u64());
        }
        courier.serve();
        courier.look_after_others();
        finish(broker);
    }
}

/// The ring is to be closed, and everything was received: closes it.
pub(super) fn finish(broker: &Broker) {
    if broker.sources().are_drained() && !close::is_closed(&*broker.ring) {
        close::finish(&*broker.ring);
    }
}

/// However the loop ends, by a panic in somebody's waker too, nobody is left believing in it. There may be another such waker.
struct End<'a>(&'a Broker);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let broker = self.0;
        run_each([Broker::close as fn(&Broker), finish].map(|step| move || step(broker)));
    }
}

/// What a source that is no isolated writer has to say.
enum Heard {
    /// A process that maps the region, or for which the kernel writes, wants something; or is gone.
    Request(Arc<Connection>),
    /// A process that maps the region has ended.
    Death,
    /// A process waits for room no more.
    Departure,
}

struct Courier<'a> {
    broker: &'a Broker,
    ring: &'a Arc<Ring>,
    /// Who has something to receive, by token, next first.
    queue: VecDeque<u64>,
    /// What was taken from the next one's socket, and not written yet.
    inbox: Inbox,
    /// What the next one's message waits for, if it found no room.
    full: Option<Wish>,
    /// Whether the last that was asked for was somebody else's wish, too.
    shared: bool,
    /// Whether it may not be told of room: the fence against a lost wish was refused.
    untold: bool,
    /// Whose message was the last to be refused for lack of room, and is in the inbox still. Room may be set aside for it.
    waiting: Option<u64>,
}

/// However the loop ends, nobody else is kept from the room.
impl Drop for Courier<'_> {
    fn drop(&mut self) {
        run_each([|| self.no_longer_waits()]);
    }
}

impl Courier<'_> {
    /// Waits for news; does not wait while somebody can be served.
    fn fetch(&mut self, events: &mut Vec<epoll::Event>) {
        let busy = !self.queue.is_empty() && self.full.is_none();
        let looks_again = self.untold && (self.full.is_some() || !self.broker.waits().is_empty());
        let time = rustix::event::Timespec { tv_sec: 0, tv_nsec: if busy { 0 } else { LOOKS_AGAIN } };
        let limit = (busy || looks_again).then_some(&time);
        match epoll::wait(&self.broker.epoll, rustix::buffer::spare_capacity(events), limit) {
            Ok(0) if looks_again => self.full = None,
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => panic!("epoll_wait on a valid instance: {errno}"),
        }
    }

    fn hear(&mut self, token: u64) {
        match token {
            BELL => {
                // Before the look: what comes after it rings again.
                self.ring.silence_room_bell();
                self.full = self.full.filter(|wish| !wish.is_due(&**self.ring));
                // The reader has taken the wish, whosever it was.
                self.shared |= self.full.is_some();
            }
            CALL => self.broker.call.silence(),
            // Left readable: it is the reader who makes it silent.
            DOORBELL => self.ring.doorbell.wake(),
            WAKERS_BELL => {
                // Made silent first: who rings from now on is heard again.
                if let Some(kernel) = &self.ring.kernel {
                    kernel.wakers_bell.silence();
                }
                self.ring.doorbell.wake();
            }
            token => self.hear_source(token),
        }
    }

    fn hear_source(&mut self, token: u64) {
        let heard = match self.broker.sources().get_mut(token) {
            Some(Source::Writer { queued, .. }) => {
                if !std::mem::replace(queued, true) {
                    self.queue.push_back(token);
                }
                return;
            }
            Some(Source::Link { connection, .. } | Source::Granted { connection, .. }) => {
                Heard::Request(connection.clone())
            }
            Some(Source::Process { .. }) => Heard::Death,
            Some(Source::Waiter { .. }) => Heard::Departure,
            None => return,
        };
        match heard {
            Heard::Request(connection) => self.attend(token, &connection),
            Heard::Death => self.bury(token),
            Heard::Departure => {
                self.broker.waits().forget_process(token);
                self.broker.remove(token);
            }
        }
    }

    /// Gives everybody in the queue one turn.
    fn serve(&mut self) {
        // Revoked in the middle of its turn, it does not even stand in the queue any more.
        if let Some(token) = self.waiting
            && self.broker.sources().get_mut(token).is_none()
        {
            self.no_longer_waits();
            self.full = None;
        }
        for _ in 0..self.queue.len() {
            if self.full.is_some() {
                return;
            }
            let Some(token) = self.queue.pop_front() else {
                return;
            };
            let connection = match self.broker.sources().get_mut(token) {
                Some(Source::Writer { connection, queued }) => {
                    *queued = false;
                    connection.clone()
                }
                _ => {
                    if self.waiting == Some(token) {
                        self.no_longer_waits();
                    }
                    continue;
                }
            };
            self.turn(token, &connection);
        }
    }

    fn turn(&mut self, token: u64, connection: &Connection) {
        self.inbox.open(token, connection);
        loop {
            let received = self.inbox.deliver(self.ring, connection, self.waiting == Some(token));
            match received {
                // What was set aside is used.
                Received::Records => self.waiting = None,
                Received::NoRoom(_) => self.waiting = Some(token),
                _ if self.waiting == Some(token) => self.no_longer_waits(),
                _ => {}
            }
            match received {
                Received::Records => {}
                Received::Nothing => return,
                Received::Turn => return self.requeue(token, VecDeque::push_back),
                Received::NoRoom(record_len) => {
                    self.inbox.fill(connection);
                    let wish = Wish::own(&**self.ring, record_len);
                    self.full = (!room::want(&**self.ring, record_len)).then_some(wish);
                    self.untold = heavy_fences_are_refused();
                    return self.requeue(token, VecDeque::push_front);
                }
                Received::End => {
                    if let Some(source) = self.broker.remove(token) {
                        // What looked like the end may have been an empty datagram: its sender finds its connection gone
                        // before the peer finds the writer gone.
                        source.hang_up();
                    }
                    return;
                }
                Received::Bad(_) => {
                    connection.writer.entry.own.0.bad.add(1, 0);
                    return self.expel(token);
                }
            }
        }
    }

    /// Tells those whose wish for room is due, and asks for the least of all others.
    fn look_after_others(&mut self) {
        loop {
            let mut waits = self.broker.waits();
            let due = waits.take(|wish| wish.is_due(&**self.ring));
            let asks = !waits.is_empty() || self.shared;
            let found = asks && room::want_any(&**self.ring, waits.wishes().chain(self.full));
            self.shared = !waits.is_empty();
            drop(waits);
            self.broker.tell(due);
            if asks {
                self.untold = heavy_fences_are_refused();
            }
            if !found {
                return;
            }
            self.full = self.full.filter(|wish| !wish.is_due(&**self.ring));
        }
    }

    /// Whoever waited is gone: what was set aside for it is everybody's.
    fn no_longer_waits(&mut self) {
        if self.waiting.take().is_some() {
            room::give_up(&**self.ring);
        }
    }

    fn requeue(&mut self, token: u64, push: fn(&mut VecDeque<u64>, u64)) {
        if let Some(Source::Writer { queued, .. }) = self.broker.sources().get_mut(token) {
            *queued = true;
            push(&mut self.queue, token);
        }
    }

    /// Ends the connection of a process that does not keep to the rules.
    fn expel(&mut self, token: u64) {
        if let Some(source) = self.broker.remove(token) {
            source.hang_up();
        }
    }

    /// Does what a process has asked for that maps the region, or for which the kernel writes; or its end is noticed.
    fn attend(&mut self, token: u64, connection: &Connection) {
        // It may ask as fast as this answers, and others have their turn too.
        for _ in 0..=mapped::requests_waiting(connection.socket.as_fd()) {
            let attended = self.broker.attend(&mut self.broker.sources(), token, connection);
            match attended {
                Attended::More => {}
                Attended::All => return,
                Attended::End => return self.unlink(token),
            }
        }
        self.broker.hear_again(&*connection.socket, token);
    }

    /// Every copy that a link stood for is gone.
    fn unlink(&mut self, token: u64) {
        let waiters = self.broker.expect_no_more(&mut self.broker.sources(), token);
        waiters.iter().for_each(|waiter| self.broker.dismiss(waiter));
        if let Some(source) = self.broker.remove(token) {
            if let Source::Granted { connection, granted, .. } = &source {
                close_account(self.ring, &connection.writer, granted);
                // It may be one who does not keep to the rules, and is there still: it finds its right gone with the link.
                return source.hang_up();
            }
            // As there.
            source.hang_up();
            if let Source::Link { processes, .. } = &source {
                for &process in processes {
                    self.broker.remove(process);
                }
            }
            drop(source);
            self.ring_for_the_dead();
        }
    }

    /// A process that maps the region has ended.
    fn bury(&mut self, token: u64) {
        if let Some(Source::Process { link, .. }) = self.broker.remove(token)
            && let Some(Source::Link { processes, .. }) = self.broker.sources().get_mut(link)
        {
            processes.retain(|&process| process != token);
        }
        self.ring_for_the_dead();
    }

    /// Whoever died may have published a record, and taken the reader's wish to be told of it with it.
    fn ring_for_the_dead(&self) {
        self.ring.doorbell.ring(bell::WAKER | bell::DESCRIPTOR);
    }
}
