//! Isolated writers that send whatever they like, and offers that are none.
//!
//! A writer's socket takes any datagram. What must come of each is known: a proper record is delivered, under the tag of the
//! endpoint it was sent through, in order; the first thing that is no record ends the connection, and nothing sent after it
//! counts. Beside them an honest writer loses nothing. In the end no descriptor of this process is left open.

use crate::{Target, decode_and_run};
use arbitrary::Arbitrary;
use iobring::{Iob, Reader, RingBuffer, Status};
use iobring_oracle::bytes::message;
use iobring_oracle::elsewhere::isolated;
use iobring_oracle::machine::Reached;
use iobring_oracle::operation::{MOST_PAGES, until_the_end};
use iobring_oracle::oracle::record_len;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, sendmsg, shutdown};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// The target.
pub const TARGET: Target = Target {
    name: "broker",
    run: |bytes| decode_and_run(bytes, run),
    reaches: &[
        "closed",
        "descriptors attached",
        "honest: refused",
        "honest: written",
        "offer: refused",
        "offer: taken",
        "sent: bad",
        "sent: empty",
        "sent: longer than a write may be",
        "sent: record",
        "shut down",
    ],
};

/// The most hostile connections over one input.
const MOST_VILLAINS: usize = 24;

/// How long the broker may take for what there is to do, before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(20);

/// The size of a datagram's header: `kind: u32 = 1 | lost: u32 | lost bytes: u64`.
const HEADER: usize = 16;

/// The longest message that writers may send.
const LONGEST: usize = 65_519;

const HONEST: u64 = 0;

