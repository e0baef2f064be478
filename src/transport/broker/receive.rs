//! Taking messages out of a writer's socket.
//!
//! A message may carry descriptors, and whoever takes it closes them, which may take as long as their maker pleases. So they are
//! taken as they come only from a socket for which the system refuses descriptors. From any other there is a look at the message
//! first: only this thread takes messages out of the socket, so what was looked at is what is taken next.

use super::inbox::MOST;
use super::remote::{HEADER, Header};
use super::sources::Connection;
use crate::layout::MAX_WRITE_SIZE;
use core::array;
use core::iter::{Map, Take};
use rustix::fd::AsFd;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;

/// The longest datagram that is one of ours, in bytes.
pub(super) const LONGEST: usize = HEADER + MAX_WRITE_SIZE;

/// What became of an attempt to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// Records are in the ring.
    Records,
    /// Everything that was taken is in the ring, and more may wait.
    Turn,
    /// No message waits.
    Nothing,
    /// A message waits, but the ring has no room for its record of this many bytes.
    NoRoom(u64),
    /// The connection is over: the other end is gone and everything it sent was received.
    End,
    /// The connection is over: this was sent by no writer of ours.
    Bad(Offence),
}

/// What no writer of ours sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offence {
    /// Bytes that are not a record, or one that is longer than writers may send, or than the ring.
    Message,
    /// A message with descriptors. Closing them may block for as long as the sender likes.
    Descriptors,
}

/// What the system says of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram {
    /// Its length in bytes, however many of them were taken.
    len: usize,
    flags: libc::c_int,
}

/// What was received, in order.
pub(super) type Datagrams = Map<Take<array::IntoIter<libc::mmsghdr, MOST>>, fn(libc::mmsghdr) -> Datagram>;

impl Datagram {
    fn new(header: libc::mmsghdr) -> Self {
        Datagram { len: header.msg_len as usize, flags: header.msg_hdr.msg_flags }
    }

    /// The header and the length of the message in bytes, if this is a datagram that begins with these bytes and one of ours; or
    /// what else is the case.
    pub(super) fn message(self, bytes: &[u8]) -> Result<(Header, usize), Received> {
        // First, since an empty message may carry some.
        if self.flags & libc::MSG_CTRUNC != 0 {
            return Err(Received::Bad(Offence::Descriptors));
        }
        if self.len == 0 {
            return Err(Received::End);
        }
        let header = bytes.first_chunk().and_then(|&header| Header::from_bytes(header));
        match (header, self.len.checked_sub(HEADER)) {
            (Some(header), Some(len)) if len <= MAX_WRITE_SIZE => Ok((header, len)),
            _ => Err(Received::Bad(Offence::Message)),
        }
    }
}

/// Takes what waits, without blocking: a datagram to each of `places`, at most [`MOST`]; where they may have descriptors, at most
/// one, of which it has seen that it has none. Says beside whether that was all.
pub(super) fn take(connection: &Connection, places: &mut [Box<[u8]>]) -> Result<(Datagrams, bool), Received> {
    if connection.socket.is_free_of_descriptors() {
        return receive(connection, places, 0);
    }
    let mut header = [0; HEADER];
    for datagram in receive(connection, &mut [&mut header], libc::MSG_PEEK)?.0 {
        datagram.message(&header)?;
    }
    receive(connection, &mut places[..1], 0)
}

/// Receives without blocking, and takes no descriptors.
fn receive(
    connection: &Connection,
    places: &mut [impl AsMut<[u8]>],
    flags: libc::c_int,
) -> Result<(Datagrams, bool), Received> {
    let nowhere = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
    let mut parts = [nowhere; MOST];
    // SAFETY: all zeros is a message header without address, parts and control data.
    let mut headers: [libc::mmsghdr; MOST] = unsafe { std::mem::zeroed() };
    let mut asked = 0;
    for ((place, part), header) in places.iter_mut().zip(&mut parts).zip(&mut headers) {
        let place = place.as_mut();
        *part = libc::iovec { iov_base: place.as_mut_ptr().cast(), iov_len: place.len() };
        header.msg_hdr.msg_iov = part;
        header.msg_hdr.msg_iovlen = 1;
        asked += 1;
    }
    let flags = flags | libc::MSG_TRUNC | libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    let socket = connection.socket.as_fd().as_raw_fd();
    let mut one_at_a_time = false;
    loop {
        let got = if one_at_a_time {
            // SAFETY: the descriptor is open; the header describes one part, which is one of `places`.
            let len = unsafe { libc::recvmsg(socket, &mut headers[0].msg_hdr, flags) };
            u32::try_from(len).map(|len| headers[0].msg_len = len).map(|()| 1)
        } else {
            // SAFETY: the descriptor is open; each of the headers describes one part, which is one of `places`.
            let got = unsafe { libc::recvmmsg(socket, headers.as_mut_ptr(), asked, flags as _, ptr::null_mut()) };
            usize::try_from(got)
        };
        if let Ok(got) = got {
            let all = !one_at_a_time && got < asked as usize;
            return Ok((headers.into_iter().take(got).map(Datagram::new), all));
        }
        return Err(match io::Error::last_os_error().kind() {
            // A reset is said once, before what waits: the other end is gone, and has not taken all that it was sent.
            io::ErrorKind::Interrupted | io::ErrorKind::ConnectionReset => continue,
            io::ErrorKind::WouldBlock => {
                connection.socket.found_empty();
                Received::Nothing
            }
            // A filter that does not know the newer of the two calls.
            io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported if !one_at_a_time => {
                one_at_a_time = true;
                continue;
            }
            _ => Received::End,
        });
    }
}
