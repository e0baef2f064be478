//! The one reader of a ring: waiting and reading, in every style.

use crate::accounts::{Accounts, Cache, Count};
use crate::interrupter::Interrupter;
use crate::layout::MAX_MESSAGE_SIZE;
use crate::obstacle::Obstacle;
use crate::orderings::READERS_OWN;
use crate::protocol::Memory;
use crate::protocol::cursor::Cursor;
use crate::protocol::memory::bell;
use crate::protocol::read::{self, Error};
use crate::protocol::{close, section, wait};
use crate::record::{Record, Records};
use crate::ring::Ring;
use crate::ring_buffer::RingBuffer;
use crate::status::Status;
use crate::waiting::{Deadline, wait_for};
use crate::writers::Writers;
use core::future::{pending, poll_fn};
use core::ops::{ControlFlow, Deref};
use core::task::{Context, Poll};
use rustix::event::PollFlags;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use weakest_facade::{Native, Platform};

/// Exclusive access to the reading side of a ring.
///
/// | style | wait | read |
/// |---|---|---|
/// | async, on any executor | [`wait`](Self::wait) | [`read_message`](Self::read_message), [`next_message`](Self::next_message) |
/// | blocking, with an optional timeout | [`wait_blocking`](Self::wait_blocking) | [`read_message_blocking`](Self::read_message_blocking) |
/// | poll, epoll, mio, `AsyncFd` | [`as_fd`](AsFd::as_fd) | [`try_read_message`](Self::try_read_message) |
/// | in batches, in place | any | [`drain`](Self::drain) |
/// | in batches, copied out | [`batches`](Self::batches), a stream; or any | [`read_batch`](Self::read_batch) |
///
/// All of these are sound whatever another process writes into the region, at any time: they give an [`Error`] or wrong
/// bytes, nothing worse. An error stays until the ring is repaired, for example by [`resync`](Self::resync).
#[derive(Debug)]
pub struct Reader {
    ring_buffer: Arc<RingBuffer>,
    cursor: Cursor,
    cache: Cache,
}

impl RingBuffer {
    /// Makes a ring of `capacity` bytes and returns its reader, through which the ring itself is reached.
    ///
    /// # Panics
    /// Like Fuchsia's: if `capacity` is not a multiple of the page size, is less than [`MAX_MESSAGE_SIZE`], or cannot be
    /// had. [`try_create`](Self::try_create) returns errors instead, and takes smaller rings.
    pub fn create(capacity: usize) -> Reader {
        let page = rustix::param::page_size();
        assert!(
            capacity.is_multiple_of(page),
            "a ring's capacity must be a multiple of the page size, {page} bytes; {capacity} is not"
        );
        assert!(
            capacity >= MAX_MESSAGE_SIZE,
            "a ring's capacity must be at least {MAX_MESSAGE_SIZE} bytes (MAX_MESSAGE_SIZE); {capacity} is less"
        );
        Self::try_create(capacity)
            .unwrap_or_else(|status| panic!("a ring of {capacity} bytes cannot be made: {status}"))
    }

    /// Makes a ring of `capacity` bytes, any non-zero multiple of the page size, and returns its reader. In a ring smaller
    /// than [`MAX_MESSAGE_SIZE`] the largest record is the ring's capacity.
    ///
    /// All memory is committed now: later accesses cannot fail.
    ///
    /// # Errors
    /// | status | when |
    /// |---|---|
    /// | `INVALID_ARGS` | `capacity` is 0 or not a multiple of the page size |
    /// | `OUT_OF_RANGE` | no address range can hold it, or the process may not make files so large (`RLIMIT_FSIZE`) |
    /// | `NO_MEMORY` | the system cannot give that much now |
    /// | `NO_RESOURCES` | no descriptors are left (a ring takes two) |
    pub fn try_create(capacity: usize) -> Result<Reader, Status> {
        Ok(Reader::new(Arc::new(RingBuffer::new(Ring::create(capacity)?))))
    }
}

