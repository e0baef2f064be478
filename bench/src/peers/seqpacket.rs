//! A Unix `SOCK_SEQPACKET` socket: a packet per message; `sendmmsg` and `recvmmsg` for many.

use crate::peer::{BATCH, Peer, Seed, Shape, seed};
use anyhow::Result;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair, sockopt};
use std::sync::Arc;

/// See the module.
pub enum SeqPacket {}

/// The writing end, which all writers share.
pub struct Writer(Arc<OwnedFd>);

/// The reading end, with room for a batch.
pub struct Reader {
    socket: OwnedFd,
    _writers: Arc<OwnedFd>,
    payload: usize,
    packets: usize,
    room: Vec<u8>,
}

impl Peer for SeqPacket {
    const NAME: &'static str = "seqpacket";
    const CRATE: Option<&'static str> = None;
    const WARMS_UP: bool = false;
    type Writer = Writer;
    type Reader = Reader;

    fn refuses(_: &Shape) -> Option<&'static str> {
        None
    }

    fn open(shape: &Shape) -> Result<(Vec<Seed<Writer>>, Reader)> {
        let (writing, socket) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        // As much as the system allows of it.
        sockopt::set_socket_send_buffer_size(&writing, shape.capacity)?;
        let writing = Arc::new(writing);
        let packets = if shape.batched { BATCH } else { 1 };
        let writers = (0..shape.writers).map(|_| seed(Writer(writing.clone()))).collect();
        let room = vec![0; packets * shape.payload];
        Ok((writers, Reader { socket, _writers: writing, payload: shape.payload, packets, room }))
    }
}

/// A message header over one buffer.
fn header(buffer: &mut libc::iovec) -> libc::mmsghdr {
    // SAFETY: all zeros is a valid message header: no name, no buffers, no control data.
    let mut header: libc::mmsghdr = unsafe { core::mem::zeroed() };
    header.msg_hdr.msg_iov = buffer;
    header.msg_hdr.msg_iovlen = 1;
    header
}

impl crate::peer::Writer for Writer {
    fn write(&mut self, message: &[u8]) -> bool {
        // SAFETY: the message is readable for its length.
        let sent = unsafe {
            libc::send(
                self.0.as_raw_fd(),
                message.as_ptr().cast(),
                message.len(),
                libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            )
        };
        sent == message.len() as isize
    }

    fn write_batch(&mut self, messages: &[&[u8]]) -> usize {
        let mut buffers: Vec<_> = messages
            .iter()
            .map(|message| libc::iovec { iov_base: message.as_ptr().cast_mut().cast(), iov_len: message.len() })
            .collect();
        let mut headers: Vec<_> = buffers.iter_mut().map(header).collect();
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        // SAFETY: each header points at one readable buffer; both vectors outlive the call.
        let sent = unsafe { libc::sendmmsg(self.0.as_raw_fd(), headers.as_mut_ptr(), headers.len() as u32, flags) };
        sent.max(0) as usize
    }
}

impl Reader {
    fn receive(&mut self, flags: i32, visit: &mut impl FnMut(&[u8])) -> usize {
        if self.packets == 1 {
            // SAFETY: `room` is writable for its length.
            let len =
                unsafe { libc::recv(self.socket.as_raw_fd(), self.room.as_mut_ptr().cast(), self.room.len(), flags) };
            return match usize::try_from(len) {
                Ok(len) => {
                    visit(&self.room[..len]);
                    1
                }
                Err(_) => 0,
            };
        }
        let mut buffers: Vec<_> = self
            .room
            .chunks_exact_mut(self.payload)
            .map(|piece| libc::iovec { iov_base: piece.as_mut_ptr().cast(), iov_len: piece.len() })
            .collect();
        let mut headers: Vec<_> = buffers.iter_mut().map(header).collect();
        let packets = headers.len() as u32;
        // SAFETY: each header points at one writable buffer; both vectors outlive the call.
        let got = unsafe {
            libc::recvmmsg(self.socket.as_raw_fd(), headers.as_mut_ptr(), packets, flags, core::ptr::null_mut())
        };
        let got = got.max(0) as usize;
        for (piece, header) in self.room.chunks_exact(self.payload).zip(&headers[..got]) {
            visit(&piece[..header.msg_len as usize]);
        }
        got
    }
}

impl crate::peer::Reader for Reader {
    fn drain(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        self.receive(libc::MSG_DONTWAIT, visit)
    }

    fn drain_blocking(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        self.receive(libc::MSG_WAITFORONE, visit)
    }
}
