//! A state of the explored machine: where each thread is, what it knows, and the messages in memory.
//!
//! See `weakest/docs/explorer.md` for the machine and for why it is RC11's promise-free fragment.

use super::chart::{Charted, Deed};
use super::operation::Objects;
use super::tree::NodeId;
use super::view::View;

/// How a thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Status {
    /// It may take its next operation.
    Running,
    /// Its next operation, a wait, has begun.
    Asleep,
    /// Dead, with a word announced that the operating system has not looked at yet.
    Unburied,
    /// Over: it returned, or it is dead and nothing is left to be done about it.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Thread<const N: usize> {
    /// Its history; the number of its notes once it has returned.
    pub(super) node: NodeId,
    pub(super) status: Status,
    /// Killed. What runs in this place afterwards, if anything, is `Program::on_death`.
    pub(super) killed: bool,
    /// The location it has announced, plus one.
    pub(super) announced: u8,
    /// How many operations it had done when it was killed. Not part of the state's identity.
    pub(super) after: u16,
    /// What happened before its next operation.
    pub(super) view: View<N>,
    /// What an acquire fence would add.
    pub(super) acquirable: View<N>,
    /// What its last release fence covers.
    pub(super) released: View<N>,
    /// It has made a promise because its next read waits for something newer, and must read that.
    pub(super) blocked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<const N: usize> {
    pub(super) value: u64,
    /// What reading it with acquire teaches.
    pub(super) view: View<N>,
    /// Written by a read-modify-write that read the message before: nothing may come between.
    pub(super) glued: bool,
    /// The thread that promised it and has not kept the promise yet, plus one.
    pub(super) promised_by: u8,
    /// The threads that have promises, of which the last is older than this message: bits by thread.
    pub(super) newer: u32,
    /// In a replay, the writing event's index plus one. While a thread is tried alone, a number for what was there before.
    /// Not part of the state's identity.
    pub(super) source: u32,
}

impl<const N: usize> Message<N> {
    /// A message that teaches nothing.
    pub(super) fn new(value: u64, glued: bool, source: u32) -> Self {
        Message { value, view: View::NOTHING, glued, promised_by: 0, newer: 0, source }
    }
}

/// A data word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) value: u64,
    pub(super) writer: u8,
    /// The writer's clock at the last write; 0 when everybody knows of it.
    pub(super) written: u8,
}

/// A sequentially consistent fence that has been passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fence<const N: usize> {
    pub(super) thread: u8,
    /// Whether it is a light half, which orders nothing with other light halves.
    pub(super) light: bool,
    /// The thread's clock at the fence.
    pub(super) clock: u8,
    /// Positions that happened before it.
    pub(super) before: View<N>,
    /// Of each location the first access that happened after it: twice the position, and one more if it was a read.
    /// `NEVER` if there is none.
    pub(super) after: [u16; N],
    /// The fences that must come after it in the order of all such fences: bits by index.
    pub(super) precedes: u64,
}

/// See [`Fence::after`].
pub(super) const NEVER: u16 = u16::MAX;

/// The sizes of a program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) locations: usize,
    pub(super) threads: usize,
    pub(super) words: usize,
}