#[derive(Debug, Arbitrary)]
struct Input {
    pages: u8,
    #[arbitrary(with = until_the_end)]
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Step {
    /// One more hostile writer, with a tag of its own.
    Connect,
    /// One of them sends a datagram.
    Send {
        who: u8,
        datagram: Datagram,
    },
    /// The same, many times over.
    Flood {
        who: u8,
        times: u8,
        datagram: Datagram,
    },
    /// With so many descriptors attached.
    Attach {
        who: u8,
        descriptors: u8,
        datagram: Datagram,
    },
    Shut {
        who: u8,
        how: Half,
    },
    /// It goes, whatever it has sent.
    Close {
        who: u8,
    },
    /// The honest one writes.
    Write {
        len: u16,
    },
    /// The reader takes so many records.
    Read {
        count: u8,
    },
    /// A genuine offer of an endpoint, damaged on its way.
    Offer {
        at: u8,
        value: u8,
        cut: u8,
        descriptors: u8,
        mapped: bool,
    },
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Half {
    Reading,
    Writing,
    Both,
}

/// What is sent: bytes as they come, or near where a check draws the line.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Datagram {
    Raw([u8; 24], u8),
    Proper { lost: u32, lost_bytes: u64, len: u8 },
    Long { len: u16 },
    AroundLongest(i8),
    AroundCapacity(i8),
    OfKind { kind: u32, len: u8 },
    Huge(u8),
}

impl Datagram {
    fn bytes(self, capacity: usize, number: usize) -> Vec<u8> {
        let proper = |lost: u32, lost_bytes: u64, len: usize| {
            let mut bytes = header(1, lost, lost_bytes);
            bytes.extend(message(number, len));
            bytes
        };
        let around = |middle: usize, by: i8| proper(0, 0, middle.saturating_add_signed(by.into()));
        match self {
            Datagram::Raw(bytes, len) => bytes[..usize::from(len) % (bytes.len() + 1)].to_vec(),
            Datagram::Proper { lost, lost_bytes, len } => proper(lost, lost_bytes, len.into()),
            Datagram::Long { len } => proper(0, 0, len.into()),
            Datagram::AroundLongest(by) => around(LONGEST, by),
            Datagram::AroundCapacity(by) => around(capacity - 16, by),
            Datagram::OfKind { kind, len } => [header(kind, 0, 0), message(number, len.into())].concat(),
            Datagram::Huge(by) => proper(0, 0, 150_000 + 512 * usize::from(by)),
        }
    }
}

fn header(kind: u32, lost: u32, lost_bytes: u64) -> Vec<u8> {
    [&kind.to_ne_bytes()[..], &lost.to_ne_bytes(), &lost_bytes.to_ne_bytes()].concat()
}

/// What a datagram without descriptors amounts to.
fn verdict(datagram: &[u8], capacity: usize) -> Kind {
    if datagram.is_empty() {
        return Kind::End;
    }
    match (datagram.get(..4), datagram.len().checked_sub(HEADER)) {
        (Some(kind), Some(len))
            if kind == 1u32.to_ne_bytes() && len <= LONGEST && record_len(len) <= capacity as u64 =>
        {
            Kind::Record
        }
        _ => Kind::Bad,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Record,
    /// Of no bytes: what the end of a connection looks like.
    End,
    Bad,
}

/// One connection.
struct Villain {
    /// `None` once it has gone.
    iob: Option<Iob>,
    peer: Iob,
    /// What is to be delivered yet.
    due: VecDeque<Vec<u8>>,
    /// Nothing sent from now on counts.
    out: bool,
    /// Whether it was put out for what it did.
    bad: bool,
}

struct Scene {
    reader: Reader,
    capacity: usize,
    honest: Iob,
    honest_peer: Iob,
    due: VecDeque<Vec<u8>>,
    villains: Vec<Villain>,
    number: usize,
    reached: Reached,
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("procfs").count()
}

fn run(input: &Input) -> Reached {
    let before = descriptors();
    // Every other ring has room for a message that is longer than a write may be.
    let pages = match usize::from(input.pages) {
        large if large % 2 == 0 => MOST_PAGES - large / 2 % 3,
        small => 1 + small / 2 % MOST_PAGES,
    };
    let capacity = pages * iobring_oracle::page::page_size();
    let mut scene = Scene::new(capacity);
    for step in &input.steps {
        scene.step(*step);
    }
    let reached = scene.finish();
    // A connection that was given up for its descriptors is closed by a thread of its own.
    let deadline = Instant::now() + PATIENCE;
    while descriptors() > before {
        assert!(Instant::now() < deadline, "{} descriptors, {before} before", descriptors());
        std::thread::yield_now();
    }
    reached
}

impl Scene {
    fn new(capacity: usize) -> Self {
        let reader = RingBuffer::try_create(capacity).expect("memory for a small ring");
        let (writer, honest_peer) = reader.new_iob_writer(HONEST).expect("a pair");
        Scene {
            honest: isolated(&writer),
            reader,
            capacity,
            honest_peer,
            due: VecDeque::new(),
            villains: Vec::new(),
            number: 0,
            reached: Reached::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Connect => self.connect(),
            Step::Send { who, datagram } => self.send(who, datagram, 0),
            Step::Flood { who, times, datagram } => {
                // More than a socket holds.
                for _ in 0..times % 32 {
                    self.send(who, datagram, 0);
                }
            }
            Step::Attach { who, descriptors, datagram } => self.send(who, datagram, 1 + usize::from(descriptors) % 8),
            Step::Shut { who, how } => self.shut(who, how),
            Step::Close { who } => self.close(who),
            Step::Write { len } => self.write(len.into()),
            Step::Read { count } => {
                for _ in 0..count {
                    if !self.read() {
                        break;
                    }
                }
            }
            Step::Offer { at, value, cut, descriptors, mapped } => self.offer(at, value, cut, descriptors, mapped),
        }
    }

    fn connect(&mut self) {
        if self.villains.len() == MOST_VILLAINS {
            return;
        }
        let tag = self.villains.len() as u64 + 1;
        let (writer, peer) = self.reader.new_iob_writer(tag).expect("a pair");
        let iob = Some(isolated(&writer));
        self.villains.push(Villain { iob, peer, due: VecDeque::new(), out: false, bad: false });
    }

    fn send(&mut self, who: u8, datagram: Datagram, attached: usize) {
        self.number += 1;
        let (number, capacity) = (self.number, self.capacity);
        let Some(villain) = nth(&mut self.villains, who) else { return };
        let Some(iob) = &villain.iob else { return };
        let bytes = datagram.bytes(capacity, number);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let copies = [iob.as_fd(); 8];
        if attached > 0 {
            self.reached.insert("descriptors attached");
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(&copies[..attached])));
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match sendmsg(iob.as_fd(), &[IoSlice::new(&bytes)], &mut ancillary, flags) {
            Ok(_) if villain.out => {}
            Ok(_) => {
                let kind = match verdict(&bytes, capacity) {
                    Kind::Record if attached > 0 => Kind::Bad,
                    kind => kind,
                };
                match kind {
                    Kind::Record => villain.due.push_back(bytes[HEADER..].to_vec()),
                    Kind::End => villain.out = true,
                    Kind::Bad => (villain.out, villain.bad) = (true, true),
                }
                let too_long = bytes.len() > HEADER + LONGEST && record_len(bytes.len() - HEADER) <= capacity as u64;
                self.reached.insert(match kind {
                    Kind::Bad if too_long => "sent: longer than a write may be",
                    Kind::Record => "sent: record",
                    Kind::End => "sent: empty",
                    Kind::Bad => "sent: bad",
                });
            }
            Err(Errno::AGAIN) => drop(self.reached.insert("socket full")),
            // Too long for the socket; descriptors where the kernel lets the owner refuse them; put out already, or shut.
            Err(Errno::MSGSIZE | Errno::PERM) => {}
            Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) if villain.out => {}
            Err(errno) => panic!("a writer in good standing cannot send: {errno}"),
        }
    }

