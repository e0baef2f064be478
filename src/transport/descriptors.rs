//! Messages with descriptors attached, over Unix sockets.

use crate::system::retry;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;

/// The most descriptors any message of ours has. The kernel says if there were more.
const MOST: usize = 3;

/// Sends `bytes`, with `descriptors` attached. Never raises SIGPIPE.
pub(super) fn send_with(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(descriptors)), "more than {MOST} descriptors");
    // Whole or not at all: no socket's buffer is as small as a message of ours.
    let sent = retry(|| sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL))?;
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
pub(super) fn receive_with(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<Vec<OwnedFd>> {
    let mut descriptors = Vec::new();
    let mut got = 0;
    while got < bytes.len() {
        match receive_some(socket, &mut bytes[got..], &mut descriptors, RecvFlags::empty()) {
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
    descriptors: &mut Vec<OwnedFd>,
    flags: RecvFlags,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = flags | RecvFlags::CMSG_CLOEXEC;
    let received = retry(|| recvmsg(socket, &mut [IoSliceMut::new(bytes)], &mut ancillary, flags))?;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    // However many messages they came with: a sender may attach some to each byte.
    if received.flags.contains(ReturnFlags::CTRUNC) || descriptors.len() > MOST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "more descriptors than can be taken"));
    }
    Ok(received.bytes)
}
