//! What each call may do: from a state to all states in which it may have returned, with what it leaves in its notes.

use super::ring::{Account, CLOSED, ENDING, Knowledge, Record, Ring, Value, Wish, refusal};
use crate::programs::actor::{ASKED, HOLDER, OTHER, TOP, beyond};
use crate::programs::call::{Call, Place, note};
use crate::programs::{LIMIT, NAP, SLOW};
use iobring::layout::ring_buffer_record_len;
use iobring::protocol::write::Refusal;

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    pub(super) tag: u64,
    pub(super) sequence: u64,
    pub(super) knows: Knowledge,
    /// The head that a wait has returned.
    pub(super) head: Option<u64>,
    /// The head that was scribbled over.
    pub(super) sound: Option<u64>,
    /// When the call that it is in began, and when its time is up.
    pub(super) begun: Option<(u64, u64)>,
    pub(super) notes: Vec<u64>,
}

/// A state after a call, or in its midst.
#[derive(Clone, Debug)]
pub(super) struct After {
    pub(super) ring: Ring,
    pub(super) actor: Actor,
    /// Whether it has returned.
    pub(super) returned: bool,
}

impl Actor {
    pub(super) fn new(tag: u64) -> Self {
        Actor { tag, sequence: 0, knows: Knowledge::default(), head: None, sound: None, begun: None, notes: Vec::new() }
    }

