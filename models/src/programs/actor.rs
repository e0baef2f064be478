//! The calls, made: what each means over the protocol core.

use super::call::{Call, Place, figure, message, note};
use super::{LIMIT, NAP, SLOW, Start};
use crate::memory::HeapRing;
use core::ops::ControlFlow;
use core::time::Duration;
use iobring::layout::{
    ALIGNMENT, MAX_VECTORS, MAX_WRITE_SIZE, RING_BUFFER_MESSAGE_HEADER_SIZE, Slot, ring_buffer_record_len,
};
use iobring::protocol::account::Account;
use iobring::protocol::cursor::Cursor;
use iobring::protocol::mediator::{self, Answer, Asked, Writer};
use iobring::protocol::memory::bell;
use iobring::protocol::peer::Copies;
use iobring::protocol::read::{self, Error, Found};
use iobring::protocol::write::{self, Refusal};
use iobring::protocol::{Memory, close, grant, room, section, wait};
use std::io::IoSlice;
use weakest::Notes;
use weakest_facade::native::{OWNER_DIED, WAITERS};
use weakest_facade::{Atomic, Cell, Platform, Wait, sites};

sites! {
    /// Somebody scribbles over a word of the header.
    SCRIBBLE: Store Relaxed, "hostile, and promises nothing";
    /// Somebody scribbles over bits of the lock's word.
    SCRIBBLE_OR: Rmw Relaxed, "hostile, and promises nothing";
    /// Somebody scribbles over the writers' notes.
    SCRIBBLE_WORD: Write, "hostile; only where nobody else is";
    /// It is forbidden to write.
    FORBID: Store Relaxed, "the lock orders those who ask";
    /// Whether it is.
    FORBIDDEN: Load Relaxed, "as FORBID";
    /// A writer that has nothing to say yet.
    NAPPING: Wait, "the program's own; nobody wakes it";
    /// A look at an index by the harness.
    NEWEST: Rmw Relaxed, "reads the newest value";
}

/// The tag of what was in the ring before.
pub const OLD: u64 = 9;
/// The tag of the record that ends the reader's wait when a writer has died and left nothing.
pub const CLOSING: u64 = 8;
/// The tag of what is written in the end, to see how much room there is.
pub const PROBE: u64 = 7;
/// For a record of this length somebody asks for room: longer than what most read, so that room comes bit by bit.
pub const ASKED: u64 = ring_buffer_record_len(9) as u64;
/// Who has the right to write by way of a mediator at first.
pub const HOLDER: u64 = 1;
/// Who else may be given it.
pub const OTHER: u64 = 2;
/// The id of the first thread.
const FIRST: u32 = 1;
/// Where nothing can go on.
pub const TOP: u64 = u64::MAX - 7;

/// What the threads of a program share.
pub struct World<P: Platform> {
    ring: HeapRing<P>,
    /// The account in the owner's process, if any call counts there.
    own: Option<Slot<P>>,
    copies: Option<Copies<P>>,
    naps: Option<P::AtomicU32>,
    /// 1 once it is forbidden to write, if any call forbids it. Only under the lock.
    forbidden: Option<P::AtomicU32>,
    start: u64,
    /// The messages' lengths, by tag and sequence.
    lengths: Vec<Vec<usize>>,
}

/// What a thread remembers.
pub struct Actor {
    tag: u64,
    sequence: u64,
    cursor: Cursor,
    /// The head that a wait has returned and that was not read up to.
    head: Option<u64>,
    /// The head that was scribbled over.
    sound: Option<u64>,
    notes: Notes,
}

impl Actor {
    /// A thread that writes with this tag.
    pub fn new(tag: u64) -> Self {
        Actor { tag, sequence: 0, cursor: Cursor::default(), head: None, sound: None, notes: Notes::new() }
    }

    /// What the calls have left.
    pub fn notes(self) -> Notes {
        self.notes
    }

