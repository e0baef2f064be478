//! A ring of a few words on the heap: the memory that the protocol core runs on inside a model.
//!
//! Data words are the platform's cells, so that a checker sees every access to them. The mirror is modelled by the
//! remainder: an offset past the capacity means the ring's start, as the real mapping makes it mean.

use iobring::layout::{Grant, Header, Journal, Ledger, Slot};
use iobring::protocol::Memory;
use iobring::protocol::memory::bell;
use iobring::protocol::read::Found;
use weakest_facade::{Atomic, Cell, Platform, sites};

sites! {
    /// A word of a record, written.
    WORD_WRITE: Write, "ordered by HEAD_PUBLISH and TAIL_ACQUIRE";
    /// A word of a record, read.
    WORD_READ: Read, "ordered by HEAD_ACQUIRE and TAIL_RELEASE";
    /// The bell is rung: a task is woken, or a descriptor becomes readable.
    BELL_RING: Wake, "like a descriptor, it promises no ordering";
    /// Somebody asleep until the bell is rung.
    BELL_SLEEP: Wait, "orders nothing";
    /// The lock is biased before the threads start.
    BIASED: Store Relaxed, "before the threads start";
    /// The bell was heard.
    BELL_TAKE: Rmw Relaxed, "orders nothing";
}

/// One ring.
pub struct HeapRing<P: Platform> {
    header: Header<P>,
    words: Vec<P::Cell>,
    /// 1 after a bell of the reader's was rung: its task's. Relaxed throughout: the real bells (an eventfd, a waker) order more
    /// than the protocol may rely on.
    bell: P::AtomicU32,
    /// Its descriptor's.
    descriptor_bell: P::AtomicU32,
    /// The mediator's bell, likewise.
    room_bell: P::AtomicU32,
    journal: Journal<P>,
    /// The accounts; none of them, and writers count nothing.
    slots: Vec<Slot<P>>,
    /// The rights to write by way of a mediator; none, and none writes.
    grants: Vec<Grant<P>>,
    biasable: bool,
}

impl<P: Platform> HeapRing<P> {
    /// An empty ring of `capacity` bytes, a multiple of 8, whose indices start at `index`.
    pub fn new(capacity: u64, index: u64) -> Self {
        let words = (0..capacity as usize / 8).map(|i| Cell::new("word", i, 0)).collect();
        HeapRing {
            header: Header::new(index),
            words,
            bell: Atomic::new("bell", 0),
            descriptor_bell: Atomic::new("descriptor", 0),
            room_bell: Atomic::new("room bell", 0),
            journal: Journal::new(),
            slots: Vec::new(),
            grants: Vec::new(),
            biasable: false,
        }
    }

    /// An empty ring of `capacity` bytes with so many accounts.
    pub fn with_slots(capacity: u64, slots: usize) -> Self {
        HeapRing { slots: (0..slots).map(|_| Slot::new()).collect(), ..Self::new(capacity, 0) }
    }

    /// An empty ring of `capacity` bytes whose indices start at `index`, and into which mediators write for so many writers.
    pub fn with_grants(capacity: u64, index: u64, grants: usize) -> Self {
        HeapRing { grants: (0..grants).map(|_| Grant::new()).collect(), ..Self::new(capacity, index) }
    }

    /// The same ring, whose lock may be biased, if it may, and is so towards the thread of this id to begin with.
    pub fn biased(self, biasable: bool, id: u32) -> Self {
        if biasable {
            self.header.reader.0.bias.store(&BIASED, id);
        }
        HeapRing { biasable, ..self }
    }

    /// A right to write by way of a mediator.
    pub fn grant(&self, number: usize) -> &Grant<P> {
        &self.grants[number]
    }

    /// The same ring with so many accounts.
    pub fn and_slots(self, slots: usize) -> Self {
        HeapRing { slots: (0..slots).map(|_| Slot::new()).collect(), ..self }
    }

    /// An account. Its tally is the lock's holder's.
    pub fn slot(&self, number: usize) -> &Slot<P> {
        &self.slots[number]
    }