    /// Everything that `call` may do now; nothing, if it must wait.
    pub(super) fn may(&self, ring: &Ring, call: Call) -> Vec<After> {
        match call {
            Call::Drain => self.drain(ring, usize::MAX),
            Call::One => self.drain(ring, 1),
            Call::ByAmount | Call::ByIndex => self.by_hand(ring),
            Call::Look => self.each_head(ring, |ring, actor, head| actor.found(ring.first(head))),
            Call::ScribbleLength | Call::ScribbleLonger => self.each_head(ring, |ring, actor, head| {
                let found = ring.first(head).ok().flatten();
                if let Some(found) = found {
                    ring.records.iter_mut().filter(|record| record.index == found.index).for_each(|r| r.bad = true);
                }
                actor.notes.push(note::ANSWER + u64::from(found.is_some()));
            }),
            Call::Wait | Call::WaitBoth | Call::WaitBell | Call::WaitDescriptor | Call::Endless => {
                let index = ring.tail();
                self.woken(ring, index)
            }
            Call::Limited => self.limited(ring, LIMIT.as_millis() as u64),
            Call::Impatient => self.limited(ring, 0),
            Call::More => self.more(ring),
            Call::Nap => self.nap(ring),
            Call::Cancel => self.each_end(ring, |ring, actor, head, is_last| {
                actor.notes.push(match head > ring.tail() {
                    true => beyond(head, ring.start),
                    false if is_last => note::LAST,
                    false => note::GIVEN_UP,
                });
            }),
            Call::Nothing => self.at_once(ring, note::ACCEPTED),
            Call::TooLarge => self.at_once(ring, refusal(Refusal::TooLarge)),
            Call::TooMany | Call::Huge | Call::HugeInPieces => self.at_once(ring, refusal(Refusal::Invalid)),
            Call::Ask => self.ask(ring),
            Call::Copy => self.release(ring, true),
            Call::HangUp => self.release(ring, false),
            Call::Closed => (self.knows.copies..ring.copies.len())
                .map(|at| {
                    let (ring, mut actor) = (ring.clone(), self.clone());
                    actor.knows.copies = at;
                    actor.knows.learn(ring.copies[at].teaches);
                    actor.notes.push(note::ANSWER + u64::from(ring.copies[at].value == 0));
                    After { ring, actor, returned: true }
                })
                .collect(),
            Call::Over | Call::Ending => self.each_look_at_end(ring, |_, actor, end| {
                let is_so = end == CLOSED || end == ENDING && call == Call::Ending;
                actor.notes.push(note::ANSWER + u64::from(is_so));
            }),
            Call::Close => self.end_ring(ring, CLOSED),
            Call::Refuse => self.end_ring(ring, ENDING),
            Call::Abandon => {
                let mut after = self.at_once(ring, note::ANSWER + 1);
                let After { ring, actor, .. } = &mut after[0];
                ring.ends.push(Value { value: CLOSED, teaches: Knowledge::default() });
                actor.knows.ends = ring.ends.len() - 1;
                after
            }
            Call::Tally => self.section(ring, |ring, actor, _, _| actor.notes.push(ring.region.tally())),
            Call::TakeOver => self.section(ring, |ring, actor, _, _| {
                ring.process.take_over(ring.region);
                ring.region = Account::default();
                actor.notes.push(note::ANSWER + 1);
            }),
            Call::Clear => self.section(ring, |ring, actor, _, _| {
                ring.region = Account::default();
                actor.notes.push(note::ANSWER + 1);
            }),
            Call::Revoke => self.section(ring, |ring, actor, _, _| {
                ring.holder = if ring.holder == HOLDER { 0 } else { ring.holder };
                actor.notes.push(note::ANSWER + 1);
            }),
            Call::Give => self.section(ring, |ring, actor, _, _| {
                ring.holder = OTHER;
                actor.notes.push(note::ANSWER + 1);
            }),
            Call::Forbid => self.section(ring, |ring, actor, head, _| {
                ring.forbidden = true;
                actor.notes.push(beyond(head, ring.start));
            }),
            Call::Resync => self.section(ring, |ring, actor, head, _| actor.resync(ring, head)),
            Call::ScribbleHead => {
                let mut after = self.at_once(ring, note::ANSWER + 1);
                let After { ring, actor, .. } = &mut after[0];
                ring.heads.push(Value { value: TOP, teaches: Knowledge::default() });
                actor.knows.heads = ring.heads.len() - 1;
                after
            }
            Call::ScribbleOdd => self.scribble(ring, |head, _| head | 4),
            Call::ScribbleFar => self.scribble(ring, |_, ring| ring.tail() + 3 * ring.capacity + 8),
            Call::Glimpse => {
                let sound = ring.heads[self.knows.heads..].iter().map(|head| head.value);
                let glimpses = sound.flat_map(|sound| {
                    let scribbled = self.scribble(ring, |_, ring| ring.tail() + ring.capacity + 8);
                    scribbled.into_iter().flat_map(move |After { ring, mut actor, .. }| {
                        actor.notes.pop();
                        actor.sound = self.sound;
                        actor.drain(&ring, usize::MAX).into_iter().map(move |mut after| {
                            after.actor.knows.heads = after.ring.heads.len();
                            after.ring.heads.push(Value { value: sound, teaches: Knowledge::default() });
                            after
                        })
                    })
                });
                glimpses.collect()
            }
            Call::Mend => {
                let mut after = self.at_once(ring, note::ANSWER + 1);
                let After { ring, actor, .. } = &mut after[0];
                if let Some(value) = actor.sound.take() {
                    ring.heads.push(Value { value, teaches: Knowledge::default() });
                    actor.knows.heads = ring.heads.len() - 1;
                }
                after
            }
            Call::ScribbleTail => self.each_head(ring, |ring, actor, head| {
                actor.knows.tails = ring.tails.len();
                ring.tails.push(Value { value: head.saturating_add(24) & !7, teaches: Knowledge::default() });
                actor.notes.push(note::ANSWER + 1);
            }),
            Call::GiveUp => self.section(ring, |ring, actor, _, _| {
                ring.reserved = 0;
                actor.notes.push(note::ANSWER + 1);
            }),
            Call::ScribbleReserved => {
                let mut after = self.at_once(ring, note::ANSWER + 1);
                after[0].ring.reserved = u64::MAX;
                after
            }
            // Whoever looks at both indices knows them from then on.
            Call::ScribbleLap | Call::ScribbleGuess => {
                self.each_head(ring, |_, actor, _| actor.notes.push(note::ANSWER + 1))
            }
            Call::ScribbleRoom | Call::ScribbleInterest | Call::ScribbleLock => self.at_once(ring, note::ANSWER + 1),
            Call::Slow => match self.begun {
                // Whether there is room is seen before, and it is published at the end.
                None => {
                    let tried = self.write(ring, call).into_iter();
                    let begin = |after: After| match after.actor.notes.last() == Some(&(note::ACCEPTED + 1)) {
                        true => self.begin(ring, SLOW.as_millis() as u64),
                        false => after,
                    };
                    tried.map(begin).collect()
                }
                Some((_, deadline)) if ring.now >= deadline => {
                    let mut all = self.write(ring, call);
                    all.retain(|after| after.actor.notes.last() == Some(&(note::ACCEPTED + 1)));
                    all.iter_mut().for_each(|after| after.actor.begun = None);
                    all
                }
                Some(_) => Vec::new(),
            },
            Call::Await | Call::Plead => {
                // It asks again until there is room.
                let full = refusal(Refusal::Full);
                let mut all = self.write(ring, call);
                all.retain(|after| after.actor.notes.last() != Some(&full));
                all
            }
            _ => self.write(ring, call),
        }
    }