    fn shut(&mut self, who: u8, how: Half) {
        let Some(villain) = nth(&mut self.villains, who) else { return };
        let Some(iob) = &villain.iob else { return };
        let how = match how {
            Half::Reading => Shutdown::Read,
            Half::Writing => Shutdown::Write,
            Half::Both => Shutdown::Both,
        };
        // Fails where the owner has hung up already.
        let _ = shutdown(iob.as_fd(), how);
        if how != Shutdown::Read {
            villain.out = true;
        }
        self.reached.insert("shut down");
    }

    fn close(&mut self, who: u8) {
        let Some(villain) = nth(&mut self.villains, who) else { return };
        if villain.iob.take().is_some() {
            // Whether what it has sent was received by then is the broker's affair.
            self.reached.insert("closed");
        }
    }

    fn write(&mut self, len: usize) {
        self.number += 1;
        let message = message(self.number, len);
        let fits = len <= LONGEST && record_len(len) <= self.capacity as u64;
        match self.honest.write(Default::default(), 0, &message) {
            Ok(()) => {
                assert!(fits);
                self.due.push_back(message);
                self.reached.insert("honest: written");
            }
            Err(Status::INVALID_ARGS) => assert!(len > LONGEST),
            Err(Status::NO_SPACE) => drop(self.reached.insert("honest: refused")),
            Err(status) => panic!("the honest writer is refused: {status}"),
        }
    }

    /// Reads one record and finds it due; whether there was one.
    fn read(&mut self) -> bool {
        let Some((tag, message)) = self.reader.try_read_message().expect("a sound ring") else { return false };
        let due = match tag.checked_sub(1) {
            None => &mut self.due,
            Some(villain) => &mut self.villains[villain as usize].due,
        };
        let expected = due.pop_front().unwrap_or_else(|| panic!("a record of {tag} too many"));
        assert!(message == expected, "of {tag}: {} bytes, {} expected", message.len(), expected.len());
        true
    }

