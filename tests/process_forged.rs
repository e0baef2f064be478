//! Whatever arrives instead of an endpoint is an error, and no descriptor of it stays open.
//!
//! One test, since it counts this process's descriptors.

use iobring::{Iob, RingBuffer};
use iobring_oracle::patience::until;
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::{pread, pwrite};
use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socket_with, socketpair,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

const OFFER: usize = 56;

/// An offer as it is on the wire.
struct Offer {
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

impl Offer {
    /// A genuine one.
    fn of(hand_over: impl Fn(&Iob, &UnixStream) -> std::io::Result<()>, iob: &Iob) -> Self {
        let (near, far) = UnixStream::pair().unwrap();
        hand_over(iob, &near).unwrap();
        let mut bytes = vec![0; OFFER];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC;
        let received = recvmsg(&far, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, flags).unwrap();
        assert_eq!(received.bytes, OFFER);
        let mut descriptors = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        Offer { bytes, descriptors }
    }

    fn copy(&self) -> Self {
        let descriptors = self.descriptors.iter().map(|descriptor| descriptor.try_clone().unwrap()).collect();
        Offer { bytes: self.bytes.clone(), descriptors }
    }

    /// With one descriptor replaced.
    fn with(mut self, place: usize, descriptor: OwnedFd) -> Self {
        self.descriptors[place] = descriptor;
        self
    }

    /// With one field of the message replaced, and the checksum made good.
    fn with_word(mut self, at: usize, value: u64) -> Self {
        self.bytes[at..at + 8].copy_from_slice(&value.to_ne_bytes());
        let fnv = |sum: u64, &byte: &u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        let sum = self.bytes[..48].iter().fold(0xcbf2_9ce4_8422_2325, fnv);
        self.bytes[48..].copy_from_slice(&sum.to_ne_bytes());
        self
    }

    /// What the receiver makes of it.
    fn deliver(&self) -> std::io::Result<Iob> {
        let (near, far) = UnixStream::pair().unwrap();
        let borrowed: Vec<BorrowedFd<'_>> = self.descriptors.iter().map(|descriptor| descriptor.as_fd()).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(64))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !borrowed.is_empty() {
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(&borrowed)));
        }
        sendmsg(&near, &[IoSlice::new(&self.bytes)], &mut ancillary, SendFlags::empty()).unwrap();
        drop(near);
        Iob::receive_from(&far)
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// A stranger's are closed by a thread of their own, which takes a moment.
fn close_down_to(before: usize, what: &str) {
    until(|| match descriptors() {
        now if now == before => Ok(()),
        now => Err(format!("{what}: {now} descriptors are open, {before} were before")),
    });
}

/// A receiver's socket may be told to add who the sender is: that is not too much, and nothing of it stays open.
fn with_what_the_sockets_options_add(iob: &Iob) {
    /// `SO_PASSPIDFD` of `asm-generic/socket.h`, since Linux 6.5.
    const PASS_PIDFD: libc::c_int = 76;
    for hand_over in [Iob::send_to as fn(&Iob, &UnixStream) -> std::io::Result<()>, Iob::send_mapped_to] {
        let (near, far) = UnixStream::pair().unwrap();
        set_socket_passcred(&far, true).unwrap();
        let on: libc::c_int = 1;
        let len = size_of_val(&on) as libc::socklen_t;
        // SAFETY: the value is a readable int of that length. Older kernels do not know the option.
        unsafe { libc::setsockopt(far.as_raw_fd(), libc::SOL_SOCKET, PASS_PIDFD, (&raw const on).cast(), len) };
        hand_over(iob, &near).unwrap();
        Iob::receive_from(&far).unwrap();
    }
}