    fn scribble(&self, ring: &Ring, what: impl Fn(u64, &Ring) -> u64) -> Vec<After> {
        self.each_head(ring, |ring, actor, head| {
            actor.sound.get_or_insert(head);
            actor.knows.heads = ring.heads.len();
            let value = what(head, ring);
            ring.heads.push(Value { value, teaches: Knowledge::default() });
            actor.notes.push(note::ANSWER + 1);
        })
    }

    fn at_once(&self, ring: &Ring, note: u64) -> Vec<After> {
        let mut actor = self.clone();
        actor.notes.push(note);
        vec![After { ring: ring.clone(), actor, returned: true }]
    }

    /// Looks at `head` with an acquire: at any value that is not older than what it knows.
    fn each_head(&self, ring: &Ring, effect: impl Fn(&mut Ring, &mut Actor, u64)) -> Vec<After> {
        (self.knows.heads..ring.heads.len())
            .map(|at| {
                let (mut ring, mut actor) = (ring.clone(), self.clone());
                actor.knows.heads = at;
                actor.knows.learn(ring.heads[at].teaches);
                let head = ring.heads[at].value;
                effect(&mut ring, &mut actor, head);
                After { ring, actor, returned: true }
            })
            .collect()
    }

    /// Looks without the lock whether the ring is closed.
    fn each_look_at_end(&self, ring: &Ring, effect: impl Fn(&mut Ring, &mut Actor, u64)) -> Vec<After> {
        (self.knows.ends..ring.ends.len())
            .map(|at| {
                let (mut ring, mut actor) = (ring.clone(), self.clone());
                actor.knows.ends = at;
                actor.knows.learn(ring.ends[at].teaches);
                let end = ring.ends[at].value;
                effect(&mut ring, &mut actor, end);
                After { ring, actor, returned: true }
            })
            .collect()
    }

    /// Looks whether the ring is closed, and then at `head`, which is the last if it is.
    fn each_end(&self, ring: &Ring, effect: impl Fn(&mut Ring, &mut Actor, u64, bool)) -> Vec<After> {
        let looked = self.each_look_at_end(ring, |_, _, _| ());
        let heads = looked.into_iter().flat_map(|After { ring, actor, .. }| {
            let is_last = ring.ends[actor.knows.ends].value == CLOSED;
            actor.each_head(&ring, |ring, actor, head| effect(ring, actor, head, is_last))
        });
        heads.collect()
    }

    /// The end of the ring, or the beginning of it.
    fn end_ring(&self, ring: &Ring, end: u64) -> Vec<After> {
        self.section(ring, |ring, actor, _, _| {
            if ring.end() < end {
                ring.ends.push(Value { value: end, teaches: actor.knows });
            }
            actor.knows.ends = ring.ends.len() - 1;
            ring.wish.grant();
            actor.notes.push(note::ANSWER + 1);
        })
    }

    /// Under the writers' lock: whoever enters knows what all know who were there before. Looks at both indices.
    fn section(&self, ring: &Ring, effect: impl Fn(&mut Ring, &mut Actor, u64, u64)) -> Vec<After> {
        let mut entered = self.clone();
        entered.knows.learn(ring.lock);
        let mut all = Vec::new();
        for h in entered.knows.heads..ring.heads.len() {
            for t in entered.knows.tails..ring.tails.len() {
                let (mut ring, mut actor) = (ring.clone(), entered.clone());
                actor.knows.heads = h;
                actor.knows.tails = t;
                actor.knows.learn(ring.tails[t].teaches);
                let (head, tail) = (ring.heads[h].value, ring.tails[t].value);
                effect(&mut ring, &mut actor, head, tail);
                ring.lock = actor.knows;
                all.push(After { ring, actor, returned: true });
            }
        }
        all
    }