    /// Makes a call.
    ///
    /// # Panics
    /// If a record is torn.
    pub fn make<P: Platform>(&mut self, world: &World<P>, call: Call) {
        let ring = &world.ring;
        match call {
            Call::Drain => self.drain(world, usize::MAX),
            Call::One => self.drain(world, 1),
            Call::ByAmount => self.by_hand(world, |found, _| read::release_more(ring, found.record_len())),
            Call::ByIndex => self.by_hand(world, |found, tail| read::release_to(ring, tail + found.record_len())),
            Call::Look => {
                let found = read::first(ring, read::tail(ring), read::head(ring));
                self.note_found(world, found);
            }
            Call::Wait => self.wait(world, None),
            Call::Endless => self.wait(world, Some(Duration::MAX)),
            Call::Limited => self.timed(world, |actor| actor.wait(world, Some(LIMIT))),
            Call::Impatient => self.timed(world, |actor| actor.wait(world, Some(Duration::ZERO))),
            Call::More => self.timed(world, |actor| {
                let there = read::head(ring);
                actor.notes.push(world.bytes(there));
                actor.wait_past(world, there, Some(LIMIT));
            }),
            Call::WaitBoth => self.wait_bell(world, bell::WAKER | bell::DESCRIPTOR),
            Call::WaitBell => self.wait_bell(world, bell::WAKER),
            Call::WaitDescriptor => self.wait_bell(world, bell::DESCRIPTOR),
            Call::Cancel => {
                let tail = read::tail(ring);
                let head = wait::subscribe(ring, tail, bell::WAKER);
                self.notes.push(world.woken(head, tail));
            }
            Call::Resync => {
                let mut counted = None;
                let given_up = self.cursor.resynchronise(ring, || {
                    counted = ring.ledger().map(|ledger| ledger.slots[0].accepted.get());
                });
                (self.head, self.sound) = (None, None);
                self.notes.push(note::BYTES + given_up);
                self.notes.extend(counted.map(counted_note));
            }
            Call::ScribbleLength | Call::ScribbleLonger => {
                let found = read::first(ring, read::tail(ring), read::head(ring));
                if let Ok(Some(found)) = found {
                    let len = if call == Call::ScribbleLength { u64::MAX } else { ring.capacity() - HEADER + 1 };
                    ring.write_word(found.offset - 8, len);
                }
                self.notes.push(note::ANSWER + u64::from(matches!(found, Ok(Some(_)))));
            }
            Call::ScribbleOdd => self.scribble(world, |head| head | 4),
            Call::ScribbleFar => self.scribble(world, |_| read::tail(ring) + 3 * ring.capacity() + 8),
            Call::Glimpse => {
                let indices = &ring.header().indices.0;
                let sound = read::head(ring);
                indices.head.store(&SCRIBBLE, read::tail(ring) + ring.capacity() + 8);
                self.drain(world, usize::MAX);
                indices.head.store(&SCRIBBLE, sound);
            }
            Call::Mend => {
                if let Some(sound) = self.sound.take() {
                    ring.header().indices.0.head.store(&SCRIBBLE, sound);
                }
                self.notes.push(note::ANSWER + 1);
            }
            Call::Nap => self.timed(world, |_| world.sleep(NAP)),
            // Refused without a look at memory.
            _ if world.refuses(call) => self.remember(world.result(call, self.tag, self.sequence), call),
            _ => {
                // Of these a thread remembers what they returned, and nothing else.
                let (tag, sequence) = (self.tag, self.sequence);
                self.remember(P::scope(|| world.result(call, tag, sequence)), call);
            }
        }
    }

    fn remember(&mut self, result: u64, call: Call) {
        self.notes.push(result);
        self.sequence += call.messages().len() as u64;
    }

