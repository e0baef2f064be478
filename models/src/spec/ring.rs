//! The state: what is in the ring, and what each thread knows of it.

use crate::programs::actor::{HEADER, HOLDER, refused, wrong};
use crate::programs::call::{Place, figure, note};
use iobring::layout::{ALIGNMENT, MAX_MESSAGE_SIZE, ring_buffer_record_len};
use iobring::protocol::read::Error;
use iobring::protocol::write::Refusal;

/// What somebody knows: of each index, and of the copies of an endpoint, the newest value that he may not ignore, by its
/// number in the order of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Knowledge {
    pub(super) heads: usize,
    pub(super) tails: usize,
    pub(super) copies: usize,
    pub(super) ends: usize,
}

impl Knowledge {
    /// Learns what another knows.
    pub(super) fn learn(&mut self, other: Knowledge) {
        self.heads = self.heads.max(other.heads);
        self.tails = self.tails.max(other.tails);
        self.copies = self.copies.max(other.copies);
        self.ends = self.ends.max(other.ends);
    }
}

/// A value that one of these words has had, and what whoever reads it learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Value {
    pub(super) value: u64,
    pub(super) teaches: Knowledge,
}

impl Value {
    fn first(value: u64) -> Vec<Value> {
        vec![Value { value, teaches: Knowledge::default() }]
    }
}

/// A published record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    pub(super) index: u64,
    pub(super) name: u64,
    pub(super) len: usize,
    /// Its length was scribbled over.
    pub(super) bad: bool,
}

impl Record {
    fn size(&self) -> u64 {
        ring_buffer_record_len(self.len) as u64
    }

    /// Where the next record begins.
    pub(super) fn end(&self) -> u64 {
        self.index + self.size()
    }
}

/// What somebody was told to wait for who asked for room and found none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wish {
    /// Nobody was.
    None,
    /// Until `tail` is here.
    Reaches(u64),
    /// Until `tail` is put anywhere, since the indices were damaged.
    Moves,
    /// The bell has been rung.
    Granted,
}

impl Wish {
    /// The reader gives back all below.
    pub(super) fn tail_is_at(&mut self, tail: u64) {
        let is_enough = match *self {
            Wish::Reaches(index) => index <= tail,
            Wish::Moves => true,
            Wish::None | Wish::Granted => false,
        };
        if is_enough {
            *self = Wish::Granted;
        }
    }

    /// The indices are not what they were, or there is no use in waiting any more.
    pub(super) fn grant(&mut self) {
        if *self != Wish::None {
            *self = Wish::Granted;
        }
    }
}

/// The ring is open.
pub(super) const OPEN: u64 = 0;
/// It is about to be closed: only the broker writes.
pub(super) const ENDING: u64 = 1;
/// It is closed.
pub(super) const CLOSED: u64 = 2;

/// Records and bytes: what was accepted, what was refused for want of space, and what was for any other reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Account {
    pub(super) accepted: (u64, u64),
    pub(super) no_space: (u64, u64),
    pub(super) bad: (u64, u64),
}

fn add(sum: &mut (u64, u64), (records, bytes): (u64, u64)) {
    *sum = (sum.0 + records, sum.1 + bytes);
}

impl Account {
    pub(super) fn accept(&mut self, records: u64, bytes: u64) {
        add(&mut self.accepted, (records, bytes));
    }

    pub(super) fn refuse(&mut self, why: Refusal, bytes: u64) {
        let space = matches!(why, Refusal::Full | Refusal::TooLarge);
        add(if space { &mut self.no_space } else { &mut self.bad }, (1, bytes));
    }

    pub(super) fn take_over(&mut self, other: Account) {
        add(&mut self.accepted, other.accepted);
        add(&mut self.no_space, other.no_space);
        add(&mut self.bad, other.bad);
    }

    /// What was accepted, as a note.
    pub(super) fn tally(&self) -> u64 {
        figure(note::COUNTED, self.accepted)
    }

    /// All of it, as notes; what was refused, if `losses` are told.
    pub(super) fn figures(&self, losses: bool) -> Vec<u64> {
        let refused = [self.no_space, self.bad].map(|lost| figure(note::LOST, lost));
        std::iter::once(self.tally()).chain(refused.into_iter().filter(|_| losses)).collect()
    }
}

/// The ring.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ring {
    pub(super) capacity: u64,
    pub(super) start: u64,
    /// Every value that `head` has had.
    pub(super) heads: Vec<Value>,
    /// Every value that `tail` has had.
    pub(super) tails: Vec<Value>,
    /// Every number of copies that there were of the writers' endpoint.
    pub(super) copies: Vec<Value>,
    /// Whether it is closed ([`OPEN`], [`ENDING`], [`CLOSED`]): first not, then it may be.
    pub(super) ends: Vec<Value>,
    /// What whoever enters the writers' section learns.
    pub(super) lock: Knowledge,
    /// The published records that were not given up.
    pub(super) records: Vec<Record>,
    /// How much room is set aside, in bytes.
    pub(super) reserved: u64,
    /// Whether the broker was forbidden to write.
    pub(super) forbidden: bool,
    /// Who waits for room, having asked for it.
    pub(super) wish: Wish,
    /// Whether there is an account in the region.
    pub(super) counts: bool,
    /// The region's account.
    pub(super) region: Account,
    /// The one in the owner's process.
    pub(super) process: Account,
    /// The one of who has the right to write by way of a mediator.
    pub(super) grant: Account,
    /// Who has that right; 0 is nobody.
    pub(super) holder: u64,
    /// The time, in milliseconds.
    pub(super) now: u64,
}