    fn write(&self, ring: &Ring, call: Call) -> Vec<After> {
        let too_large = ring_buffer_record_len(call.messages()[0]) as u64 > ring.capacity;
        // A mediator refuses under the lock, and counts it.
        let mut all = match too_large && call.account() != Some(Place::Grant) {
            true => self.at_once(ring, refusal(Refusal::TooLarge)),
            // Whoever goes without the lock is seen late.
            false => {
                let mut entered = self.clone();
                entered.knows.learn(ring.lock);
                let ends = entered.knows.ends..ring.ends.len();
                let looks = ends.clone().flat_map(|first| (first..ends.end).map(move |second| (first, second)));
                looks.flat_map(|looks| entered.write_held(ring, call, looks)).collect()
            }
        };
        if let (true, Some(place)) = (too_large, call.account().filter(|&place| place != Place::Grant))
            && let [len] = call.messages()
        {
            all.iter_mut().for_each(|after| after.ring.account(place).refuse(Refusal::TooLarge, *len as u64));
        }
        all.iter_mut().for_each(|after| after.actor.sequence += call.messages().len() as u64);
        all
    }

    /// Under the lock, with a look at the end before the look at the indices, and one after it if there is no room.
    fn write_held(&self, ring: &Ring, call: Call, (first, second): (usize, usize)) -> Vec<After> {
        self.section(ring, |ring, actor, head, tail| {
            let (mut next, mut written, mut bytes) = (head, 0, 0);
            let mut refused = None;
            let brokers = call.ages() || matches!(call, Call::Await | Call::Young | Call::Barred | Call::Permitted);
            if brokers {
                ring.reserved = 0;
            }
            let (known, ends) = (actor.knows.ends, ring.ends.clone());
            let is_closed = |at: usize| ends[at].value == CLOSED || ends[at].value == ENDING && !brokers;
            actor.knows.ends = known.max(first);
            let reserved = ring.reserved;
            if call.account() == Some(Place::Grant) && ring.holder != HOLDER {
                return actor.notes.push(note::REVOKED);
            }
            for (sequence, &len) in (actor.sequence + 1..).zip(call.messages()) {
                let place = match call {
                    Call::Barred | Call::MediateTooMany | Call::MediateHuge => Err(Refusal::Invalid),
                    Call::Permitted if ring.forbidden => Err(Refusal::Invalid),
                    _ if ring_buffer_record_len(len) as u64 > ring.capacity => Err(Refusal::TooLarge),
                    _ => ring.place(next, tail, len, reserved, is_closed(first)),
                };
                match place {
                    Ok(_) if call == Call::MediateFails => return actor.notes.push(note::UNREADABLE),
                    Ok(_) if call == Call::Fails => refused = Some(Refusal::Invalid),
                    Ok(end) => {
                        // Empty ones are all the same.
                        let name = 10 * actor.tag + if len == 0 { 0 } else { sequence };
                        let record = Record { index: next, name, len, bad: false };
                        // What a scribbled head left there is no more.
                        ring.records.retain(|other| other.index != record.index);
                        ring.records.push(record);
                        (next, written, bytes) = (end, written + 1, bytes + len as u64);
                        continue;
                    }
                    Err(Refusal::Full) => {
                        actor.knows.ends = known.max(second);
                        let is_closed = !brokers && is_closed(actor.knows.ends);
                        refused = Some(if is_closed { Refusal::Closed } else { Refusal::Full });
                    }
                    Err(refusal) => refused = Some(refusal),
                }
                break;
            }
            if call.ages() && refused == Some(Refusal::Full) && written == 0 {
                ring.reserved = ring_buffer_record_len(call.messages()[0]) as u64;
            }
            match refused {
                Some(why) if written == 0 => {
                    actor.notes.push(refusal(why));
                    if let (Some(place), [len]) = (call.account(), call.messages()) {
                        ring.account(place).refuse(why, *len as u64);
                    }
                }
                _ => actor.notes.push(note::ACCEPTED + written),
            }
            if written > 0 {
                actor.knows.heads = ring.heads.len();
                ring.heads.push(Value { value: next, teaches: actor.knows });
                if let Some(place) = call.account() {
                    ring.account(place).accept(written, bytes);
                }
            }
        })
    }

    fn resync(&mut self, ring: &mut Ring, head: u64) {
        self.notes.push(note::BYTES + head.saturating_sub(ring.tail()).min(ring.capacity));
        self.notes.extend(ring.counts.then(|| ring.region.tally()));
        (self.head, self.sound) = (None, None);
        let value = Ring::sound(head);
        ring.records.clear();
        ring.reserved = 0;
        ring.wish.grant();
        self.knows.heads = ring.heads.len();
        self.knows.tails = ring.tails.len();
        ring.heads.push(Value { value, teaches: self.knows });
        ring.tails.push(Value { value, teaches: self.knows });
    }