/// Rings into which Linux itself writes for processes that are not trusted.
impl RingBuffer {
    /// As [`create`](Self::create), a ring whose writers can be handed over by
    /// [`Iob::send_kernel_to`](crate::Iob::send_kernel_to).
    ///
    /// # Panics
    /// As [`create`](Self::create), and where the kernel cannot do it ([`mediation`](crate::mediation)).
    pub fn create_mediated(capacity: usize) -> Reader {
        let page = rustix::param::page_size();
        assert!(
            capacity.is_multiple_of(page) && capacity >= MAX_MESSAGE_SIZE,
            "a ring's capacity must be a multiple of the page size, {page} bytes, and at least {MAX_MESSAGE_SIZE} bytes \
             (MAX_MESSAGE_SIZE); {capacity} is not"
        );
        Self::try_create_mediated(capacity)
            .unwrap_or_else(|obstacle| panic!("a mediated ring of {capacity} bytes cannot be made: {obstacle}"))
    }

    /// Makes a ring as [`try_create`](Self::try_create) does, into which the kernel can write for others: of any non-zero multiple
    /// of the page size that is less than 512 MiB by 132 KiB. It takes `CAP_BPF` and `CAP_PERFMON`, Linux 6.15 and its BPF
    /// compiler.
    ///
    /// In the owner's process it is as any other ring, with these differences: a thread that finds the lock held polls, instead
    /// of sleeping; six descriptors are taken; mappings are not handed over.
    ///
    /// # Errors
    /// What is in the way: as [`try_create`](Self::try_create), and as [`mediation`](crate::mediation).
    pub fn try_create_mediated(capacity: usize) -> Result<Reader, Obstacle> {
        Ok(Reader::new(Arc::new(RingBuffer::new(Ring::create_mediated(capacity)?))))
    }
}

impl Deref for Reader {
    type Target = Arc<RingBuffer>;
    fn deref(&self) -> &Arc<RingBuffer> {
        &self.ring_buffer
    }
}

impl Reader {
    fn new(ring_buffer: Arc<RingBuffer>) -> Self {
        Reader { ring_buffer, cursor: Cursor::default(), cache: Cache::default() }
    }

    fn ring(&self) -> &Ring {
        &self.ring_buffer.ring
    }

    /// A handle by which any thread makes a wait of this reader return. From now on a blocking wait sleeps on the reader's
    /// descriptor, where that reaches it, as on a mediated ring; this costs the waits, and the writers that end them, a system
    /// call or two.
    pub fn interrupter(&self) -> Interrupter {
        self.ring().interrupts.allow();
        Interrupter::new(Arc::downgrade(&self.ring_buffer.ring))
    }

    /// Waits until `head` exceeds `index`, and returns `head`. If an [`Interrupter`] made it return, `head` does not exceed
    /// `index`.
    ///
    /// May be dropped at any time: what it registered is taken back, and a later wait misses nothing.
    ///
    /// At the [end](RingBuffer::close) of the ring it returns `head` as it is.
    pub async fn wait(&mut self, index: u64) -> u64 {
        let waiting = Waiting(self);
        poll_fn(|context| match waiting.0.poll_wait(index, context) {
            // Looked at after the waker was registered, which the interrupter takes after it has set this.
            Poll::Pending if waiting.0.ring().interrupts.take() => Poll::Ready(waiting.0.head().min(index)),
            polled => polled,
        })
        .await
    }

    /// Waits until more than `threshold` bytes of the ring are there to be read, headers and padding included, and returns how many
    /// are: fewer only at the [end](RingBuffer::close) of the ring, or if an [`Interrupter`] made it return. One that exceeds the
    /// capacity less the longest record that is written may never be reached, for the writers find no room before.
    ///
    /// This is the read threshold of Fuchsia's RFC-0267 for whoever waits. (The task is polled for each record that comes meanwhile,
    /// and goes to sleep again.)
    pub async fn wait_for_more_than(&mut self, threshold: usize) -> usize {
        let tail = self.tail();
        let head = self.wait(tail.saturating_add(threshold as u64)).await;
        // What is there is no more than the ring holds, or the ring is damaged, of which the reading tells.
        usize::try_from(head.saturating_sub(tail)).unwrap_or(usize::MAX)
    }