impl Ring {
    /// An empty ring at `start`.
    pub fn new(capacity: u64, start: u64, copies: u64) -> Self {
        Ring {
            capacity,
            start,
            heads: Value::first(start),
            tails: Value::first(start),
            copies: Value::first(copies),
            ends: Value::first(OPEN),
            lock: Knowledge::default(),
            records: Vec::new(),
            reserved: 0,
            forbidden: false,
            wish: Wish::None,
            counts: false,
            region: Account::default(),
            process: Account::default(),
            grant: Account::default(),
            holder: HOLDER,
            now: 0,
        }
    }

    /// The ring as it is before the reader's index is put right.
    pub(super) fn without_tail(mut self) -> Self {
        self.tails.pop();
        let newest = self.tails.len() - 1;
        self.lock.tails = newest;
        self.heads.last_mut().expect("a first value").teaches.tails = newest;
        self
    }

    /// What there is to know.
    pub(super) fn everything(&self) -> Knowledge {
        let newest = |values: &[Value]| values.len() - 1;
        Knowledge {
            heads: newest(&self.heads),
            tails: newest(&self.tails),
            copies: newest(&self.copies),
            ends: newest(&self.ends),
        }
    }

    /// The reader's own index.
    pub(super) fn tail(&self) -> u64 {
        self.tails.last().expect("a first value").value
    }

    pub(super) fn head(&self) -> u64 {
        self.heads.last().expect("a first value").value
    }

    /// How far closed it is.
    pub(super) fn end(&self) -> u64 {
        self.ends.last().expect("a first value").value
    }

    /// An account.
    pub(super) fn account(&mut self, place: Place) -> &mut Account {
        match place {
            Place::Region => &mut self.region,
            Place::Process => &mut self.process,
            Place::Grant => &mut self.grant,
        }
    }

    /// The record at `index`, below `head`.
    pub(super) fn at(&self, index: u64, head: u64) -> Result<Record, u64> {
        let there = head.saturating_sub(index);
        if !index.is_multiple_of(ALIGNMENT as u64) {
            return Err(wrong(Error::BadAlignment));
        }
        if there < HEADER {
            return Err(wrong(Error::TooSmall));
        }
        match self.records.iter().find(|record| record.index == index) {
            Some(&record) if !record.bad && record.size() <= there => Ok(record),
            _ => Err(wrong(Error::BadLength)),
        }
    }

    /// What a reader at its `tail` finds that sees this `head`: `None` is an empty ring.
    pub(super) fn first(&self, head: u64) -> Result<Option<Record>, u64> {
        let tail = self.tail();
        match head == tail {
            true => Ok(None),
            // More than the ring holds cannot have been published.
            false if head.saturating_sub(tail) > self.capacity => Err(wrong(Error::BadLength)),
            false => self.at(tail, head).map(Some),
        }
    }

    /// All records from `tail` on below this `head`, up to the first that is damaged.
    pub(super) fn all(&self, head: u64) -> Vec<Record> {
        let mut all = Vec::new();
        let mut index = self.tail();
        while let Ok(record) = self.at(index, head) {
            index += record.size();
            all.push(record);
        }
        all
    }

    /// Where the next record goes, of a writer that sees these indices: or why there is none. What is set aside is the broker's,
    /// and `closed` says whether this one is refused.
    pub(super) fn place(&self, head: u64, tail: u64, len: usize, reserved: u64, closed: bool) -> Result<u64, Refusal> {
        let size = ring_buffer_record_len(len) as u64;
        if tail > head || !head.is_multiple_of(ALIGNMENT as u64) {
            return Err(Refusal::Corrupt);
        }
        let next = head.checked_add(size).ok_or(Refusal::Corrupt)?;
        let room = self.capacity.saturating_sub(head - tail).saturating_sub(reserved);
        match size > room {
            _ if closed => Err(Refusal::Closed),
            true => Err(Refusal::Full),
            false => Ok(next),
        }
    }

    /// A head from which writers can go on.
    pub(super) fn sound(head: u64) -> u64 {
        let aligned = head.checked_next_multiple_of(ALIGNMENT as u64);
        aligned.filter(|aligned| u64::MAX - aligned >= MAX_MESSAGE_SIZE as u64).unwrap_or(0)
    }
}

/// The note of a refused write.
pub(super) fn refusal(refusal: Refusal) -> u64 {
    note::REFUSED + refused(refusal)
}