    fn drain(&self, ring: &Ring, most: usize) -> Vec<After> {
        let mut all = Vec::new();
        for mut after in self.each_head(ring, |_, _, _| ()) {
            let head = ring.heads[after.actor.knows.heads].value;
            let error = ring.first(head).err();
            if let Some(error) = error {
                let mut wrong = after.clone();
                wrong.actor.notes.push(error);
                all.push(wrong);
                // Records that were seen before the damage may be read first.
                for seen in &ring.heads[..=self.knows.heads] {
                    let there = ring.all(seen.value);
                    if !there.is_empty() && seen.value.saturating_sub(ring.tail()) <= ring.capacity {
                        let mut read = after.clone();
                        read.actor.take(&mut read.ring, &there[..there.len().min(most)]);
                        all.push(read);
                    }
                }
            } else {
                let there = ring.all(head);
                after.actor.take(&mut after.ring, &there[..there.len().min(most)]);
                all.push(after);
            }
        }
        all
    }

    /// Reads these records, and gives their room back.
    fn take(&mut self, ring: &mut Ring, records: &[Record]) {
        self.notes.push(note::RECORDS + records.len() as u64);
        self.notes.extend(records.iter().map(|record| record.name));
        if let Some(last) = records.last() {
            self.knows.tails = ring.tails.len();
            ring.tails.push(Value { value: last.end(), teaches: self.knows });
            ring.wish.tail_is_at(last.end());
        }
    }

    fn found(&mut self, found: Result<Option<Record>, u64>) {
        match found {
            Ok(None) => self.notes.push(note::RECORDS),
            Ok(Some(record)) => self.notes.extend([note::RECORDS + 1, record.name]),
            Err(error) => self.notes.push(error),
        }
    }

    fn by_hand(&self, ring: &Ring) -> Vec<After> {
        let read = |ring: &mut Ring, actor: &mut Actor, head: u64| {
            actor.head = None;
            if head == ring.tail() {
                return actor.notes.push(note::RECORDS);
            }
            match ring.at(ring.tail(), head) {
                Ok(record) => actor.take(ring, &[record]),
                Err(error) => actor.notes.push(error),
            }
        };
        match self.head.filter(|&head| head > ring.tail()) {
            Some(head) => {
                let (mut ring, mut actor) = (ring.clone(), self.clone());
                read(&mut ring, &mut actor, head);
                vec![After { ring, actor, returned: true }]
            }
            None => self.each_head(ring, read),
        }
    }

    /// A wait that ends because there is something beyond `index`.
    fn woken(&self, ring: &Ring, index: u64) -> Vec<After> {
        let mut all = self.each_end(ring, |ring, actor, head, is_last| {
            actor.head = (head > index || is_last).then_some(head);
            actor.notes.push(if head > index { beyond(head, ring.start) } else { note::LAST });
        });
        all.retain(|after| after.actor.head.is_some());
        all
    }

    fn begin(&self, ring: &Ring, limit: u64) -> After {
        let mut actor = self.clone();
        actor.begun = Some((ring.now, ring.now + limit));
        After { ring: ring.clone(), actor, returned: false }
    }

    /// Notes how long the call has taken.
    fn end(mut all: Vec<After>, begun: u64) -> Vec<After> {
        for After { ring, actor, .. } in &mut all {
            actor.begun = None;
            actor.notes.push(note::TIME + ring.now - begun);
        }
        all
    }

    fn limited(&self, ring: &Ring, limit: u64) -> Vec<After> {
        match self.begun {
            None => vec![self.begin(ring, limit)],
            Some((begun, deadline)) => self.until(ring, ring.tail(), begun, deadline),
        }
    }

    /// A wait for more than `index`: not given up before its time, nor if there is something that it must know of.
    fn until(&self, ring: &Ring, index: u64, begun: u64, deadline: u64) -> Vec<After> {
        let mut all = self.woken(ring, index);
        let is_open = ring.ends[self.knows.ends].value != CLOSED;
        if ring.now >= deadline && is_open && ring.heads[self.knows.heads].value <= index {
            let mut given_up = self.at_once(ring, note::GIVEN_UP);
            given_up[0].actor.head = Some(index);
            all.extend(given_up);
        }
        Self::end(all, begun)
    }

