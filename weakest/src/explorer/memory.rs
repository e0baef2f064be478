//! What loads, stores and fences do to a state: the view machine.

use super::faults::{Fault as Seeded, seeded};
use super::operation::{Answer, Request};
use super::replay;
use super::state::{Cell, Fence, Message, NEVER, Sizes, State};
use super::view::View;

/// Two accesses to a data word that nothing orders.
#[derive(Clone, Copy, Debug)]
pub(super) struct Race {
    /// The thread of the earlier access.
    pub(super) other: usize,
    /// Whether the earlier access was a write.
    pub(super) wrote: bool,
}

/// What an access means to the order of the fences.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    /// A promised write, in its thread's place.
    Kept,
}

impl<const N: usize> State<N> {
    /// `thread` reads the message at a position. `None` if that contradicts the order of the fences.
    pub(super) fn read(
        &mut self,
        sizes: Sizes,
        thread: usize,
        location: usize,
        position: usize,
        acquire: bool,
    ) -> Option<u64> {
        let message = *self.message(location, position);
        let reader = &mut self.threads[thread];
        reader.blocked = false;
        if !seeded(Seeded::ReadsAreForgotten) {
            reader.view.0[location] = reader.view.0[location].max(position as u8);
        }
        if acquire && !seeded(Seeded::AcquireLearnsNothing) {
            reader.view.join(&message.view);
        } else {
            reader.acquirable.join(&message.view);
        }
        self.order_fences(sizes, thread, location, position, Access::Read).then_some(message.value)
    }

    /// `thread` writes a message at a position. `false` if that contradicts the order of the fences.
    ///
    /// `of` is what a read-modify-write read: its knowledge is handed on (the release sequence), and nothing may come
    /// between.
    #[expect(clippy::too_many_arguments, reason = "the operands of one instruction")]
    pub(super) fn write(
        &mut self,
        sizes: Sizes,
        thread: usize,
        location: usize,
        position: usize,
        value: u64,
        release: bool,
        of: Option<View<N>>,
        source: u32,
    ) -> bool {
        let own = of.is_some() || seeded(Seeded::OwnStoresAreNewer);
        let newer = self.promisers & if own { u32::MAX } else { !(1 << thread) };
        self.insert(location, position, Message { newer, ..Message::new(value, of.is_some(), source) });
        let writer = &mut self.threads[thread];
        writer.view.0[location] = position as u8;
        let mut view = if release { writer.view } else { writer.released };
        if let Some(inherited) = of.filter(|_| !seeded(Seeded::ReleaseSequencesBreak)) {
            view.join(&inherited);
        }
        let index = self.starts[location] as usize + position;
        self.messages[index].view = view;
        self.order_fences(sizes, thread, location, position, Access::Write)
    }

    /// Whether a new message may come at this position.
    pub(super) fn has_room(&self, location: usize, position: usize) -> bool {
        position > self.newest(location)
            || seeded(Seeded::UpdatesAreTornApart)
            || !self.message(location, position).glued
    }

    /// A fence that is not sequentially consistent.
    pub(super) fn fence(&mut self, thread: usize, acquire: bool, release: bool) {
        if seeded(Seeded::FencesDoNothing) {
            return;
        }
        let thread = &mut self.threads[thread];
        if acquire {
            let acquirable = std::mem::replace(&mut thread.acquirable, View::NOTHING);
            thread.view.join(&acquirable);
        }
        if release {
            thread.released = thread.view;
        }
    }

    /// Whether there may be one more fence than there are.
    pub(super) fn has_fences_left(&self) -> bool {
        self.fences.len() < 64
    }

    /// A sequentially consistent fence, or the light half of an asymmetric one.
    ///
    /// A light half only takes its place in the order of all such fences, and there only with heavy ones and full ones: by
    /// itself it is no instruction, so it neither acquires nor releases.
    ///
    /// The state must [have room](Self::has_fences_left) for it.
    pub(super) fn sequential_fence(&mut self, sizes: Sizes, thread: usize, light: bool) {
        if !light {
            self.fence(thread, true, true);
        }
        let clock = self.tick(sizes, thread);
        if !light {
            // What the fence releases includes the fence itself.
            self.threads[thread].released = self.threads[thread].view;
        }
        let view = self.threads[thread].view;
        let new = self.fences.len();
        for index in 0..new {
            let fence = &self.fences[index];
            if light && fence.light && !seeded(Seeded::LightFencesAreFull) {
                continue;
            }
            let sees = (0..sizes.locations).any(|x| fence.after[x] <= 2 * u16::from(view.0[x]));
            if sees || view.0[sizes.locations + fence.thread as usize] >= fence.clock {
                self.precede(index, new);
            }
        }
        let mut before = view;
        before.0[sizes.locations..].fill(0);
        self.fences.push(Fence { thread: thread as u8, light, clock, before, after: [NEVER; N], precedes: 0 });
    }