    fn drain<P: Platform>(&mut self, world: &World<P>, most: usize) {
        let mut names = Vec::new();
        let drained = self.cursor.drain::<P, _>(&world.ring, |found| {
            names.push(world.name(found));
            if names.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        match drained {
            Ok(visited) => {
                self.notes.push(note::RECORDS + visited as u64);
                self.notes.extend(names);
            }
            Err(error) => self.notes.push(wrong(error)),
        }
    }

    /// The record below the head that was seen is read by hand, and given back.
    fn by_hand<P: Platform>(&mut self, world: &World<P>, give_back: impl FnOnce(&Found, u64)) {
        let tail = read::tail(&world.ring);
        let head = self.head.take().filter(|&head| head > tail).unwrap_or_else(|| read::head(&world.ring));
        if head == tail {
            return self.notes.push(note::RECORDS);
        }
        let found = read::first_in::<P, _>(&world.ring, tail..head);
        self.note_found(world, found.map(Some));
        if let Ok(found) = found {
            give_back(&found, tail);
        }
    }

    fn scribble<P: Platform>(&mut self, world: &World<P>, what: impl FnOnce(u64) -> u64) {
        let head = read::head(&world.ring);
        self.sound.get_or_insert(head);
        world.ring.header().indices.0.head.store(&SCRIBBLE, what(head));
        self.notes.push(note::ANSWER + 1);
    }

    fn note_found<P: Platform>(&mut self, world: &World<P>, found: Result<Option<Found>, Error>) {
        match found {
            Ok(None) => self.notes.push(note::RECORDS),
            Ok(Some(found)) => self.notes.extend([note::RECORDS + 1, world.name(&found)]),
            Err(error) => self.notes.push(wrong(error)),
        }
    }

    fn wait<P: Platform>(&mut self, world: &World<P>, limit: Option<Duration>) {
        self.wait_past(world, read::tail(&world.ring), limit);
    }

    fn wait_past<P: Platform>(&mut self, world: &World<P>, index: u64, limit: Option<Duration>) {
        const NEVER: u64 = u64::MAX;
        let head = P::scope(|| wait::wait::<P, _>(&world.ring, index, limit).unwrap_or(NEVER));
        let head = Some(head).filter(|&head| head != NEVER);
        self.notes.push(world.woken(head, index));
        self.head = head.or(Some(index));
    }

    fn wait_bell<P: Platform>(&mut self, world: &World<P>, wanted: u32) {
        let ring = &world.ring;
        let tail = read::tail(ring);
        let head = P::scope(|| {
            P::retry(|| {
                let head = read::head(ring);
                if head > tail {
                    return Some(head);
                }
                let bells = [bell::WAKER, bell::DESCRIPTOR].into_iter().filter(|bell| wanted & bell != 0);
                // One after the other, as a task and a poller do that know nothing of each other.
                let asked: Vec<_> = bells.map(|bell| (bell, wait::subscribe(ring, tail, bell))).collect();
                // Whoever must wait is rung for, whatever the other has found.
                let told_to_wait = asked.iter().filter(|(_, found)| found.is_none());
                told_to_wait.for_each(|&(bell, _)| ring.hear_bell(bell));
                asked.iter().find_map(|&(_, found)| found)
            })
        });
        self.notes.push(world.woken(Some(head), tail));
        self.head = Some(head);
    }

    /// Notes also how long the call takes.
    fn timed<P: Platform>(&mut self, _: &World<P>, call: impl FnOnce(&mut Self)) {
        let begun = P::now();
        call(self);
        self.notes.push(note::TIME + (P::now() - begun).as_millis() as u64);
    }
}

/// What the shared objects are made for.
pub struct Needs {
    /// The messages' lengths, by tag and sequence.
    pub lengths: Vec<Vec<usize>>,
    /// An account in the region.
    pub region: bool,
    /// An account in the owner's process.
    pub process: bool,
    /// A right to write by way of a mediator.
    pub grant: bool,
    /// So many copies of the writers' endpoint, if anybody asks.
    pub copies: Option<u64>,
    /// A word to sleep on.
    pub naps: bool,
    /// Whether it is forbidden to write.
    pub forbids: bool,
}

impl<P: Platform> World<P> {
    /// The ring as it is before the threads start.
    pub fn new(start: &Start, needs: Needs) -> Self {
        let ring =
            HeapRing::new(start.capacity, start.index).and_slots(needs.region.into()).and_grants(needs.grant.into());
        ring.grants().iter().for_each(|right| grant::give(&ring, right, HOLDER));
        let copies = needs.copies.map(|count| {
            let copies = Copies::one();
            (1..count).for_each(|_| copies.retain());
            copies
        });
        let world = World {
            ring,
            own: needs.process.then(Slot::new),
            copies,
            naps: needs.naps.then(|| P::AtomicU32::new("nap", 0)),
            forbidden: needs.forbids.then(|| P::AtomicU32::new("forbidden", 0)),
            start: start.index,
            lengths: needs.lengths,
        };
        for sequence in 1..=start.filled {
            let written = world.write(OLD, sequence, &[8], Account::None);
            assert_eq!(written, Ok(1), "a start with more than fits");
        }
        World { ring: world.ring.biased(start.biased, FIRST), ..world }
    }

    /// Sleeps for so long, and nobody wakes it.
    fn sleep(&self, time: Duration) {
        let word = self.naps.as_ref().expect("a program that naps");
        let deadline = P::now() + time;
        while P::wait(word, &NAPPING, 0, Some(deadline)) != Wait::TimedOut {}
    }

    /// Whether a call does nothing to memory.
    fn refuses(&self, call: Call) -> bool {
        let too_large = |&len: &usize| ring_buffer_record_len(len) as u64 > self.ring.capacity();
        matches!(call, Call::Nothing | Call::TooLarge | Call::TooMany | Call::Huge | Call::HugeInPieces)
            // Unless it is counted.
            || call.account().is_none() && call.messages().first().is_some_and(too_large)
    }

    /// What a call returns of which a thread remembers nothing else.
    fn result(&self, call: Call, tag: u64, sequence: u64) -> u64 {
        let ring = &self.ring;
        let header = ring.header();
        let account = || match call.account() {
            Some(Place::Region) => Account::Shared(0),
            Some(Place::Process) => Account::Own(self.own.as_ref().expect("a program that counts here")),
            Some(Place::Grant) | None => Account::None,
        };
        let flag = |flag: bool| note::ANSWER + u64::from(flag);
        match call {
            Call::InPlace | Call::SharedInPlace => {
                let result = self.fill(tag, sequence + 1, call, account());
                self.count_refusal(call, result);
                written(result)
            }
            Call::Slow => {
                let slowly = |offset| {
                    self.sleep(SLOW);
                    ring.write_bytes(offset, &message(10 * tag + sequence + 1, call.messages()[0]));
                    Ok::<(), Refusal>(())
                };
                written(write::write_with::<P, _, _>(ring, tag, call.messages()[0], slowly).map(|()| 1))
            }
            Call::Fails => {
                let fails = |_| Err(Refusal::Invalid);
                written(write::write_with::<P, _, _>(ring, tag, call.messages()[0], fails).map(|()| 1))
            }
            Call::Nothing => written(write::write_batch::<P, _>(ring, tag, &[] as &[&[u8]])),
            Call::TooLarge => {
                let bytes = vec![1; ring.capacity() as usize];
                written(write::write::<P, _>(ring, tag, &[IoSlice::new(&bytes)]).map(|()| 1))
            }
            Call::TooMany => {
                let pieces = vec![IoSlice::new(&[1]); MAX_VECTORS + 1];
                written(write::write::<P, _>(ring, tag, &pieces).map(|()| 1))
            }
            Call::Await => P::retry(|| {
                let result = self.write_aged(tag, sequence + 1, call.messages(), Account::None, false, || Ok(()));
                if result == Err(Refusal::Full) {
                    let record = ring_buffer_record_len(call.messages()[0]) as u64;
                    if !room::want(ring, record) {
                        ring.hear_room();
                    }
                    return None;
                }
                Some(written(result))
            }),
            Call::Ask => flag(room::want(ring, ASKED)),
            Call::Aged | Call::AgedBatch => {
                written(self.write_aged(tag, sequence + 1, call.messages(), Account::None, true, || Ok(())))
            }
            Call::Young => written(self.write_aged(tag, sequence + 1, call.messages(), account(), false, || Ok(()))),
            Call::Barred => {
                let barred = || Err(Refusal::Invalid);
                written(self.write_aged(tag, sequence + 1, call.messages(), Account::None, true, barred))
            }
            Call::Permitted => {
                let permitted = || match self.forbidden().load(&FORBIDDEN) {
                    0 => Ok(()),
                    _ => Err(Refusal::Invalid),
                };
                written(self.write_aged(tag, sequence + 1, call.messages(), Account::None, false, permitted))
            }
            Call::Forbid => section::exclusively(ring, |_| {
                self.forbidden().store(&FORBID, 1);
                self.bytes(read::head(ring))
            }),
            Call::Plead => P::retry(|| {
                let result = self.write(tag, sequence + 1, call.messages(), Account::None);
                if result == Err(Refusal::Full) {
                    let wish = room::Wish::of_a_writer(ring, ring_buffer_record_len(call.messages()[0]) as u64);
                    if !room::want_any(ring, std::iter::once(wish)) {
                        ring.hear_room();
                    }
                    return None;
                }
                Some(written(result))
            }),
            Call::Huge => {
                let bytes = vec![1; MAX_WRITE_SIZE + 1];
                written(write::write_batch::<P, _>(ring, tag, &[&bytes[..]]))
            }
            Call::HugeInPieces => {
                let bytes = vec![1; MAX_WRITE_SIZE / 2 + 1];
                written(write::write::<P, _>(ring, tag, &[IoSlice::new(&bytes), IoSlice::new(&bytes)]).map(|()| 1))
            }
            Call::Mediate | Call::MediateFails | Call::MediateTooMany | Call::MediateHuge => {
                self.mediate(HOLDER, tag, sequence + 1, call)
            }
            Call::Revoke => {
                grant::revoke(ring, ring.grant(0), HOLDER);
                flag(true)
            }
            Call::Give => {
                grant::give(ring, ring.grant(0), OTHER);
                flag(true)
            }
            Call::TakeOver => {
                let own = self.own.as_ref().expect("a program that counts here");
                section::exclusively(ring, |_| own.absorb(ring.slot(0)));
                flag(true)
            }
            Call::Clear => {
                section::exclusively(ring, |_| ring.slot(0).clear());
                flag(true)
            }
            Call::Refuse => {
                close::refuse(ring);
                flag(true)
            }
            Call::Ending => flag(close::is_closing(ring)),
            Call::Abandon => {
                close::abandon(ring);
                flag(true)
            }
            Call::GiveUp => {
                room::give_up(ring);
                flag(true)
            }
            Call::Copy => {
                self.copies().retain();
                flag(self.copies().release())
            }
            Call::HangUp => flag(self.copies().release()),
            Call::Closed => flag(self.copies().is_closed()),
            Call::Close => {
                close::finish(ring);
                flag(true)
            }
            Call::Over => flag(close::is_closed(ring)),
            Call::Tally => self.tally(),
            Call::ScribbleHead => {
                header.indices.0.head.store(&SCRIBBLE, TOP);
                flag(true)
            }
            Call::ScribbleTail => {
                header.indices.0.tail.store(&SCRIBBLE, read::head(ring).saturating_add(24) & !7);
                flag(true)
            }
            Call::ScribbleRoom => {
                header.reader.0.room.store(&SCRIBBLE, self.start);
                flag(true)
            }
            Call::ScribbleInterest => {
                header.reader.0.interest.store(&SCRIBBLE, u64::MAX);
                flag(true)
            }
            Call::ScribbleLock => {
                header.writers.0.lock.fetch_or(&SCRIBBLE_OR, WAITERS | OWNER_DIED);
                flag(true)
            }
            Call::ScribbleLap => {
                header.writers.0.lap.write(&SCRIBBLE_WORD, read::head(ring).wrapping_sub(4));
                flag(true)
            }
            Call::ScribbleGuess => {
                header.writers.0.head.write(&SCRIBBLE_WORD, read::head(ring));
                header.writers.0.lap.write(&SCRIBBLE_WORD, read::head(ring).wrapping_sub(ring.capacity() + 8));
                flag(true)
            }
            Call::ScribbleReserved => {
                header.writers.0.reserved.store(&SCRIBBLE, u64::MAX);
                flag(true)
            }
            _ => {
                let result = self.write(tag, sequence + 1, call.messages(), account());
                self.count_refusal(call, result);
                written(result)
            }
        }
    }

    /// Counts a refused write, as those do who count.
    fn count_refusal(&self, call: Call, result: Result<usize, Refusal>) {
        let (Err(refusal), [len]) = (result, call.messages()) else { return };
        match call.account() {
            Some(Place::Region) => self.ring.slot(0).refuse(refusal, *len as u64),
            Some(Place::Process) => self.own.as_ref().expect("a program that counts here").refuse(refusal, *len as u64),
            Some(Place::Grant) | None => {}
        }
    }

    /// Has a mediator write one message; asks again as long as the lock is held.
    fn mediate(&self, holder: u64, tag: u64, sequence: u64, call: Call) -> u64 {
        let bytes = message(10 * tag + sequence, 8);
        let len = if call == Call::MediateHuge { call.messages()[0] } else { bytes.len() } as u64;
        let pieces = if call == Call::MediateTooMany { MAX_VECTORS as u64 + 1 } else { 1 };
        let asked = Asked { messages: 1, pieces, waits: false };
        let answer = P::retry(|| {
            let fill = |_, offset| {
                self.ring.write_bytes(offset, &bytes);
                call != Call::MediateFails
            };
            let writer = Writer { grant: self.ring.grant(0), holder, tag };
            match mediator::write::<P, _>(&self.ring, &writer, &asked, |_| len, fill) {
                (_, Answer::Busy) => {
                    P::give_way();
                    None
                }
                (_, answer) => Some(answer),
            }
        });
        match answer {
            Answer::Written => note::ACCEPTED + 1,
            Answer::Revoked => note::REVOKED,
            Answer::Fault => note::UNREADABLE,
            Answer::Invalid => written(Err(Refusal::Invalid)),
            Answer::TooLarge => written(Err(Refusal::TooLarge)),
            Answer::Corrupt => written(Err(Refusal::Corrupt)),
            Answer::Full => written(Err(Refusal::Full)),
            Answer::Closed => written(Err(Refusal::Closed)),
            Answer::Busy | Answer::Ready => panic!("{answer:?} is no answer to this"),
        }
    }

    /// Writes messages in pieces or at once, as many as there are lengths.
    fn write(&self, tag: u64, sequence: u64, lengths: &[usize], account: Account<'_, P>) -> Result<usize, Refusal> {
        let messages: Vec<Vec<u8>> =
            (sequence..).zip(lengths).map(|(sequence, &len)| message(10 * tag + sequence, len)).collect();
        match &messages[..] {
            [one] if one.len().is_multiple_of(ALIGNMENT) => {
                write::write_counted(&self.ring, tag, account, &&one[..]).map(|()| 1)
            }
            [one] => {
                let (first, rest) = one.split_at(one.len() / 3);
                let (second, third) = rest.split_at(1);
                let mut pieces = [IoSlice::new(&[]); MAX_VECTORS];
                (pieces[0], pieces[2], pieces[5]) = (IoSlice::new(first), IoSlice::new(second), IoSlice::new(third));
                write::write_counted(&self.ring, tag, account, &&pieces[..]).map(|()| 1)
            }
            batch => {
                let batch: Vec<&[u8]> = batch.iter().map(|message| &message[..]).collect();
                write::write_batch_counted::<P, _>(&self.ring, tag, account, &batch)
            }
        }
    }

    /// Writes one message as the broker does: straight to its place, under the lock.
    fn fill(&self, tag: u64, sequence: u64, call: Call, account: Account<'_, P>) -> Result<usize, Refusal> {
        let bytes = message(10 * tag + sequence, call.messages()[0]);
        write::write_with_counted::<P, _, Refusal>(&self.ring, tag, account, bytes.len(), |offset| {
            if !bytes.len().is_multiple_of(ALIGNMENT) {
                self.ring.write_word(offset + (bytes.len() - bytes.len() % ALIGNMENT) as u64, 0);
            }
            self.ring.write_bytes(offset, &bytes);
            Ok(())
        })
        .map(|()| 1)
    }

    /// Writes messages as the broker does.
    fn write_aged(
        &self,
        tag: u64,
        sequence: u64,
        lengths: &[usize],
        account: Account<'_, P>,
        aged: bool,
        allow: impl Fn() -> Result<(), Refusal>,
    ) -> Result<usize, Refusal> {
        let messages: Vec<Vec<u8>> =
            (sequence..).zip(lengths).map(|(sequence, &len)| message(10 * tag + sequence, len)).collect();
        let batch: Vec<&[u8]> = messages.iter().map(|message| &message[..]).collect();
        let mut reported = 0;
        let report = |records| reported = records;
        let result = write::write_batch_aged::<P, _, Refusal>(&self.ring, tag, account, &batch, aged, allow, report);
        assert_eq!(reported, result.unwrap_or(0), "what was reported of a batch, and what was written");
        result
    }

    fn forbidden(&self) -> &P::AtomicU32 {
        self.forbidden.as_ref().expect("a program in which it may be forbidden to write")
    }

    fn copies(&self) -> &Copies<P> {
        self.copies.as_ref().expect("a program with copies")
    }

    /// What the region's account says, asked as the ring's owner does.
    fn tally(&self) -> u64 {
        counted_note(section::exclusively(&self.ring, |_| self.ring.slot(0).accepted.get()))
    }

    /// All that an account says.
    fn figures(&self, slot: &Slot<P>, losses: bool) -> Notes {
        let mut notes = vec![counted_note(section::exclusively(&self.ring, |_| slot.accepted.get()))];
        if losses {
            notes.extend([lost_note(slot.no_space.get()), lost_note(slot.bad.get())]);
        }
        notes
    }

    /// Names a record.
    fn name(&self, found: &Found) -> u64 {
        let words = found.len.div_ceil(8) as u64;
        let bytes: Vec<u8> =
            (0..words).flat_map(|at| self.ring.read_word(found.offset + 8 * at).to_ne_bytes()).collect();
        let (bytes, padding) = bytes.split_at(found.len);
        assert!(padding.iter().all(|&byte| byte == 0), "the padding of a record carries {padding:x?}");
        let lengths = self.lengths.get(found.tag as usize).map_or(&[][..], |lengths| &lengths[..]);
        let known = (1..).zip(lengths).map(|(sequence, &len)| (10 * found.tag + sequence, len));
        let written = known.into_iter().find(|&(name, len)| len == found.len && message(name, len) == bytes);
        let (name, len) =
            written.unwrap_or_else(|| panic!("a record that nobody wrote: tag {}, {bytes:x?}", found.tag));
        // Empty ones are all the same.
        if len == 0 { 10 * found.tag } else { name }
    }

    /// The note of a wait for more than `index` that ended with this.
    fn woken(&self, head: Option<u64>, index: u64) -> u64 {
        match head {
            None => note::GIVEN_UP,
            Some(head) if head > index => self.bytes(head),
            Some(_) => note::LAST,
        }
    }

    /// How far `index` is from where the ring started.
    fn bytes(&self, index: u64) -> u64 {
        beyond(index, self.start)
    }

    /// What the world does when a writer has died: whoever watches its process sees a descriptor close, and rings. If
    /// nothing is left to read, a closing record ends the reader's wait; if something is left, the reader must find it
    /// without help.
    pub fn close(&self) {
        // Nothing of what it saw is remembered.
        P::scope(|| {
            let indices = &self.ring.header().indices.0;
            self.ring.ring_bell(bell::WAKER | bell::DESCRIPTOR);
            // Additions of 0, to see the newest values without touching the lock.
            if indices.head.fetch_add(&NEWEST, 0) == indices.tail.fetch_add(&NEWEST, 0) {
                // Somebody else may have filled it meanwhile.
                let _ = self.write(CLOSING, 1, &[0], Account::None);
            }
            0
        });
    }

    /// The final look, when all threads have ended: what is left, what was counted, and how much room there is.
    pub fn last(&self, losses: bool, wishes: bool) -> Notes {
        // Before more room is given back.
        let rung = self.ring.room_is_rung();
        let mut last = Actor::new(PROBE);
        last.make(self, Call::Drain);
        if last.notes[0] >= note::ERROR {
            last.make(self, Call::Resync);
        }
        if self.ring.ledger().is_some() {
            last.notes.extend(self.figures(self.ring.slot(0), losses));
        }
        if let Some(own) = &self.own {
            last.notes.extend(self.figures(own, losses));
        }
        for right in self.ring.grants() {
            last.notes.extend(self.figures(&right.slot, true));
            // Refused for its own sake, and only if it may write.
            last.notes.extend([HOLDER, OTHER].map(|holder| self.mediate(holder, PROBE, 1, Call::MediateTooMany)));
        }
        let mut sequence = 0;
        while let Ok(written) = self.write(PROBE, sequence + 1, &[8], Account::None) {
            sequence += written as u64;
            assert!(sequence * 24 <= self.ring.capacity(), "the ring takes more than it holds");
        }
        last.notes.push(note::ACCEPTED + sequence);
        last.drain(self, usize::MAX);
        last.notes.extend(wishes.then_some(note::ANSWER + u64::from(rung)));
        last.notes
    }
}

fn counted_note(counted: (u64, u64)) -> u64 {
    figure(note::COUNTED, counted)
}

fn lost_note(lost: (u64, u64)) -> u64 {
    figure(note::LOST, lost)
}

/// The note of an index so far beyond the start.
pub fn beyond(index: u64, start: u64) -> u64 {
    note::BYTES + index.wrapping_sub(start).min(900_000)
}

fn written(result: Result<usize, Refusal>) -> u64 {
    match result {
        Ok(records) => note::ACCEPTED + records as u64,
        Err(refusal) => note::REFUSED + refused(refusal),
    }
}

/// The number of a refusal.
pub fn refused(refusal: Refusal) -> u64 {
    match refusal {
        Refusal::Invalid => 1,
        Refusal::TooLarge => 2,
        Refusal::Corrupt => 3,
        Refusal::Full => 4,
        Refusal::Closed => 5,
    }
}

/// The note of a failed read.
pub fn wrong(error: Error) -> u64 {
    note::ERROR
        + match error {
            Error::BadAlignment => 1,
            Error::TooSmall => 2,
            Error::BadLength => 3,
        }
}

/// The size of a record's header in bytes.
pub const HEADER: u64 = RING_BUFFER_MESSAGE_HEADER_SIZE as u64;