    /// As [`wait`](Self::wait), for those who have no way to say that they were interrupted.
    async fn wait_on(&mut self, index: u64) -> u64 {
        let waiting = Waiting(self);
        poll_fn(|context| waiting.0.poll_wait(index, context)).await
    }

    /// Whether `head` exceeds `index`, or never will, and `head`; otherwise the task will be woken when it may.
    pub(crate) fn poll_wait(&self, index: u64, context: &mut Context<'_>) -> Poll<u64> {
        let ring = self.ring();
        let head = read::head(ring);
        if head > index {
            return Poll::Ready(head);
        }
        // The waker must be there before the writers are told to ring it.
        ring.doorbell.register(context.waker());
        match wait::subscribe(ring, index, bell::WAKER) {
            Some(head) => Poll::Ready(head),
            None => Poll::Pending,
        }
    }

    /// Takes back what [`poll_wait`](Self::poll_wait) registered.
    pub(crate) fn forget_task(&self) {
        self.ring().doorbell.forget();
    }

    /// Blocks until `head` exceeds `index`, and returns `head`; `None` when `timeout` has passed before that, or an
    /// [`Interrupter`] made it return, or at the [end](Self::is_at_end) of the ring. Without a timeout it waits for as long as it
    /// takes. Spins for about a microsecond before it sleeps.
    pub fn wait_blocking(&mut self, index: u64, timeout: Option<Duration>) -> Option<u64> {
        let ring = self.ring();
        if !ring.is_mediated() && !ring.interrupts.are_possible() {
            return wait::wait(ring, index, timeout).filter(|&head| head > index);
        }
        let head = self.wait_for_bell(index, timeout);
        if head.is_some() && ring.polled.load(READERS_OWN) {
            // Whoever polls must not miss what this call has taken the bell for.
            ring.doorbell.ring(bell::DESCRIPTOR);
        }
        head.filter(|&head| head > index)
    }

    /// As [`wait_blocking`](Self::wait_blocking), until a bell is rung: neither the kernel, where it writes, nor an interrupter
    /// wakes who sleeps on the lock.
    fn wait_for_bell(&self, index: u64, timeout: Option<Duration>) -> Option<u64> {
        let ring = self.ring();
        let deadline = Deadline::after(timeout);
        let head = || Some(read::head(ring)).filter(|&head| head > index);
        for _ in 0..Native::PATIENCE {
            if let Some(head) = head() {
                return Some(head);
            }
            Native::spin();
        }
        loop {
            ring.silence_readers_bell();
            if let Some(head) = wait::subscribe(ring, index, bell::DESCRIPTOR) {
                return Some(head);
            }
            // Looked at after the bell was silenced, which the interrupter rings after it has set this.
            if ring.interrupts.take() {
                return None;
            }
            let rung = wait_for(ring.readers_bell(), PollFlags::IN, deadline).expect("a bell can be polled");
            if let Some(head) = head() {
                return Some(head);
            }
            // Others may ring again and again for what is taken already.
            if !rung || deadline.is_over() {
                return None;
            }
        }
    }

    /// Reads the next record, waiting for one if there is none: its tag and a copy of its message. Gives its room back.
    ///
    /// May be dropped while it waits; no record is lost. An [`Interrupter`] does not end it, and neither is its interruption
    /// taken. At the [end](Self::is_at_end) of the ring it waits for ever: [`next_message`](Self::next_message) does not.
    ///
    /// # Errors
    /// If the ring is damaged; `tail` stays where it is.
    pub async fn read_message(&mut self) -> Result<(u64, Vec<u8>), Error> {
        loop {
            if let Some(message) = self.try_read_message()? {
                return Ok(message);
            }
            let tail = self.tail();
            if self.wait_on(tail).await <= tail {
                pending::<()>().await;
            }
        }
    }

