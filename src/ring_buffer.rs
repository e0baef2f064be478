//! The owner's face of a ring: its indices, its writers, and its bytes for those who read by hand.

use crate::iob::Iob;
use crate::layout::ALIGNMENT;
use crate::orderings::PREFERRED;
use crate::protocol::read::{self, Error};
use crate::protocol::{close, section};
use crate::ring::Ring;
use crate::status::Status;
use crate::transport::broker::Host;
use core::ops::Range;
use rustix::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// A ring in shared memory: many writers, one reader.
///
/// Made by [`create`](Self::create) together with its only [`Reader`](crate::Reader). Writers are made by
/// [`new_iob_writer`](Self::new_iob_writer).
#[derive(Debug)]
pub struct RingBuffer {
    pub(crate) ring: Arc<Ring>,
    /// Serves writers in other processes.
    pub(crate) host: Arc<Host>,
}

impl RingBuffer {
    pub(crate) fn new(ring: Ring) -> Self {
        RingBuffer { ring: Arc::new(ring), host: Arc::default() }
    }

    /// A new writer whose records bear `tag`, and its peer, which can be neither written to nor mapped but tells when every
    /// copy of the writer is gone. Any number of pairs share the ring, also with equal tags; a pair costs a few hundred
    /// bytes and no descriptor until one is asked for.
    ///
    /// # Errors
    /// None at present; the reference has some, so callers check.
    pub fn new_iob_writer(&self, tag: u64) -> Result<(Iob, Iob), Status> {
        let ring = &*self.ring;
        if ring.book.is_crowded() {
            section::exclusively(ring, |_| ring.book.close_settled(&ring.region.accounts().slots));
        }
        Ok(Iob::pair(self.ring.clone(), self.host.clone(), tag))
    }

    /// Closes the ring, for good: once this returns every write is refused with [`PEER_CLOSED`](Status::PEER_CLOSED), by whatever
    /// transport, and no writer is handed over any more. What was accepted before, also what is still on its way from an isolated
    /// writer, can be read; after the last of it the [`Reader`](crate::Reader)'s waits and streams end. For any thread of the
    /// owner's process; in a fork of that it does nothing.
    ///
    /// Every sender finds its socket at an end at once, and its peer is told that it is gone when its last record is in the ring.
    ///
    /// Waits for the writers' lock, which a stopped process that maps the region may hold.
    pub fn close(&self) {
        self.host.refuse(&self.ring);
    }

    /// Whether the ring is [closed](Self::close): writers are refused. There may be more to read, and to come from isolated
    /// writers; [`Reader::is_at_end`](crate::Reader::is_at_end) tells when there is not.
    pub fn is_closed(&self) -> bool {
        close::is_closing(&*self.ring)
    }

    /// Whether [`Iob::send_to`](crate::Iob::send_to) may hand writers over that write by way of the kernel, with the broker for
    /// receivers that may not run programs. Off at first; only on a ring made by
    /// [`create_mediated`](Self::create_mediated) does it mean anything.
    pub fn prefer_kernel(&self, prefer: bool) {
        if let Some(kernel) = &self.ring.kernel {
            kernel.preferred.store(prefer, PREFERRED);
        }
    }

    /// Whether the kernel can write into this ring for others.
    pub fn is_mediated(&self) -> bool {
        self.ring.kernel.is_some()
    }

    /// The size of the ring in bytes.
    pub fn capacity(&self) -> usize {
        self.ring.region.capacity()
    }

    /// The index up to which records are published, in bytes since the ring was made. What it covers may be read.
    pub fn head(&self) -> u64 {
        read::head(&*self.ring)
    }

    /// The index up to which records were read and given back, in bytes since the ring was made.
    pub fn tail(&self) -> u64 {
        read::tail(&*self.ring)
    }

    /// Gives `amount` bytes back to the writers: moves `tail` by the length of the records read, see
    /// [`ring_buffer_record_len`](crate::ring_buffer_record_len). For callers that read with
    /// [`first_message_in`](Self::first_message_in); the [`Reader`](crate::Reader)'s own calls do it themselves.
    ///
    /// # Panics
    /// If `amount` is not a multiple of 8, like the reference.
    pub fn increment_tail(&self, amount: usize) {
        assert!(
            amount.is_multiple_of(ALIGNMENT),
            "tail moves by whole records, multiples of {ALIGNMENT} bytes; {amount} is none"
        );
        self.count_delivered(amount as u64);
        read::release_more(&*self.ring, amount as u64);
    }

    /// Counts the records of the next `amount` bytes as delivered.
    fn count_delivered(&self, amount: u64) {
        let ring = &*self.ring;
        let mut index = read::tail(ring);
        let end = index.saturating_add(amount).min(read::head(ring));
        while let Ok(Some(found)) = read::first(ring, index, end) {
            match ring.book.find(found.tag) {
                Some(entry) => entry.read.0.delivered.add(1, found.len),
                None => ring.book.others().read.0.delivered.add(1, found.len),
            }
            index += found.record_len();
        }
    }

    /// Reads a `T` at `index`, of any alignment.
    ///
    /// # Safety
    /// The bytes must be a valid `T`, and nobody, in no process, may write them meanwhile: `index` and the size of `T` must
    /// lie between `tail` and `head`, and no writer may be one that misuses its mapping.
    ///
    /// # Panics
    /// If `T` is larger than the mirrored part of the ring, `min(capacity, MAX_MESSAGE_SIZE)` bytes.
    pub unsafe fn read<T>(&self, index: u64) -> T {
        let offset = index % self.capacity() as u64;
        let at = self.ring.region.address(offset, size_of::<T>());
        // SAFETY: `address` checked that the bytes are mapped; the caller vouches for what they are and that they rest.
        unsafe { at.cast::<T>().read_unaligned() }
    }

    /// The tag and the message of the first record in a range of indices, in place.
    ///
    /// # Safety
    /// Nobody, in no process, may write to the range while this runs or while the slice is used: the range must lie between
    /// `tail` and `head`, `tail` must not move past the record, and no writer may be one that misuses its mapping. The
    /// [`Reader`](crate::Reader)'s methods need no such promise.
    ///
    /// # Errors
    /// [`Error::BadAlignment`] if the range does not start at a multiple of 8; [`Error::TooSmall`] if it is reversed or
    /// shorter than a header; [`Error::BadLength`] if the record, padding included, exceeds the range, the ring or
    /// [`MAX_MESSAGE_SIZE`](crate::MAX_MESSAGE_SIZE).
    pub unsafe fn first_message_in(&self, range: Range<u64>) -> Result<(u64, &[u8]), Error> {
        let found = read::first_in(&*self.ring, range)?;
        let at = self.ring.region.address(found.offset, found.len);
        // SAFETY: `address` checked that the bytes are mapped, contiguously thanks to the mirror; the caller vouches that
        // they rest for as long as the slice lives.
        Ok((found.tag, unsafe { core::slice::from_raw_parts(at, found.len) }))
    }
}

impl Drop for RingBuffer {
    /// The ring's owner is gone: writers in other processes get `PEER_CLOSED` from now on.
    fn drop(&mut self) {
        self.host.close(&self.ring);
    }
}

impl AsFd for RingBuffer {
    /// The shared region itself: a memfd, sealed against resizing; or a BPF array, if the kernel writes into it too. Whoever maps it can read and damage everything in the
    /// ring; for other processes that should only write, there are endpoints.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.region.as_fd()
    }
}
