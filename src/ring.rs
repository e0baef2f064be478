//! One ring in this process: its region and its bells, as the protocol's [`Memory`].

use crate::accounts::Book;
use crate::doorbell::Doorbell;
use crate::event::Event;
use crate::interrupter::Interrupts;
use crate::kernel::Kernel;
use crate::layout::{Header, Ledger};
use crate::obstacle::{Obstacle, Step};
use crate::process::Generation;
use crate::protocol::memory::bell;
use crate::protocol::{Memory, bias};
use crate::region::Region;
use crate::status::Status;
use crate::writers::Writers;
use core::sync::atomic::AtomicBool;
use rustix::fd::{AsFd, BorrowedFd};
use std::io;
use std::sync::{Once, OnceLock};
use weakest_facade::Native;
use weakest_facade::native::{enable_heavy_fences, heavy_fences_are_refused, heavy_fences_reach_across};

/// What the owner, the reader and the writers of one ring in this process share.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(crate) region: Region,
    pub(crate) doorbell: Doorbell,
    /// Whether somebody polls the doorbell's descriptor, which then has to be armed whenever the ring was found empty.
    pub(crate) polled: AtomicBool,
    /// Of the reader's waits.
    pub(crate) interrupts: Interrupts,
    /// Rung when there is room that a mediator waits for. Made by the first that may have to wait.
    room: OnceLock<Event>,
    /// In the owner's process.
    pub(crate) book: Book,
    /// Those that are left, as far as the owner's process knows.
    pub(crate) writers: Writers,
    /// If the kernel writes for others.
    pub(crate) kernel: Option<Kernel>,
    /// Whether the lock may be biased, and in which process.
    biasable: Option<Generation>,
    /// Whether other processes were let in.
    opened: Once,
}

impl Ring {
    /// A new ring, owned by this process.
    pub(crate) fn create(capacity: usize) -> Result<Self, Status> {
        let ring = Ring::new(Region::create(capacity)?, Doorbell::new()?);
        let reaches = enable_heavy_fences().is_ok() && heavy_fences_reach_across();
        Ok(Ring { biasable: reaches.then(Generation::current), ..ring })
    }

    /// A new ring, owned by this process, into which the kernel can write for others.
    pub(crate) fn create_mediated(capacity: usize) -> Result<Self, Obstacle> {
        let ring = Ring::new(Region::create_mediated(capacity)?, Doorbell::new()?);
        let kernel = Kernel::new(&ring.doorbell)?;
        let ring = Ring { kernel: Some(kernel), ..ring };
        // So that whatever is in the way is known now.
        if let Some(kernel) = &ring.kernel {
            let granted = kernel.grants.give(&ring).map_err(|error| Obstacle::of(Step::Region, error))?;
            kernel.program(&ring.region, 0, &granted)?;
            granted.revoke(&ring);
            kernel.grants.take_back(&granted);
        }
        Ok(ring)
    }

    /// A ring of this region and these bells.
    pub(crate) fn new(region: Region, doorbell: Doorbell) -> Self {
        let (polled, room, book) = (AtomicBool::new(false), OnceLock::new(), Book::default());
        Ring {
            region,
            doorbell,
            polled,
            interrupts: Interrupts::default(),
            room,
            book,
            writers: Writers::default(),
            kernel: None,
            biasable: None,
            opened: Once::new(),
        }
    }

    /// Before another process maps the region. The first time this takes the writers' lock; later it must not, since one of those
    /// processes may hold it, and be stopped.
    pub(crate) fn open(&self) {
        if self.is_biasable() {
            self.opened.call_once(|| bias::revoke_for_ever(self));
        }
    }

    /// Before a fork of the owner's process writes. It does not go by `opened`, which it may have inherited half done.
    pub(crate) fn open_from_fork(&self) {
        if self.is_biasable() && !bias::is_over_for_ever(self) {
            bias::revoke_for_ever(self);
        }
    }

    /// The descriptor that is readable when the reader's bell was rung.
    pub(crate) fn readers_bell(&self) -> BorrowedFd<'_> {
        self.kernel.as_ref().map_or(self.doorbell.as_fd(), |kernel| kernel.as_fd())
    }

    /// Makes the reader's bell unreadable again.
    pub(crate) fn silence_readers_bell(&self) {
        self.doorbell.silence();
        if let Some(kernel) = &self.kernel {
            kernel.silence();
        }
    }

    /// The bell that a mediator listens to.
    pub(crate) fn room_bell(&self) -> io::Result<&Event> {
        if let Some(bell) = self.room.get() {
            return Ok(bell);
        }
        let bell = Event::new()?;
        Ok(self.room.get_or_init(|| bell))
    }

    /// Makes the mediator's bell unreadable again.
    pub(crate) fn silence_room_bell(&self) {
        if let Some(bell) = self.room.get() {
            bell.silence();
        }
    }

    /// Has the mediator look again, if there is one.
    pub(crate) fn ring_room_bell(&self) {
        if let Some(bell) = self.room.get() {
            bell.ring();
        }
    }
}

impl Memory<Native> for Ring {
    #[inline(always)]
    fn header(&self) -> &Header<Native> {
        self.region.header()
    }
    #[inline(always)]
    fn capacity(&self) -> u64 {
        self.region.capacity() as u64
    }
    #[inline(always)]
    fn read_word(&self, offset: u64) -> u64 {
        self.region.read_word(offset)
    }
    #[inline(always)]
    fn write_word(&self, offset: u64, value: u64) {
        self.region.write_word(offset, value);
    }
    #[inline(always)]
    fn read_pair(&self, offset: u64) -> [u64; 2] {
        self.region.read_pair(offset)
    }
    #[inline(always)]
    fn write_pair(&self, offset: u64, words: [u64; 2]) {
        self.region.write_pair(offset, words);
    }
    #[inline(always)]
    fn write_bytes(&self, offset: u64, bytes: &[u8]) {
        self.region.write_bytes(offset, bytes);
    }
    #[inline(always)]
    fn prefetch(&self, offset: u64) {
        self.region.prefetch(offset);
    }
    #[inline(always)]
    fn own(&self, offset: u64, len: u64) {
        self.region.own(offset, len, Self::LINE);
    }
    #[inline(always)]
    fn ledger(&self) -> Option<Ledger<'_, Native>> {
        let accounts = self.region.accounts();
        Some(Ledger { journal: &accounts.journal.0, slots: &accounts.slots })
    }
    fn is_mediated(&self) -> bool {
        self.kernel.is_some()
    }
    #[inline(always)]
    fn is_biasable(&self) -> bool {
        self.biasable.is_some()
    }
    fn may_bias(&self) -> bool {
        self.biasable.is_some_and(Generation::is_current) && !heavy_fences_are_refused()
    }
    fn ring_bell(&self, wanted: u32) {
        if wanted & bell::ROOM != 0 {
            self.ring_room_bell();
        }
        if wanted & !bell::ROOM != 0 {
            self.doorbell.ring(wanted);
        }
    }
}
