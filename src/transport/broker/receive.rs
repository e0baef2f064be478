//! One message from a writer's socket straight into the ring.
//!
//! First a look at the message, without the lock: how long it is and whether it is one at all. Only this thread takes
//! messages out of the socket, so what was looked at is what is received next, under the lock, by one copy that cannot
//! block, to where the record will be.

use super::remote::{HEADER, Header};
use super::sources::{Connection, Writer};
use crate::layout::{ALIGNMENT, MAX_WRITE_SIZE, ring_buffer_record_len};
use crate::orderings::UNDER_LOCK;
use crate::protocol::account::Account;
use crate::protocol::write::{self, Refusal};
use crate::ring::Ring;
use rustix::fd::AsFd;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;

/// What became of an attempt to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// A record is in the ring.
    Record,
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

/// Why nothing was received under the lock.
enum Missed {
    Refused(Refusal),
    Bad,
    Revoked,
}

impl From<Refusal> for Missed {
    fn from(refusal: Refusal) -> Self {
        Missed::Refused(refusal)
    }
}

/// Receives the next message of `connection`, if there is one and the ring has room for it. If that is `aged`, having been
/// refused before, room is set aside for it.
pub(super) fn receive(ring: &Ring, connection: &Connection, aged: bool) -> Received {
    let (Header { lost, lost_bytes }, len) = match look(connection) {
        Ok(message) => message,
        Err(outcome) => return outcome,
    };
    let Writer { tag, entry, .. } = &connection.writer;
    let fill = |offset| {
        if connection.revoked.load(UNDER_LOCK) {
            return Err(Missed::Revoked);
        }
        take(ring, connection, offset, len)?;
        // Before the record is published: whoever has read it knows what was refused before it.
        if lost > 0 {
            entry.report(lost.into(), lost_bytes);
        }
        Ok(())
    };
    match write::write_aged(ring, *tag, Account::Own(&entry.own), len, aged, fill) {
        Ok(()) => Received::Record,
        Err(Missed::Revoked) => Received::End,
        // A damaged ring is repaired by its reader, and then there is room.
        Err(Missed::Refused(Refusal::Full | Refusal::Corrupt)) => Received::NoRoom(ring_buffer_record_len(len) as u64),
        Err(Missed::Refused(Refusal::TooLarge | Refusal::Invalid) | Missed::Bad) => Received::Bad(Offence::Message),
    }
}

/// Looks at the next message and leaves it where it is: its header and the length of the record's message in bytes, or what
/// else is the case.
fn look(connection: &Connection) -> Result<(Header, usize), Received> {
    let mut header = [0; HEADER];
    let mut parts = [part(header.as_mut_ptr(), HEADER)];
    // SAFETY: the part is `header`.
    let looked = unsafe { receive_into(&connection.socket, &mut parts, libc::MSG_PEEK | libc::MSG_TRUNC) };
    let (total, flags) = match looked {
        Ok(message) => message,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(Received::Nothing),
        Err(_) => return Err(Received::End),
    };
    // First, since an empty message may carry some.
    if flags & libc::MSG_CTRUNC != 0 {
        return Err(Received::Bad(Offence::Descriptors));
    }
    if total == 0 {
        return Err(Received::End);
    }
    match (Header::from_bytes(header), total.checked_sub(HEADER)) {
        (Some(header), Some(len)) if len <= MAX_WRITE_SIZE => Ok((header, len)),
        _ => Err(Received::Bad(Offence::Message)),
    }
}

/// Takes the message that [`look`] saw to `offset`, and puts zeros behind it. The lock is held and the ring has room.
fn take(ring: &Ring, connection: &Connection, offset: u64, len: usize) -> Result<(), Missed> {
    let mut header = [0; HEADER];
    let mut parts = [part(header.as_mut_ptr(), HEADER), part(ring.region.place(offset, len), len)];
    // SAFETY: the first part is `header`; `place` checked that the second is mapped memory of the ring, to which the lock
    // gives us the right and no reference exists.
    let received = unsafe { receive_into(&connection.socket, &mut parts, libc::MSG_TRUNC) };
    if !matches!(received, Ok((total, _)) if total == HEADER + len) {
        return Err(Missed::Bad);
    }
    let padding = len.next_multiple_of(ALIGNMENT) - len;
    ring.region.write_bytes(offset + len as u64, &[0; ALIGNMENT][..padding]);
    Ok(())
}

fn part(start: *mut u8, len: usize) -> libc::iovec {
    libc::iovec { iov_base: start.cast(), iov_len: len }
}

/// `recvmsg` that does not block and takes no descriptors: the message's length and the flags it came with.
///
/// # Safety
/// `parts` must be memory that may be written, at least for as long as this runs. It need not be memory of Rust's: no
/// reference to it is made.
unsafe fn receive_into(
    socket: &impl AsFd,
    parts: &mut [libc::iovec],
    flags: libc::c_int,
) -> io::Result<(usize, libc::c_int)> {
    // SAFETY: all zeros is a message header without address, parts and control data.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = parts.len() as _;
    message.msg_control = ptr::null_mut();
    loop {
        let flags = flags | libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
        // SAFETY: the descriptor is open; `message` describes memory that the caller vouches for.
        let total = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &mut message, flags) };
        match usize::try_from(total) {
            Ok(total) => return Ok((total, message.msg_flags)),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    }
}
