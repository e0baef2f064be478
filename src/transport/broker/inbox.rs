//! Messages on their way from a writer's socket into the ring.
//!
//! Several are taken with one system call and without the lock, into memory of this thread's alone; then they are written under
//! one lock and published at once, as many as there is room for. The others stay, and nobody else is served meanwhile, so that one
//! inbox is enough for all writers. It is filled up again while they wait: room for one record lets one more into the socket.

use super::receive::{self, LONGEST, Offence, Received};
use super::remote::{HEADER, Header};
use super::sources::{Connection, Writer};
use crate::layout::ring_buffer_record_len;
use crate::orderings::UNDER_LOCK;
use crate::protocol::account::Account;
use crate::protocol::write::{self, Refusal};
use crate::ring::Ring;
use core::mem;
use std::alloc::{Layout, alloc_zeroed};
use std::collections::VecDeque;
use std::io;

/// How many messages are taken at once.
pub(super) const MOST: usize = 16;

/// Why nothing was written under the lock.
enum Missed {
    Refused(Refusal),
    Revoked,
}

impl From<Refusal> for Missed {
    fn from(refusal: Refusal) -> Self {
        Missed::Refused(refusal)
    }
}

/// One writer's messages that were taken and not written yet.
pub(super) struct Inbox {
    waiting: VecDeque<Letter>,
    /// Where the next ones go. Together with those that wait there are [`MOST`]; the system gives memory to what was used once.
    free: Vec<Box<[u8]>>,
    /// What is the case once all are written.
    then: Received,
    /// Whose they are.
    token: u64,
}

/// One message.
struct Letter {
    header: Header,
    /// Of the message, in bytes.
    len: usize,
    datagram: Box<[u8]>,
}

impl Letter {
    fn message(&self) -> &[u8] {
        &self.datagram[HEADER..][..self.len]
    }
}