    fn more(&self, ring: &Ring) -> Vec<After> {
        match self.begun {
            None => self
                .each_head(ring, |ring, actor, head| {
                    actor.notes.push(beyond(head, ring.start));
                    actor.head = Some(head);
                    actor.begun = Some((ring.now, ring.now + LIMIT.as_millis() as u64));
                })
                .into_iter()
                .map(|after| After { returned: false, ..after })
                .collect(),
            Some((begun, deadline)) => self.until(ring, self.head.expect("what it saw"), begun, deadline),
        }
    }

    fn nap(&self, ring: &Ring) -> Vec<After> {
        match self.begun {
            None => vec![self.begin(ring, NAP.as_millis() as u64)],
            Some((begun, deadline)) if ring.now >= deadline => {
                Self::end(vec![After { ring: ring.clone(), actor: self.clone(), returned: true }], begun)
            }
            Some(_) => Vec::new(),
        }
    }

    /// Whether there is room for 9 bytes more, as far as it can be seen without the lock; in a closed ring one need not wait for it.
    fn ask(&self, ring: &Ring) -> Vec<After> {
        let looked = self.each_look_at_end(ring, |_, actor, end| {
            if end == CLOSED {
                actor.notes.push(note::ANSWER + 1);
            }
        });
        let asked = |mut after: After| match after.ring.ends[after.actor.knows.ends].value {
            CLOSED => {
                after.ring.wish = Wish::None;
                vec![after]
            }
            _ => after.actor.ask_open(&after.ring),
        };
        looked.into_iter().flat_map(asked).collect()
    }

    /// The same, where it is not closed.
    fn ask_open(&self, ring: &Ring) -> Vec<After> {
        let size = ASKED;
        let mut all = Vec::new();
        for t in self.knows.tails..ring.tails.len() {
            let mut looked = self.clone();
            looked.knows.tails = t;
            looked.knows.learn(ring.tails[t].teaches);
            for h in looked.knows.heads..ring.heads.len() {
                let mut actor = looked.clone();
                actor.knows.heads = h;
                let used = ring.heads[h].value.checked_sub(ring.tails[t].value);
                let fits = used.filter(|&used| used <= ring.capacity).is_some_and(|used| ring.capacity - used >= size);
                if fits {
                    actor.notes.push(note::ANSWER + 1);
                    let ring = Ring { wish: Wish::None, ..ring.clone() };
                    all.push(After { ring, actor, returned: true });
                    continue;
                }
                // Looks once more, whether the index range has an end before that.
                for last in h..ring.heads.len() {
                    let mut actor = actor.clone();
                    actor.knows.heads = last;
                    let never = ring.heads[last].value.checked_add(size).is_none();
                    actor.notes.push(note::ANSWER + u64::from(never));
                    let mut ring = ring.clone();
                    let damaged = used.is_none_or(|used| used > ring.capacity);
                    // Whoever asks anew forgets what he asked before.
                    ring.wish = match never {
                        true => Wish::None,
                        false if damaged => Wish::Moves,
                        false => Wish::Reaches(ring.heads[h].value.saturating_add(size).saturating_sub(ring.capacity)),
                    };
                    // He did not see it, so whoever gave it back sees the wish.
                    if t + 1 < ring.tails.len() {
                        let newest = ring.tail();
                        ring.wish.tail_is_at(newest);
                    }
                    if ring.end() == CLOSED {
                        ring.wish.grant();
                    }
                    all.push(After { ring, actor, returned: true });
                }
            }
        }
        all
    }

    /// A copy of the writers' endpoint goes; one that was `made` just before, or its own.
    fn release(&self, ring: &Ring, made: bool) -> Vec<After> {
        let (mut ring, mut actor) = (ring.clone(), self.clone());
        let last = *ring.copies.last().expect("a first value");
        let mut teaches = last.teaches;
        if made {
            ring.copies.push(Value { value: last.value + 1, teaches });
        }
        actor.knows.copies = ring.copies.len();
        teaches.learn(actor.knows);
        let value = if made { last.value } else { last.value - 1 };
        ring.copies.push(Value { value, teaches });
        actor.notes.push(note::ANSWER + u64::from(value == 0));
        vec![After { ring, actor, returned: true }]
    }
}