    /// Notes that fence `first` comes before fence `second`, and all that follows from it.
    fn precede(&mut self, first: usize, second: usize) {
        let beyond = 1 << second | self.fences.get(second).map_or(0, |fence| fence.precedes);
        for index in 0..self.fences.len() {
            if index == first || self.fences[index].precedes >> first & 1 == 1 {
                self.fences[index].precedes |= beyond;
            }
        }
    }

    /// Notes what an access implies for the order of sequentially consistent fences; `false` if that order would be
    /// cyclic.
    ///
    /// A fence that happened before the access comes before every fence that something happened before which the access
    /// did not see yet (RC11's `psc`).
    pub(super) fn order_fences(
        &mut self,
        sizes: Sizes,
        thread: usize,
        location: usize,
        position: usize,
        access: Access,
    ) -> bool {
        if seeded(Seeded::FencesAreUnordered) {
            return true;
        }
        for first in 0..self.fences.len() {
            let fence = &self.fences[first];
            let slot = sizes.locations + fence.thread as usize;
            if self.threads[thread].view.0[slot] < fence.clock {
                continue;
            }
            for second in 0..self.fences.len() {
                let both_light =
                    self.fences[first].light && self.fences[second].light && !seeded(Seeded::LightFencesAreFull);
                // A fence may have come after a promise that is kept only now.
                let seen = usize::from(self.fences[second].before.0[location]) + usize::from(access == Access::Kept);
                if seen > position && !both_light {
                    if first == second || self.fences[second].precedes >> first & 1 == 1 {
                        return false;
                    }
                    self.precede(first, second);
                }
            }
            let after = &mut self.fences[first].after[location];
            *after = (*after).min(2 * position as u16 + u16::from(access == Access::Read));
        }
        true
    }

    /// A new, higher clock value of the thread.
    ///
    /// # Panics
    /// With more than 255 accesses of one thread that others tell apart.
    pub(super) fn tick(&mut self, sizes: Sizes, thread: usize) -> u8 {
        let slot = sizes.locations + thread;
        if self.threads[thread].view.0[slot] == u8::MAX {
            self.renumber_clocks(sizes);
        }
        let clock = &mut self.threads[thread].view.0[slot];
        *clock = clock.checked_add(1).expect("more than 255 accesses of one thread that others tell apart");
        *clock
    }

    /// The answer to an operation that has only one.
    pub(super) fn only_answer(&self, thread: usize, request: Request, object: usize) -> Answer {
        match request {
            Request::Read => Answer::value(self.cells[object].value),
            Request::Announce => Answer::value(replay::id(thread).into()),
            _ => Answer::NOTHING,
        }
    }

    fn knows(&self, sizes: Sizes, thread: usize, other: usize, clock: u8) -> bool {
        other == thread
            || seeded(Seeded::RacesAreMissed)
            || self.threads[thread].view.0[sizes.locations + other] >= clock
    }

    /// `thread` reads a data word.
    pub(super) fn read_cell(&mut self, sizes: Sizes, thread: usize, word: usize) -> Result<u64, Race> {
        let cell = self.cells[word];
        if !self.knows(sizes, thread, cell.writer as usize, cell.written) {
            return Err(Race { other: cell.writer as usize, wrote: true });
        }
        let clock = self.tick(sizes, thread);
        self.reads[word * sizes.threads + thread] = clock;
        Ok(cell.value)
    }

    /// `thread` writes a data word.
    pub(super) fn write_cell(&mut self, sizes: Sizes, thread: usize, word: usize, value: u64) -> Result<(), Race> {
        let cell = self.cells[word];
        if !self.knows(sizes, thread, cell.writer as usize, cell.written) {
            return Err(Race { other: cell.writer as usize, wrote: true });
        }
        let reads = word * sizes.threads..(word + 1) * sizes.threads;
        for other in 0..sizes.threads {
            if !self.knows(sizes, thread, other, self.reads[reads.start + other]) {
                return Err(Race { other, wrote: false });
            }
        }
        let written = self.tick(sizes, thread);
        self.reads[reads].fill(0);
        self.cells[word] = Cell { value, writer: thread as u8, written };
        Ok(())
    }
}