/// Room for one message. Zeroed by the system, which gives memory to what is used.
fn place() -> io::Result<Box<[u8]>> {
    let layout = Layout::new::<[u8; LONGEST]>();
    // SAFETY: it is not of no bytes.
    let place = unsafe { alloc_zeroed(layout) }.cast::<[u8; LONGEST]>();
    if place.is_null() {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    // SAFETY: allocated with the layout by which the box frees it, and initialised.
    Ok(unsafe { Box::from_raw(place) })
}

impl Inbox {
    /// # Errors
    /// `OutOfMemory`: a hand-over's error, where the thread could only end the process.
    pub(super) fn new() -> io::Result<Self> {
        let free = (0..MOST).map(|_| place()).collect::<io::Result<_>>()?;
        // No source has this token.
        Ok(Inbox { waiting: VecDeque::with_capacity(MOST), free, then: Received::Nothing, token: 0 })
    }

    /// Begins the turn of this connection. What is left of another's is dropped: its right to write was taken back.
    pub(super) fn open(&mut self, token: u64, connection: &Connection) {
        if self.token != token {
            self.token = token;
            self.free.extend(self.waiting.drain(..).map(|letter| letter.datagram));
        }
        if self.waiting.is_empty() {
            self.then = Received::Turn;
            self.fill(connection);
        } else if self.then == Received::Nothing {
            // That was in an earlier turn: more may have come meanwhile, and nobody tells of it again.
            self.then = Received::Turn;
        }
    }

    /// Takes what waits in the socket, as much as there is place for, unless its end was seen already.
    pub(super) fn fill(&mut self, connection: &Connection) {
        if !matches!(self.then, Received::Turn | Received::Nothing) || self.free.is_empty() {
            return;
        }
        let asked = if connection.socket.is_free_of_descriptors() { self.free.len() } else { 1 };
        let (datagrams, all) = match receive::take(connection, &mut self.free[..asked]) {
            Ok(taken) => taken,
            Err(then) => return self.then = then,
        };
        self.then = if all { Received::Nothing } else { Received::Turn };
        let mut taken = 0;
        for datagram in datagrams {
            match datagram.message(&self.free[taken]) {
                Ok((header, len)) => {
                    let datagram = mem::take(&mut self.free[taken]);
                    self.waiting.push_back(Letter { header, len, datagram });
                }
                Err(then) => {
                    self.then = then;
                    break;
                }
            }
            taken += 1;
        }
        self.free.drain(..taken);
    }

    /// Writes what is here, as much as there is room for; says what is the case if nothing is. If the first was refused before,
    /// it is `aged`, and room is set aside for it.
    pub(super) fn deliver(&mut self, ring: &Ring, connection: &Connection, aged: bool) -> Received {
        let Some(first) = self.waiting.front() else {
            return self.then;
        };
        let mut messages = [&[][..]; MOST];
        for (message, letter) in messages.iter_mut().zip(&self.waiting) {
            *message = letter.message();
        }
        let messages = &messages[..self.waiting.len()];
        let Writer { tag, entry, .. } = &connection.writer;
        let allow = || if connection.revoked.load(UNDER_LOCK) { Err(Missed::Revoked) } else { Ok(()) };
        // Before the lock is given up: whoever has read a record, and looks at the accounts, finds what was refused before it.
        let report = |written| {
            for Letter { header: Header { lost, lost_bytes }, .. } in self.waiting.iter().take(written) {
                if *lost > 0 {
                    entry.report((*lost).into(), *lost_bytes);
                }
            }
        };
        match write::write_batch_aged(ring, *tag, Account::Own(&entry.own.0), messages, aged, allow, report) {
            Ok(written) => {
                self.free.extend(self.waiting.drain(..written).map(|letter| letter.datagram));
                Received::Records
            }
            Err(Missed::Revoked | Missed::Refused(Refusal::Closed)) => Received::End,
            // A damaged ring is repaired by its reader, and then there is room.
            Err(Missed::Refused(Refusal::Full | Refusal::Corrupt)) => {
                Received::NoRoom(ring_buffer_record_len(first.len) as u64)
            }
            Err(Missed::Refused(Refusal::TooLarge | Refusal::Invalid)) => Received::Bad(Offence::Message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sources::Source;
    use super::*;
    use crate::layout::MAX_WRITE_SIZE;
    use crate::pair::Endpoint;
    use crate::protocol::read;
    use crate::strange::Socket;
    use crate::transport::link;
    use rustix::fd::{AsFd, OwnedFd};
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    use rustix::pipe::pipe;
    use std::io::IoSlice;
    use std::sync::Arc;

    const TAG: u64 = 7;
    /// The first token of a source, as far as the inbox is concerned.
    const TOKEN: u64 = 1;

    /// A ring of a page, and the end of a socket from which its broker is to receive after `before` was done with it.
    fn scene(make: fn(OwnedFd) -> Socket, before: impl FnOnce(&OwnedFd)) -> (Ring, Arc<Connection>, OwnedFd) {
        let ring = Ring::create(4096).unwrap();
        let (ours, theirs) = link::pair().unwrap();
        before(&theirs);
        let writer = Writer { tag: TAG, endpoint: Endpoint::pair(None).0, entry: ring.book.open(TAG) };
        let Source::Writer { connection, .. } = Source::writer(make(ours), writer) else { unreachable!() };
        (ring, connection, theirs)
    }

    fn send(socket: &OwnedFd, len: usize, header: Header, attached: Option<&OwnedFd>) {
        let (header, message) = (header.to_bytes(), vec![len as u8; len]);
        let mut space = [core::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let attached: Vec<_> = attached.iter().map(|fd| fd.as_fd()).collect();
        if !attached.is_empty() {
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(&attached)));
        }
        sendmsg(socket, &[IoSlice::new(&header), IoSlice::new(&message)], &mut ancillary, SendFlags::empty()).unwrap();
    }

    fn send_plain(socket: &OwnedFd, lens: &[usize]) {
        lens.iter().for_each(|&len| send(socket, len, Header::default(), None));
    }

    fn accepted(connection: &Connection) -> u64 {
        connection.writer.entry.own.0.accepted.get().0
    }

    #[test]
    fn many_are_published_at_once() {
        let (ring, connection, theirs) = scene(Socket::refusing, |_| ());
        let mut inbox = Inbox::new().unwrap();
        send_plain(&theirs, &[0; MOST + 2]);
        let before = read::head(&ring);
        inbox.open(TOKEN, &connection);
        assert_eq!(read::head(&ring), before, "nothing is written yet");
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Records);
        assert_eq!(accepted(&connection), MOST as u64);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Turn);
        inbox.open(TOKEN, &connection);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Records);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Nothing);
        assert_eq!(accepted(&connection), MOST as u64 + 2);
    }

    #[test]
    fn what_finds_no_room_stays_in_its_order() {
        let (ring, connection, theirs) = scene(Socket::refusing, |_| ());
        let mut inbox = Inbox::new().unwrap();
        // Records of 2,016, 1,016, 2,024 and 16 bytes: the third is too large for what is left, the last would fit.
        send_plain(&theirs, &[2000, 1000, 2001, 0]);
        inbox.open(TOKEN, &connection);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Records);
        assert_eq!(accepted(&connection), 2);
        for aged in [false, true] {
            assert_eq!(inbox.deliver(&ring, &connection, aged), Received::NoRoom(2024));
            inbox.open(TOKEN, &connection);
        }
        assert_eq!(accepted(&connection), 2);
        // What was written makes way for more out of the socket.
        send_plain(&theirs, &[0; MOST]);
        inbox.fill(&connection);
        assert_eq!(inbox.waiting.len(), MOST);
        inbox.open(TOKEN, &connection);
        read::release_to(&ring, 2016);
        assert_eq!(inbox.deliver(&ring, &connection, true), Received::Records);
        assert_eq!(
            (accepted(&connection), read::head(&ring)),
            (2 + MOST as u64, 2016 + 1016 + 2024 + 16 * (MOST as u64 - 1))
        );
        let third = read::first(&ring, 2016 + 1016, read::head(&ring)).unwrap().unwrap();
        let mut bytes = Vec::new();
        ring.region.append_to(third.offset, third.len, &mut bytes);
        assert_eq!(bytes, [2001_usize as u8; 2001]);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Turn);
    }

    /// That nothing waited in the socket when the room gave out says nothing about the next turn.
    #[test]
    fn what_came_while_there_was_no_room_is_not_forgotten() {
        let (ring, connection, theirs) = scene(Socket::refusing, |_| ());
        let mut inbox = Inbox::new().unwrap();
        send_plain(&theirs, &[4080, 1]);
        inbox.open(TOKEN, &connection);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Records);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::NoRoom(24));
        inbox.fill(&connection);
        send_plain(&theirs, &[2]);
        read::release_to(&ring, 4096);
        inbox.open(TOKEN, &connection);
        assert_eq!(inbox.deliver(&ring, &connection, true), Received::Records);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Turn);
    }

    #[test]
    fn what_came_before_the_end_or_an_offence_is_written() {
        for offence in [Some(5), Some(HEADER + MAX_WRITE_SIZE + 1), None] {
            let (ring, connection, theirs) = scene(Socket::refusing, |_| ());
            let mut inbox = Inbox::new().unwrap();
            send_plain(&theirs, &[1, 2]);
            let expected = match offence {
                Some(len) => {
                    rustix::net::send(&theirs, &vec![1; len], SendFlags::empty()).unwrap();
                    send_plain(&theirs, &[3]);
                    Received::Bad(Offence::Message)
                }
                None => Received::End,
            };
            drop(theirs);
            inbox.open(TOKEN, &connection);
            assert_eq!(inbox.deliver(&ring, &connection, false), Received::Records);
            assert_eq!(inbox.deliver(&ring, &connection, false), expected);
            assert_eq!(accepted(&connection), 2);
        }
    }

    #[test]
    fn nothing_is_written_for_the_revoked_nor_left_for_the_next() {
        let (ring, connection, theirs) = scene(Socket::refusing, |_| ());
        let (_, other, _theirs) = scene(Socket::refusing, |_| ());
        let mut inbox = Inbox::new().unwrap();
        send_plain(&theirs, &[1, 2]);
        inbox.open(TOKEN, &connection);
        connection.revoked.store(true, UNDER_LOCK);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::End);
        inbox.open(TOKEN + 1, &other);
        assert_eq!(inbox.deliver(&ring, &other, false), Received::Nothing);
        assert_eq!(read::head(&ring), 0);
    }

    /// What was refused before a record that finds no room is reported with that record, and not before.
    #[test]
    fn losses_are_reported_with_their_record() {
        let (ring, connection, theirs) = scene(Socket::refusing, |_| ());
        let reported = || {
            let accounts = ring.book.read(&[]);
            accounts.by_tag[&TAG].reported.records
        };
        let mut inbox = Inbox::new().unwrap();
        for (lost, len) in [(3, 2000), (5, 3000)] {
            send(&theirs, len, Header { lost, lost_bytes: 0 }, None);
        }
        inbox.open(TOKEN, &connection);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Records);
        assert_eq!(reported(), 3);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::NoRoom(3016));
        assert_eq!(reported(), 3);
        read::release_to(&ring, 2016);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Records);
        assert_eq!(reported(), 8);
    }

    /// A socket that was sent something before it refused descriptors: each message is looked at until none is left. One that has
    /// descriptors is never taken, which would close them here.
    #[test]
    fn descriptors_are_left_where_they_are() {
        let (reading, writing) = pipe().unwrap();
        let (ring, connection, theirs) = scene(Socket::used, |theirs| {
            send_plain(theirs, &[1, 2]);
            send(theirs, 3, Header::default(), Some(&writing));
        });
        drop(writing);
        rustix::io::ioctl_fionbio(&reading, true).unwrap();
        let mut inbox = Inbox::new().unwrap();
        for written in 1..=2 {
            inbox.open(TOKEN, &connection);
            assert_eq!(inbox.deliver(&ring, &connection, false), Received::Records);
            assert_eq!(inbox.deliver(&ring, &connection, false), Received::Turn);
            assert_eq!(accepted(&connection), written);
        }
        inbox.open(TOKEN, &connection);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Bad(Offence::Descriptors));
        let open = || rustix::io::read(&reading, &mut [0; 1]) == Err(rustix::io::Errno::AGAIN);
        assert!(open(), "the descriptor on its way was closed by whoever received");
        drop((connection, theirs));
        // By a thread of its own. (The packed crate's tests have no oracle that waits for it with a limit.)
        while open() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn once_found_empty_a_socket_is_read_many_at_a_time() {
        let (ring, connection, theirs) = scene(Socket::used, |theirs| send_plain(theirs, &[1, 2]));
        let mut inbox = Inbox::new().unwrap();
        for _ in 1..=2 {
            assert!(!connection.socket.is_free_of_descriptors());
            inbox.open(TOKEN, &connection);
            assert_eq!(inbox.deliver(&ring, &connection, false), Received::Records);
        }
        inbox.open(TOKEN, &connection);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Nothing);
        send_plain(&theirs, &[0; MOST]);
        inbox.open(TOKEN, &connection);
        assert_eq!(inbox.deliver(&ring, &connection, false), Received::Records);
        // Where the system refuses no descriptors, each is looked at for ever.
        let expected = if connection.socket.is_free_of_descriptors() { 2 + MOST as u64 } else { 3 };
        assert_eq!(accepted(&connection), expected);
    }
}
