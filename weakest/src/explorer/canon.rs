//! One representative for states that no thread can tell apart.
//!
//! Forgotten are: messages that nobody can read any more, knowledge that every possible reader has anyway, data accesses
//! that everybody knows of, and the numbers of clocks beyond their order. `weakest/docs/explorer.md` argues each.

use super::faults::{Fault as Seeded, seeded};
use super::state::{NEVER, Sizes, State, Status};
use super::view::View;

impl<const N: usize> State<N> {
    /// Replaces the state by its representative.
    pub(super) fn canonicalise(&mut self, sizes: Sizes) {
        for thread in &mut self.threads {
            if thread.status == Status::Ended {
                thread.announced = 0;
                thread.view = View::NOTHING;
                thread.acquirable = View::NOTHING;
                thread.released = View::NOTHING;
            }
        }
        if !self.chart.is_empty() {
            self.tidy_chart(sizes);
        }
        // A chart counts on positions and on who knows what.
        if !self.chart.is_empty() {
            self.renumber_clocks(sizes);
            return;
        }
        self.forget_messages(sizes);
        self.forget_ages(sizes);
        self.forget_knowledge(sizes);
        self.forget_fences();
        self.merge_repetitions(sizes);
        self.forget_accesses(sizes);
        self.renumber_clocks(sizes);
    }