    /// Copies a record's message out.
    pub fn read_message(&self, found: &Found) -> Vec<u8> {
        let words = found.len.div_ceil(8) as u64;
        let mut bytes: Vec<u8> = (0..words).flat_map(|i| self.read_word(found.offset + 8 * i).to_ne_bytes()).collect();
        bytes.truncate(found.len);
        bytes
    }

    /// The same ring with rights to write by way of a mediator.
    pub fn and_grants(self, grants: usize) -> Self {
        HeapRing { grants: (0..grants).map(|_| Grant::new()).collect(), ..self }
    }

    /// The rights to write by way of a mediator.
    pub fn grants(&self) -> &[Grant<P>] {
        &self.grants
    }

    /// Sleeps until this bell of the reader's is rung.
    pub fn hear_bell(&self, bell: u32) {
        hear::<P>(if bell == bell::DESCRIPTOR { &self.descriptor_bell } else { &self.bell });
    }

    /// Whether the mediator's bell is rung, and was not heard yet.
    pub fn room_is_rung(&self) -> bool {
        self.room_bell.swap(&BELL_TAKE, 0) != 0
    }

    /// Sleeps until the mediator's bell is rung.
    pub fn hear_room(&self) {
        hear::<P>(&self.room_bell);
    }

    /// A record begins before the end of the ring, also where the mirror would do: in a large ring it is shorter.
    fn assert_within(&self, offset: u64) {
        assert!(offset < 8 * self.words.len() as u64, "a record at offset {offset}, beyond the end of the ring");
    }

    fn word(&self, offset: u64) -> &P::Cell {
        &self.words[(offset / 8) as usize % self.words.len()]
    }
}

impl<P: Platform> Memory<P> for HeapRing<P> {
    /// Short, so that every record has words that the reader puts back.
    const LINE: u64 = 16;

    /// At once.
    const BIAS_AFTER: u32 = 1;

    fn header(&self) -> &Header<P> {
        &self.header
    }

    fn capacity(&self) -> u64 {
        8 * self.words.len() as u64
    }

    fn read_word(&self, offset: u64) -> u64 {
        self.word(offset).read(&WORD_READ)
    }

    fn write_word(&self, offset: u64, value: u64) {
        self.word(offset).write(&WORD_WRITE, value);
    }

    fn read_pair(&self, offset: u64) -> [u64; 2] {
        self.assert_within(offset);
        [self.read_word(offset), self.read_word(offset + 8)]
    }

    fn write_pair(&self, offset: u64, words: [u64; 2]) {
        self.assert_within(offset);
        self.write_word(offset, words[0]);
        self.write_word(offset + 8, words[1]);
    }

    fn write_bytes(&self, offset: u64, bytes: &[u8]) {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let within = (at % 8) as usize;
            let (piece, more) = rest.split_at(rest.len().min(8 - within));
            let cell = self.word(at);
            // Where only part of a word is ours, the rest of it stays.
            let mut word = if piece.len() == 8 { [0; 8] } else { cell.read(&WORD_READ).to_ne_bytes() };
            word[within..within + piece.len()].copy_from_slice(piece);
            cell.write(&WORD_WRITE, u64::from_ne_bytes(word));
            at += piece.len() as u64;
            rest = more;
        }
    }

    fn ledger(&self) -> Option<Ledger<'_, P>> {
        (!self.slots.is_empty()).then_some(Ledger { journal: &self.journal, slots: &self.slots })
    }

    fn is_mediated(&self) -> bool {
        !self.grants.is_empty()
    }

    fn is_biasable(&self) -> bool {
        self.biasable
    }

    fn may_bias(&self) -> bool {
        true
    }

    fn ring_bell(&self, wanted: u32) {
        let bells =
            [(bell::WAKER, &self.bell), (bell::DESCRIPTOR, &self.descriptor_bell), (bell::ROOM, &self.room_bell)];
        for (_, bell) in bells.into_iter().filter(|(bit, _)| wanted & bit != 0) {
            P::store_and_wake_all(bell, &BELL_RING, 1);
        }
    }
}

fn hear<P: Platform>(bell: &P::AtomicU32) {
    while bell.swap(&BELL_TAKE, 0) == 0 {
        P::wait(bell, &BELL_SLEEP, 0, None);
    }
}