    /// Offers an endpoint with one byte changed, some bytes cut off, and so many descriptors instead of its own.
    fn offer(&mut self, at: u8, value: u8, cut: u8, descriptors: u8, mapped: bool) {
        let (near, far) = UnixStream::pair().expect("sockets");
        let (genuine, _peer) = self.reader.new_iob_writer(u64::MAX).expect("a pair");
        if mapped { genuine.send_mapped_to(&near) } else { genuine.send_to(&near) }.expect("a hand-over");
        let (mut bytes, mut rights) = receive(&far);
        let len = bytes.len();
        let change = value != 0;
        bytes[usize::from(at) % len] ^= value;
        let cut = usize::from(cut) % (len + 1);
        bytes.truncate(len - cut);
        let own = rights.len();
        let count = usize::from(descriptors) % 9;
        // Another order puts descriptors of the wrong kind into each place.
        let turn = usize::from(descriptors) / 9 % own;
        rights.rotate_left(turn);
        let copies: Vec<BorrowedFd<'_>> = rights.iter().cycle().take(count).map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if count > 0 {
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(&copies)));
        }
        if !bytes.is_empty() {
            sendmsg(&near, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL).expect("a fresh socket");
        }
        drop(near);
        let taken = Iob::receive_from(&far).is_ok();
        let genuine = !change && cut == 0 && count == own && turn == 0;
        assert_eq!(taken, genuine, "whether the offer was taken");
        self.reached.insert(if taken { "offer: taken" } else { "offer: refused" });
    }

    /// Everybody goes; what is due arrives; the accounts say so.
    fn finish(mut self) -> Reached {
        for villain in &mut self.villains {
            villain.iob = None;
        }
        assert!(!self.honest.is_peer_closed(), "the honest writer lost its connection");
        // Its place is taken by something that writes nothing.
        self.honest = self.honest_peer.clone();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let closed = self.peers().all(Iob::is_peer_closed);
            while self.read() {}
            if closed && self.reader.head() == self.reader.tail() {
                break;
            }
            assert!(Instant::now() < deadline, "the broker does not come to an end");
            self.wait();
        }
        assert!(self.due.is_empty(), "{} records of the honest writer are missing", self.due.len());
        for (number, villain) in self.villains.iter().enumerate() {
            assert!(villain.due.is_empty(), "{} proper records of {} are missing", villain.due.len(), number + 1);
        }
        self.audit();
        self.reached
    }

    fn peers(&self) -> impl Iterator<Item = &Iob> {
        self.villains.iter().map(|villain| &villain.peer).chain([&self.honest_peer])
    }

    /// Waits for a record, or for somebody's end if not everybody has gone.
    fn wait(&self) {
        let open: Vec<&Iob> = self.peers().filter(|peer| !peer.is_peer_closed()).collect();
        if open.is_empty() {
            return;
        }
        let descriptors = open.iter().map(|peer| peer.as_fd()).chain([self.reader.as_fd()]);
        let mut polled: Vec<_> = descriptors.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let patience = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
        assert_ne!(poll(&mut polled, Some(&patience)), Ok(0), "nothing has moved for {PATIENCE:?}");
    }

    /// What was accepted was delivered, and whoever was put out is counted so.
    fn audit(&self) {
        let accounts = self.reader.accounts();
        assert!(accounts.total.balances(), "{:?}", accounts.total);
        for (number, villain) in self.villains.iter().enumerate() {
            let bad = accounts.by_tag.get(&(number as u64 + 1)).map_or(0, |account| account.bad.records);
            assert_eq!(bad, u64::from(villain.bad), "offences of {}", number + 1);
        }
    }
}

fn nth(villains: &mut [Villain], who: u8) -> Option<&mut Villain> {
    let count = villains.len().max(1);
    villains.get_mut(usize::from(who) % count)
}

/// What was offered: the message and its descriptors.
fn receive(from: &UnixStream) -> (Vec<u8>, Vec<rustix::fd::OwnedFd>) {
    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
    use std::io::IoSliceMut;
    let mut bytes = vec![0; 256];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(from, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC);
    bytes.truncate(received.expect("an offer").bytes);
    let mut rights = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            rights.extend(descriptors);
        }
    }
    (bytes, rights)
}