    fn live(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.threads.len()).filter(|&thread| self.threads[thread].status != Status::Ended)
    }

    /// Drops the messages older than what every living thread knows of, and counts positions from the oldest left.
    fn forget_messages(&mut self, sizes: Sizes) {
        let mut known = View([u8::MAX; N]);
        self.live().for_each(|thread| known.meet(&self.threads[thread].view));
        for location in 0..sizes.locations {
            let newest = self.newest(location) as u8;
            let base = if seeded(Seeded::MessagesAreForgotten) { newest } else { known.0[location].min(newest) };
            let start = self.starts[location] as usize;
            if base != 0 {
                self.messages.drain(start..start + base as usize);
                for later in &mut self.starts[location + 1..] {
                    *later -= base as u16;
                }
                let sink = |view: &mut View<N>| view.0[location] = view.0[location].saturating_sub(base);
                for thread in &mut self.threads {
                    sink(&mut thread.view);
                    sink(&mut thread.acquirable);
                    sink(&mut thread.released);
                }
                for message in &mut self.messages {
                    sink(&mut message.view);
                }
                for fence in &mut self.fences {
                    sink(&mut fence.before);
                    let after = &mut fence.after[location];
                    if *after != NEVER {
                        *after = after.saturating_sub(2 * base as u16);
                    }
                }
            }
            self.messages[start].glued = false;
        }
    }

    /// Forgets of messages that a promiser cannot read any more whether they are newer than its promises.
    fn forget_ages(&mut self, sizes: Sizes) {
        if self.promisers == 0 {
            return;
        }
        for location in 0..sizes.locations {
            for position in 0..=self.newest(location) {
                let gone = (0..self.threads.len())
                    .filter(|&thread| self.threads[thread].view.0[location] as usize > position)
                    .fold(0, |bits, thread| bits | 1 << thread);
                let index = self.starts[location] as usize + position;
                self.messages[index].newer &= if seeded(Seeded::AgesAreForgotten) { 0 } else { !gone };
            }
        }
    }

    /// Clears from each view what everybody knows who could ever learn it from there.
    fn forget_knowledge(&mut self, sizes: Sizes) {
        let full = View([u8::MAX; N]);
        for location in 0..sizes.locations {
            for position in 0..=self.newest(location) {
                let index = self.starts[location] as usize + position;
                if self.messages[index].view.is_nothing() {
                    continue;
                }
                let mut known = full;
                for thread in self.live() {
                    let reads = self.threads[thread].view.0[location] as usize <= position;
                    if reads && !seeded(Seeded::KnowledgeIsForgotten) {
                        known.meet(&self.threads[thread].view);
                    }
                }
                // Whoever reads the message knows the message.
                known.0[location] = u8::MAX;
                self.messages[index].view.forget(&known);
            }
        }
        for index in 0..self.threads.len() {
            let own = self.threads[index].view;
            self.threads[index].acquirable.forget(&own);
            if !self.threads[index].released.is_nothing() {
                let mut known = full;
                for other in self.live().filter(|&other| other != index) {
                    known.meet(&self.threads[other].view);
                }
                self.threads[index].released.forget(&known);
            }
        }
    }

    /// Makes one of a message and the read-modify-write of it that wrote the same value and teaches the same.
    ///
    /// Nobody can come between the two, and whoever reads either is as well off. With sequentially consistent fences
    /// about, which of the two was read may matter to their order.
    fn merge_repetitions(&mut self, sizes: Sizes) {
        if !self.fences.is_empty() {
            return;
        }
        for location in 0..sizes.locations {
            let mut position = 1;
            while position <= self.newest(location) {
                let index = self.starts[location] as usize + position;
                let (before, this) = (&self.messages[index - 1], &self.messages[index]);
                let promised = this.promised_by != 0
                    || before.promised_by != 0
                    || self.messages.get(index + 1).is_some_and(|next| next.promised_by != 0);
                let alike = this.value == before.value && this.view == before.view && this.newer == before.newer;
                if !this.glued || !alike || promised && !seeded(Seeded::PromisesAreMerged) {
                    position += 1;
                    continue;
                }
                self.messages.remove(index);
                for later in &mut self.starts[location + 1..] {
                    *later -= 1;
                }
                let sink = |view: &mut View<N>| {
                    if usize::from(view.0[location]) >= position {
                        view.0[location] -= 1;
                    }
                };
                for thread in &mut self.threads {
                    sink(&mut thread.view);
                    sink(&mut thread.acquirable);
                    sink(&mut thread.released);
                }
                for message in &mut self.messages {
                    sink(&mut message.view);
                }
            }
        }
    }

    /// Drops the fences that can be on no cycle: nothing precedes them, and nothing ever will.
    fn forget_fences(&mut self) {
        while let Some(gone) = (0..self.fences.len()).find(|&index| {
            self.fences[index].before.is_nothing() && self.fences.iter().all(|fence| fence.precedes & 1 << index == 0)
        }) {
            self.fences.remove(gone);
            let low = (1 << gone) - 1;
            for fence in &mut self.fences {
                fence.precedes = fence.precedes & low | fence.precedes >> 1 & !low;
            }
        }
        if self.live().next().is_none() {
            self.fences.clear();
        }
        self.sort_fences();
    }

    /// Puts the fences in the order of threads, then of each thread's program.
    fn sort_fences(&mut self) {
        if self.fences.len() < 2 {
            return;
        }
        let mut order: Vec<usize> = (0..self.fences.len()).collect();
        order.sort_by_key(|&index| (self.fences[index].thread, self.fences[index].clock));
        if order.iter().enumerate().all(|(to, &from)| to == from) {
            return;
        }
        let before = std::mem::take(&mut self.fences);
        self.fences = order.iter().map(|&from| before[from].clone()).collect();
        for fence in &mut self.fences {
            let precedes = fence.precedes;
            fence.precedes = order.iter().enumerate().fold(0, |bits, (to, &from)| bits | (precedes >> from & 1) << to);
        }
    }

    /// Forgets the data accesses that no later access can race with.
    fn forget_accesses(&mut self, sizes: Sizes) {
        for accessor in 0..sizes.threads {
            let slot = sizes.locations + accessor;
            let known = self
                .live()
                .filter(|&thread| thread != accessor)
                .map(|thread| self.threads[thread].view.0[slot])
                .min()
                .unwrap_or(u8::MAX);
            for (index, cell) in self.cells.iter_mut().enumerate() {
                if cell.writer as usize == accessor && cell.written <= known {
                    cell.written = 0;
                }
                if cell.written == 0 {
                    cell.writer = 0;
                }
                let read = &mut self.reads[index * sizes.threads + accessor];
                if *read <= known {
                    *read = 0;
                }
            }
        }
    }

    /// Keeps of each thread's clocks only which of them are told apart.
    pub(super) fn renumber_clocks(&mut self, sizes: Sizes) {
        let mut latest = View::NOTHING;
        for thread in &self.threads {
            latest.join(&thread.view);
            latest.join(&thread.acquirable);
            latest.join(&thread.released);
        }
        self.messages.iter().for_each(|message| latest.join(&message.view));
        for thread in 0..sizes.threads {
            let slot = sizes.locations + thread;
            // Which clock values are asked for, and which are somebody's knowledge.
            let (mut asked, mut known) = (Clocks::NONE, Clocks::NONE);
            for (index, cell) in self.cells.iter().enumerate() {
                if cell.writer as usize == thread {
                    asked.add(cell.written);
                }
                asked.add(self.reads[index * sizes.threads + thread]);
            }
            for fence in self.fences.iter().filter(|fence| fence.thread as usize == thread) {
                asked.add(fence.clock);
            }
            for event in self.chart.iter().filter(|event| event.thread as usize == thread) {
                asked.add(event.clock);
            }
            let highest = asked.highest.max(latest.0[slot]) as usize;
            if highest == 0 || highest == 1 && asked.has(1) {
                // Each is what it would be.
                continue;
            }
            self.clocks(slot, |clock| known.add(*clock));
            // Rising through all values: a new number for each group of asked ones above a group of known ones.
            let (mut map, mut number, mut above_known) = ([0; 256], 0, true);
            for (value, to) in (0..=highest).zip(&mut map).skip(1) {
                if above_known && asked.has(value) {
                    number += 1;
                    above_known = false;
                }
                *to = number;
                above_known |= known.has(value);
            }
            if usize::from(number) == highest {
                // Each is what it was.
                continue;
            }
            for (index, cell) in self.cells.iter_mut().enumerate() {
                if cell.writer as usize == thread {
                    cell.written = map[cell.written as usize];
                }
                let read = &mut self.reads[index * sizes.threads + thread];
                *read = map[*read as usize];
            }
            for fence in self.fences.iter_mut().filter(|fence| fence.thread as usize == thread) {
                fence.clock = map[fence.clock as usize];
            }
            for event in self.chart.iter_mut().filter(|event| event.thread as usize == thread) {
                event.clock = map[event.clock as usize];
            }
            self.clocks(slot, |clock| *clock = map[*clock as usize]);
        }
    }

    /// Visits every place that holds knowledge of one thread's clock.
    fn clocks(&mut self, slot: usize, mut visit: impl FnMut(&mut u8)) {
        for thread in &mut self.threads {
            visit(&mut thread.view.0[slot]);
            visit(&mut thread.acquirable.0[slot]);
            visit(&mut thread.released.0[slot]);
        }
        for message in &mut self.messages {
            visit(&mut message.view.0[slot]);
        }
    }
}

/// A set of clock values.
struct Clocks {
    bits: [u64; 4],
    highest: u8,
}

impl Clocks {
    const NONE: Clocks = Clocks { bits: [0; 4], highest: 0 };

    fn add(&mut self, clock: u8) {
        self.bits[usize::from(clock >> 6)] |= 1 << (clock & 63);
        self.highest = self.highest.max(clock);
    }

    fn has(&self, clock: usize) -> bool {
        self.bits[clock >> 6] >> (clock & 63) & 1 == 1
    }
}