    /// As [`read_message`](Self::read_message); `None` at the [end](Self::is_at_end) of the ring.
    ///
    /// # Errors
    /// If the ring is damaged; `tail` stays where it is.
    pub async fn next_message(&mut self) -> Result<Option<(u64, Vec<u8>)>, Error> {
        loop {
            let message = self.try_read_message()?;
            let tail = self.tail();
            if message.is_some() || self.wait_on(tail).await <= tail {
                return Ok(message);
            }
        }
    }

    /// Whether the ring was [closed](RingBuffer::close) and everything was read that was accepted: nothing more comes. Waits return
    /// at once then, blocking ones `None`; streams end; the descriptor is readable and stays so.
    pub fn is_at_end(&self) -> bool {
        let ring = self.ring();
        close::is_closed(ring) && read::head(ring) == read::tail(ring)
    }

    /// Has the ring [close](RingBuffer::close) by itself when no writer is left, in whatever process; at once if there were some
    /// and none is left now. A ring that never had one goes on waiting for the first. Whoever drops the last writer waits for the
    /// writers' lock, as [`close`](RingBuffer::close) does.
    pub fn end_with_writers(&mut self) {
        Writers::end_with_last(self.ring());
    }

    /// As [`read_message`](Self::read_message), blocking; `Ok(None)` when `timeout` has passed, an [`Interrupter`] made it
    /// return, or nothing more comes ([`is_at_end`](Self::is_at_end)).
    pub fn read_message_blocking(&mut self, timeout: Option<Duration>) -> Result<Option<(u64, Vec<u8>)>, Error> {
        let message = self.try_read_message()?;
        if message.is_some() {
            return Ok(message);
        }
        match self.wait_blocking(self.tail(), timeout) {
            Some(_) => self.try_read_message(),
            None => Ok(None),
        }
    }

    /// Reads the next record if there is one.
    ///
    /// # Errors
    /// If the ring is damaged; `tail` stays where it is.
    pub fn try_read_message(&mut self) -> Result<Option<(u64, Vec<u8>)>, Error> {
        let mut message = Vec::new();
        Ok(self.read_into(&mut message)?.map(|tag| (tag, message)))
    }

    /// Reads the next record, if there is one, into the caller's buffer: replaces what is in `message` and returns the tag.
    /// Allocates only when the buffer is too small.
    ///
    /// # Errors
    /// If the ring is damaged; `tail` stays where it is and `message` is empty.
    pub fn read_into(&mut self, message: &mut Vec<u8>) -> Result<Option<u64>, Error> {
        message.clear();
        let mut tag = None;
        self.drain(|record| {
            record.append_to(message);
            tag = Some(record.tag());
            ControlFlow::Break(())
        })?;
        Ok(tag)
    }

    /// Visits the records that are there now, in place and in order, until there is none left or `visit` says
    /// [`Break`](ControlFlow::Break). Their room is given back once, at the end: all visited records', also the one at which
    /// it broke; a record whose visit panicked stays. Returns how many were visited.
    ///
    /// # Errors
    /// If the ring is damaged at the first record; damage further on ends the visits and is reported by the next call.
    pub fn drain(&mut self, mut visit: impl FnMut(Record<'_>) -> ControlFlow<()>) -> Result<usize, Error> {
        let ring = &*self.ring_buffer.ring;
        let visited = self.cursor.drain(ring, |found| {
            let flow = visit(Record::new(ring, *found));
            self.cache.deliver(&ring.book, found.tag, found.len);
            flow
        })?;
        if visited == 0 && ring.polled.load(READERS_OWN) {
            self.arm_descriptor();
        }
        Ok(visited)
    }

    /// Copies of the records that are there now, from the one at `index` on, none of which is taken: they stay for the next call
    /// that reads. An index before [`tail`](RingBuffer::tail) means `tail`, since what was before is given back; one at or past
    /// `head` finds nothing.
    ///
    /// Ends after an error: where the ring is damaged, or no record begins at `index`.
    pub fn records(&self, index: u64) -> Records<'_> {
        let ring = self.ring();
        Records::new(ring, index.max(read::tail(ring)), read::head(ring))
    }

