//! Messages with descriptors attached, over Unix sockets.

use crate::strange::Strangers;
use crate::system::retry;
use core::mem;
use rustix::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;

/// The most descriptors any message of ours has.
const MOST: usize = 3;

/// `SCM_PIDFD` of `linux/socket.h`.
const SCM_PIDFD: libc::c_int = 4;

/// Where what comes beside a message's bytes goes, in words, which align it: as many descriptors as any message can have, since the
/// kernel closes what does not fit; and what a socket's options add: credentials, a pidfd, a security label.
type Beside = [u64; WORDS_BESIDE];
const WORDS_BESIDE: usize = 192;

/// Sends `bytes`, with `descriptors` attached. Never raises SIGPIPE.
pub(super) fn send_with(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    send(socket, bytes, descriptors, SendFlags::empty())
}

/// The same, without blocking: `WouldBlock`.
pub(super) fn try_send_with(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    send(socket, bytes, descriptors, SendFlags::DONTWAIT)
}

fn send(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[BorrowedFd<'_>], flags: SendFlags) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(descriptors)), "more than {MOST} descriptors");
    // Whole or not at all: no socket's buffer is as small as a message of ours.
    let sent = retry(|| sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL | flags))?;
    if sent != bytes.len() {
        return Err(io::ErrorKind::WriteZero.into());
    }
    Ok(())
}

/// Receives exactly as many bytes as `bytes` takes, and the descriptors attached to them, which are closed on exec.
///
/// # Errors
/// Beside those of `recvmsg`: `UnexpectedEof`, and `InvalidData` where more descriptors came than any message has or than
/// this process can take. Whatever did arrive is closed. `WouldBlock` from a socket that does not block, or whose time is up,
/// as long as nothing was there. [`send_with`] sends whole messages: where only a part is there, and no more comes in time, it
/// is none of ours, which is `InvalidData`, since to ask again would begin in the middle.
pub(super) fn receive_with(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<Strangers> {
    let mut descriptors = Strangers::default();
    let mut got = 0;
    while got < bytes.len() {
        match receive_some(socket, &mut bytes[got..], &mut descriptors, 0) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => got += n,
            Err(error) if got > 0 && error.kind() == io::ErrorKind::WouldBlock => {
                let why = format!("{got} bytes of a message of {}", bytes.len());
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(descriptors)
}

/// One `recvmsg`. Returns how many bytes came; their descriptors are added to `descriptors`.
pub(super) fn receive_some(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
    descriptors: &mut Strangers,
    flags: libc::c_int,
) -> io::Result<usize> {
    let mut beside: Beside = [0; WORDS_BESIDE];
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: all zeros is a message header without address, parts and control data.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    (header.msg_iov, header.msg_iovlen) = (&raw mut part, 1);
    (header.msg_control, header.msg_controllen) = ((&raw mut beside).cast(), size_of::<Beside>() as _);
    let got = retry(|| {
        // SAFETY: the descriptor is open; the header describes `bytes`, and `beside` for what comes with them.
        let got = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut header, flags | libc::MSG_CMSG_CLOEXEC) };
        usize::try_from(got).map_err(|_| Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO))
    })?;
    // SAFETY: the kernel has filled it in.
    descriptors.extend(unsafe { attached(&header) });
    // However many messages they came with: a sender may attach some to each byte.
    if header.msg_flags & libc::MSG_CTRUNC != 0 || descriptors.len() > MOST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "more descriptors than can be taken"));
    }
    Ok(got)
}

/// The descriptors that came with a message. One of its sender itself, which a socket may be told to add, is closed here.
///
/// # Safety
/// The kernel has filled `header` in just now, whose control data are there still, and this is called once.
unsafe fn attached(header: &libc::msghdr) -> Vec<OwnedFd> {
    let mut attached = Vec::new();
    // SAFETY: by the contract there are whole headers, each followed by as many bytes as it says, and all descriptors among those
    // are new and nobody else's.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(header);
        while let Some(one) = next.as_ref() {
            #[allow(clippy::unnecessary_cast, reason = "a narrower type with musl")]
            let len = (one.cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
            let first = libc::CMSG_DATA(next).cast::<libc::c_int>();
            let numbers = (0..len / size_of::<libc::c_int>()).map(|i| first.add(i).read_unaligned());
            // Where the kernel could make no pidfd there is an error's number.
            let descriptors = numbers.filter(|&number| number >= 0).map(|number| OwnedFd::from_raw_fd(number));
            match (one.cmsg_level, one.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_RIGHTS) => attached.extend(descriptors),
                (libc::SOL_SOCKET, SCM_PIDFD) => descriptors.for_each(drop),
                _ => {}
            }
            next = libc::CMSG_NXTHDR(header, next);
        }
    }
    attached
}