/// A memfd like a region, of `size` bytes, whose identity is `identity`, with `seals`.
fn region(size: u64, identity: &[u8], seals: SealFlags) -> OwnedFd {
    let fd = memfd_create("forged", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    ftruncate(&fd, size).unwrap();
    pwrite(&fd, identity, 64).unwrap();
    fcntl_add_seals(&fd, seals).unwrap();
    fd
}

fn pipe() -> OwnedFd {
    rustix::pipe::pipe().unwrap().0
}

fn stream() -> OwnedFd {
    UnixStream::pair().unwrap().0.into()
}

#[test]
fn forgeries_are_refused_and_closed() {
    const CAPACITY: u64 = 64 * 1024;
    let reader = RingBuffer::create(CAPACITY as usize);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    // Held to the end, so that the ring's broker in this process, which has descriptors too, sees nothing end meanwhile.
    let genuine = (Offer::of(Iob::send_to, &iob), Offer::of(Iob::send_mapped_to, &iob));
    let isolated = || genuine.0.copy();
    let mapped = || genuine.1.copy();

    let page = rustix::param::page_size() as u64;
    let size = CAPACITY + page;
    let mut identity = [0; 24];
    pread(&mapped().descriptors[0], &mut identity, 64).unwrap();
    let sealed = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    let other = |at: usize, byte: u8| {
        let mut identity = identity;
        identity[at] ^= byte;
        region(size, &identity, sealed)
    };
    let read_only = || {
        let fd = region(size, &identity, sealed);
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&fd));
        OwnedFd::from(std::fs::File::open(path).unwrap())
    };
    let seqpacket = || socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    let connected = || socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap().0;
    let more = |mut offer: Offer, count: usize| {
        offer.descriptors.extend((0..count).map(|_| connected()));
        offer
    };
    let fewer = |mut offer: Offer| {
        offer.descriptors.pop();
        offer
    };
    let shorter = |mut offer: Offer| {
        offer.bytes.pop();
        offer
    };

    type Forge<'a> = Box<dyn Fn() -> Offer + 'a>;
    let forgeries: Vec<(&str, Forge<'_>)> = vec![
        ("garbage", Box::new(|| Offer { bytes: vec![0xA5; OFFER], descriptors: vec![pipe(), pipe()] })),
        ("nothing", Box::new(|| Offer { bytes: vec![0], descriptors: vec![] })),
        ("half a message", Box::new(|| shorter(mapped()))),
        ("another version", Box::new(|| isolated().with_word(8, 2 | 1 << 32))),
        ("another kind", Box::new(|| isolated().with_word(8, 1 | 3 << 32))),
        ("another kind with a mapping's descriptors", Box::new(|| mapped().with_word(8, 1 | 3 << 32))),
        ("the other kind", Box::new(|| isolated().with_word(8, 1 | 2 << 32))),
        ("no descriptor", Box::new(|| fewer(isolated()))),
        ("one too many", Box::new(|| more(isolated(), 1))),
        ("far too many", Box::new(|| more(isolated(), 40))),
        ("a pipe for a socket", Box::new(|| isolated().with(0, pipe()))),
        ("a stream for a socket", Box::new(|| isolated().with(0, stream()))),
        ("an unconnected socket", Box::new(|| isolated().with(0, seqpacket()))),
        ("two descriptors of three", Box::new(|| fewer(mapped()))),
        ("four descriptors of three", Box::new(|| more(mapped(), 1))),
        ("a pipe for the region", Box::new(|| mapped().with(0, pipe()))),
        ("a file for the region", Box::new(|| mapped().with(0, std::fs::File::open("/proc/self/exe").unwrap().into()))),
        ("unsealed", Box::new(move || mapped().with(0, region(size, &identity, SealFlags::empty())))),
        ("may shrink", Box::new(move || mapped().with(0, region(size, &identity, SealFlags::GROW | SealFlags::SEAL)))),
        (
            "may be sealed more",
            Box::new(move || mapped().with(0, region(size, &identity, SealFlags::GROW | SealFlags::SHRINK))),
        ),
        (
            "sealed too much",
            Box::new(move || mapped().with(0, region(size, &identity, sealed | SealFlags::FUTURE_WRITE))),
        ),
        ("read-only", Box::new(|| mapped().with(0, read_only()))),
        ("too large", Box::new(move || mapped().with(0, region(size + page, &identity, sealed)))),
        ("too small", Box::new(move || mapped().with(0, region(page, &identity, sealed)))),
        ("another magic", Box::new(|| mapped().with(0, other(0, 1)))),
        ("another layout", Box::new(|| mapped().with(0, other(8, 2)))),
        ("another page size", Box::new(|| mapped().with(0, other(13, 1)))),
        ("another capacity", Box::new(|| mapped().with(0, other(18, 2)))),
        ("a capacity the offer lies about", Box::new(|| mapped().with_word(24, 2 * CAPACITY))),
        ("no capacity", Box::new(|| mapped().with_word(24, 0))),
        ("an absurd capacity", Box::new(|| mapped().with_word(24, !4095))),
        ("another PID namespace", Box::new(|| mapped().with_word(32, 7))),
        ("an account that is none", Box::new(|| mapped().with_word(40, 78))),
        ("a pipe for the bell", Box::new(|| mapped().with(1, pipe()))),
        ("a bell that blocks", Box::new(|| mapped().with(1, eventfd(0, EventfdFlags::CLOEXEC).unwrap()))),
        ("a stream for the link", Box::new(|| mapped().with(2, stream()))),
        ("an unconnected link", Box::new(|| mapped().with(2, seqpacket()))),
    ];
    for (what, forge) in &forgeries {
        let forgery = forge();
        let before = descriptors();
        let received = forgery.deliver();
        assert!(received.is_err(), "{what} was believed");
        close_down_to(before, what);
    }
    // Where the process has a place for one of two descriptors, the right number of them arrives.
    let forgery = more(isolated(), 1);
    let open = descriptors();
    let places = |current| {
        let maximum = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    };
    let before = getrlimit(Resource::Nofile).current;
    // Two for the sockets that it is sent over, of which one is closed before it is received.
    let second_free = (0..).filter(|number| std::fs::read_link(format!("/proc/self/fd/{number}")).is_err()).nth(1);
    places(second_free.map(|number| number + 1));
    let received = forgery.deliver();
    places(before);
    assert_eq!(received.unwrap_err().kind(), std::io::ErrorKind::InvalidData, "one of two descriptors");
    close_down_to(open, "one of two descriptors");
    with_what_the_sockets_options_add(&iob);
    close_down_to(open, "credentials and a pidfd");
    // What differs in nothing is believed: so each refusal above was for the one thing that differs.
    isolated().with_word(16, 1).deliver().unwrap();
    mapped().deliver().unwrap();
    mapped().with(0, region(size, &identity, sealed)).deliver().unwrap();
    mapped().with(1, eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap()).deliver().unwrap();
    isolated().with(0, connected()).deliver().unwrap();
}