    /// Gives back the room of the oldest records, unread, until those that are left take at most `keep` bytes of the ring, headers and
    /// padding included: for whoever wants the newest, and looks at them by [`records`](Self::records). They count as
    /// [dropped](crate::Account::dropped), not as delivered. Returns how many were dropped.
    ///
    /// Writers find room as long as this is called in time: [`wait`](Self::wait) for more than the last `head`. (The descriptor, which
    /// says whether there is a record, has nothing to say to somebody who always keeps some.)
    ///
    /// # Errors
    /// If the ring is damaged at the first record; damage further on ends it and is reported by the next call.
    pub fn drop_oldest(&mut self, keep: usize) -> Result<Count, Error> {
        let ring = &*self.ring_buffer.ring;
        let (mut tail, head) = (read::tail(ring), read::head(ring));
        let is_enough = |tail| head.saturating_sub(tail) <= keep as u64;
        let mut dropped = Count::default();
        if is_enough(tail) {
            return Ok(dropped);
        }
        self.cursor.drain(ring, |found| {
            self.cache.drop_unread(&ring.book, found.tag, found.len);
            dropped += Count { records: 1, bytes: found.len as u64 };
            // Whoever maps the region may have moved it meanwhile.
            tail = tail.saturating_add(found.record_len());
            if is_enough(tail) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(dropped)
    }

    /// Gives up everything in the ring and goes on from a sound header: the way out of a damaged ring. Returns how many
    /// bytes were given up.
    pub fn resync(&mut self) -> u64 {
        let ring = &*self.ring_buffer.ring;
        self.cursor.resynchronise(ring, || ring.book.give_up(&ring.region.accounts().slots))
    }

    /// What became of every write so far. Writers wait while the counts are fetched, which takes longer the more tags there
    /// are; not while the ring is walked over.
    pub fn accounts(&self) -> Accounts {
        let ring = self.ring();
        let slots = &ring.region.accounts().slots;
        let (head, mut accounts) = section::exclusively(ring, |_| (read::head(ring), ring.book.read(slots)));
        // Only this reader moves `tail`, so what was published when the counts were fetched is there still.
        let mut index = read::tail(ring);
        while let Ok(Some(found)) = read::first(ring, index, head) {
            accounts.found(found.tag, found.len);
            index += found.record_len();
        }
        accounts
    }

    /// Makes the descriptor tell of the next record, the ring having been found empty.
    fn arm_descriptor(&self) {
        let ring = self.ring();
        ring.silence_readers_bell();
        if wait::subscribe(ring, self.tail(), bell::DESCRIPTOR).is_some() {
            ring.doorbell.ring(bell::DESCRIPTOR);
        }
    }
}

/// Nobody reads any more: as if the ring's owner were gone, whoever has the [`RingBuffer`] still.
impl Drop for Reader {
    fn drop(&mut self) {
        self.ring_buffer.host.close(&self.ring_buffer.ring);
    }
}

impl Reader {
    /// A descriptor of the caller's own, to be polled as [`as_fd`](AsFd::as_fd)'s is: for whatever wants to own what it polls, and
    /// for whoever needs the reader itself meanwhile. It can only be polled and says nothing of the ring's memory, unlike
    /// [`RingBuffer`]'s `as_fd`.
    ///
    /// # Errors
    /// `EMFILE` or `ENFILE` when no descriptors are left.
    pub fn bell(&self) -> io::Result<OwnedFd> {
        self.as_fd().try_clone_to_owned()
    }
}

impl AsFd for Reader {
    /// A descriptor to poll, level- or edge-triggered: readable when there may be a record. Read until there is none
    /// ([`try_read_message`](Reader::try_read_message), [`read_into`](Reader::read_into), [`drain`](Reader::drain)); that
    /// arms it again. It is only to be polled: reading from it or writing to it confuses nobody but the caller.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring().polled.store(true, READERS_OWN);
        if self.head() == self.tail() {
            self.arm_descriptor();
        } else {
            self.ring().doorbell.ring(bell::DESCRIPTOR);
        }
        self.ring().readers_bell()
    }
}

/// A task's wait, which leaves no registration behind, however it ends.
struct Waiting<'a>(&'a Reader);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.forget_task();
    }
}