impl Sizes {
    /// How many slots of a view are in use.
    pub(super) fn slots(self) -> usize {
        self.locations + self.threads
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State<const N: usize> {
    pub(super) threads: Vec<Thread<N>>,
    /// All messages, by location and modification order.
    pub(super) messages: Vec<Message<N>>,
    /// Where each location's messages start; one more entry for the end.
    pub(super) starts: Vec<u16>,
    pub(super) cells: Vec<Cell>,
    /// For each cell and thread, the thread's clock at its last read since the last write; 0 when everybody knows of it.
    pub(super) reads: Vec<u8>,
    pub(super) fences: Vec<Fence<N>>,
    /// What may be on a cycle of sequentially consistent accesses, in programs that have any.
    pub(super) chart: Vec<Charted>,
    /// How many more threads may die, waits wake up spuriously, exchanges fail spuriously.
    pub(super) budgets: [u8; 3],
    /// The virtual time, in nanoseconds.
    pub(super) now: u64,
    /// The threads that have promises to keep: bits by thread. Follows from the messages.
    pub(super) promisers: u32,
}

impl<const N: usize> State<N> {
    /// The messages of a location.
    pub(super) fn of(&self, location: usize) -> &[Message<N>] {
        &self.messages[self.starts[location] as usize..self.starts[location + 1] as usize]
    }

    /// Shows what is in memory to somebody who finds the newest of everything.
    pub(super) fn show(&self, objects: &mut Objects) {
        for (index, location) in objects.locations.iter_mut().enumerate() {
            location.initial = self.message(index, self.newest(index)).value;
        }
        for (word, cell) in objects.words.iter_mut().zip(&self.cells) {
            word.initial = cell.value;
        }
        objects.now = self.now;
    }

    /// The position of the newest message of a location.
    pub(super) fn newest(&self, location: usize) -> usize {
        (self.starts[location + 1] - self.starts[location]) as usize - 1
    }

    /// The message of a location at a position.
    pub(super) fn message(&self, location: usize, position: usize) -> &Message<N> {
        &self.messages[self.starts[location] as usize + position]
    }

    /// Whether there are as many messages of a location as positions can tell apart.
    pub(super) fn is_full(&self, location: usize) -> bool {
        self.newest(location) >= 250
    }

    /// Puts a message at a position; what was there and after it moves up.
    ///
    /// The location must not be [full](Self::is_full).
    pub(super) fn insert(&mut self, location: usize, position: usize, message: Message<N>) {
        let at = position as u8;
        let shift = |view: &mut View<N>| {
            if view.0[location] >= at {
                view.0[location] += 1;
            }
        };
        if position <= self.newest(location) {
            for event in self.chart.iter_mut().filter(|event| event.location as usize == location) {
                event.position += u8::from(event.position >= at);
            }
            for thread in &mut self.threads {
                shift(&mut thread.view);
                shift(&mut thread.acquirable);
                shift(&mut thread.released);
            }
            for message in &mut self.messages {
                shift(&mut message.view);
            }
            for fence in &mut self.fences {
                shift(&mut fence.before);
                let after = &mut fence.after[location];
                if *after != NEVER && *after >= 2 * position as u16 {
                    *after += 2;
                }
            }
        }
        self.messages.insert(self.starts[location] as usize + position, message);
        for start in &mut self.starts[location + 1..] {
            *start += 1;
        }
    }

    /// Appends what one thread alone has to do with to `bytes`: itself, and memory.
    pub(super) fn encode_for(&self, thread: usize, sizes: Sizes, bytes: &mut Vec<u8>) {
        let slots = sizes.slots();
        self.encode_thread(&self.threads[thread], slots, bytes);
        self.encode_memory(sizes, bytes);
    }

    /// Appends the state to `bytes`. The first returned length is what identifies it; the rest is carried along.
    pub(super) fn encode(&self, sizes: Sizes, bytes: &mut Vec<u8>) -> usize {
        let from = bytes.len();
        let slots = sizes.slots();
        for thread in &self.threads {
            self.encode_thread(thread, slots, bytes);
        }
        self.encode_memory(sizes, bytes);
        let identity = bytes.len() - from;
        for thread in self.threads.iter().filter(|thread| thread.killed) {
            put(bytes, thread.after as u64);
        }
        identity
    }

    fn encode_thread(&self, thread: &Thread<N>, slots: usize, bytes: &mut Vec<u8>) {
        let ended = thread.status == Status::Ended;
        let (acquirable, released) = (!thread.acquirable.is_nothing(), !thread.released.is_nothing());
        bytes.push(
            thread.status as u8
                | (thread.killed as u8) << 2
                | (acquirable as u8) << 3
                | (released as u8) << 4
                | ((thread.announced != 0) as u8) << 5
                | (thread.blocked as u8) << 6,
        );
        put(bytes, thread.node as u64);
        if ended {
            return;
        }
        if thread.announced != 0 {
            bytes.push(thread.announced);
        }
        bytes.extend_from_slice(&thread.view.0[..slots]);
        if acquirable {
            bytes.extend_from_slice(&thread.acquirable.0[..slots]);
        }
        if released {
            bytes.extend_from_slice(&thread.released.0[..slots]);
        }
    }

    fn encode_memory(&self, sizes: Sizes, bytes: &mut Vec<u8>) {
        let slots = sizes.slots();
        for location in 0..sizes.locations {
            let messages = self.of(location);
            put(bytes, messages.len() as u64);
            for message in messages {
                let view = !message.view.is_nothing();
                let (promised, newer) = (message.promised_by != 0, message.newer != 0);
                bytes.push(view as u8 | (message.glued as u8) << 1 | (promised as u8) << 2 | (newer as u8) << 3);
                put(bytes, message.value);
                if promised {
                    bytes.push(message.promised_by);
                }
                if newer {
                    put(bytes, message.newer.into());
                }
                if view {
                    bytes.extend_from_slice(&message.view.0[..slots]);
                }
            }
        }
        for (index, cell) in self.cells.iter().enumerate() {
            let reads = &self.reads[index * sizes.threads..(index + 1) * sizes.threads];
            let read = reads.iter().any(|&clock| clock != 0);
            bytes.push((cell.written != 0) as u8 | (read as u8) << 1);
            put(bytes, cell.value);
            if cell.written != 0 {
                bytes.extend_from_slice(&[cell.writer, cell.written]);
            }
            if read {
                bytes.extend_from_slice(reads);
            }
        }
        bytes.push(self.fences.len() as u8);
        for fence in &self.fences {
            bytes.extend_from_slice(&[fence.thread | u8::from(fence.light) << 7, fence.clock]);
            bytes.extend_from_slice(&fence.before.0[..sizes.locations]);
            for after in &fence.after[..sizes.locations] {
                bytes.extend_from_slice(&after.to_le_bytes());
            }
            put(bytes, fence.precedes);
        }
        bytes.push(self.chart.len() as u8);
        for event in &self.chart {
            let flags = event.deed as u8 | u8::from(event.sequential) << 2;
            bytes.extend_from_slice(&[flags, event.thread, event.location, event.position, event.clock]);
            put(bytes, event.before);
        }
        bytes.extend_from_slice(&self.budgets);
        put(bytes, self.now);
    }

    /// The state that [`encode`](Self::encode) wrote.
    pub(super) fn decode(sizes: Sizes, mut bytes: &[u8]) -> Self {
        let input = &mut bytes;
        let slots = sizes.slots();
        let mut threads = Vec::with_capacity(sizes.threads);
        for _ in 0..sizes.threads {
            let flags = take(input);
            let status = match flags & 3 {
                0 => Status::Running,
                1 => Status::Asleep,
                2 => Status::Unburied,
                _ => Status::Ended,
            };
            let mut thread = Thread {
                node: get(input) as NodeId,
                status,
                killed: flags & 4 != 0,
                announced: 0,
                after: 0,
                view: View::NOTHING,
                acquirable: View::NOTHING,
                released: View::NOTHING,
                blocked: flags & 64 != 0,
            };
            if status != Status::Ended {
                if flags & 32 != 0 {
                    thread.announced = take(input);
                }
                thread.view = view(input, slots);
                if flags & 8 != 0 {
                    thread.acquirable = view(input, slots);
                }
                if flags & 16 != 0 {
                    thread.released = view(input, slots);
                }
            }
            threads.push(thread);
        }
        let (mut messages, mut promisers) = (Vec::with_capacity(sizes.locations * 2), 0);
        let mut starts = Vec::with_capacity(sizes.locations + 1);
        for _ in 0..sizes.locations {
            starts.push(messages.len() as u16);
            for _ in 0..get(input) {
                let flags = take(input);
                let mut message = Message::new(get(input), flags & 2 != 0, 0);
                if flags & 4 != 0 {
                    message.promised_by = take(input);
                    promisers |= 1 << (message.promised_by - 1);
                }
                if flags & 8 != 0 {
                    message.newer = get(input) as u32;
                }
                if flags & 1 != 0 {
                    message.view = view(input, slots);
                }
                messages.push(message);
            }
        }
        starts.push(messages.len() as u16);
        let mut cells = Vec::with_capacity(sizes.words);
        let mut reads = vec![0; sizes.words * sizes.threads];
        for index in 0..sizes.words {
            let flags = take(input);
            let mut cell = Cell { value: get(input), writer: 0, written: 0 };
            if flags & 1 != 0 {
                cell.writer = take(input);
                cell.written = take(input);
            }
            if flags & 2 != 0 {
                reads[index * sizes.threads..(index + 1) * sizes.threads].copy_from_slice(split(input, sizes.threads));
            }
            cells.push(cell);
        }
        let mut fences = Vec::new();
        for _ in 0..take(input) {
            let (thread, clock) = (take(input), take(input));
            let before = view(input, sizes.locations);
            let mut after = [NEVER; N];
            for after in &mut after[..sizes.locations] {
                *after = u16::from_le_bytes([take(input), take(input)]);
            }
            let (light, thread) = (thread & 0x80 != 0, thread & 0x7f);
            fences.push(Fence { thread, light, clock, before, after, precedes: get(input) });
        }
        let chart = (0..take(input))
            .map(|_| {
                let flags = take(input);
                let deed = [Deed::Read, Deed::Write, Deed::Fence, Deed::LightFence][usize::from(flags & 3)];
                let (thread, location, position, clock) = (take(input), take(input), take(input), take(input));
                let sequential = flags & 4 != 0;
                Charted { thread, deed, sequential, location, position, clock, before: get(input) }
            })
            .collect();
        let budgets = [take(input), take(input), take(input)];
        let now = get(input);
        for thread in threads.iter_mut().filter(|thread| thread.killed) {
            thread.after = get(input) as u16;
        }
        State { threads, messages, starts, cells, reads, fences, chart, budgets, now, promisers }
    }
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn get(input: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = take(input);
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
        shift += 7;
    }
}

fn take(input: &mut &[u8]) -> u8 {
    let (first, rest) = input.split_first().expect("an encoded state");
    *input = rest;
    *first
}

fn split<'a>(input: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (first, rest) = input.split_at(length);
    *input = rest;
    first
}

fn view<const N: usize>(input: &mut &[u8], slots: usize) -> View<N> {
    let mut view = View::NOTHING;
    view.0[..slots].copy_from_slice(split(input, slots));
    view
}
