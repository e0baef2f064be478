//! The Promising-ARM machine (Pulte, Pichon-Pharabod, Kang, Lee, Hur: Promising-ARM/RISC-V, PLDI 2019), which is proved to
//! be ARMv8's axiomatic model exactly. It knows each dependency by its syntax. Read-modify-writes are single instructions
//! (LSE). Shares no code and no idea with the explorer.
//!
//! Promises first: memory is a list of writes, each promised by a thread that can keep all its promises alone; when a memory
//! is complete, each thread runs by itself.

use super::dependent::{Dependent, Step, Update, Value};
use super::litmus::outcome;
use std::collections::{BTreeSet, HashSet};
use weakest::facade::Order;

/// A moment: 0 is before all writes, write number `i` of memory happens at `i + 1`.
type Moment = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Write {
    thread: usize,
    location: usize,
    value: u64,
}

/// What a read of the thread's own last write to a location may be forwarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Forward {
    at: Moment,
    view: Moment,
    exclusive: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Thread {
    next: usize,
    /// Values and the views that they depend on.
    registers: Vec<(u64, Moment)>,
    coherence: Vec<Moment>,
    forward: Vec<Forward>,
    /// Of reads and writes so far, and what later ones must not precede.
    read_old: Moment,
    write_old: Moment,
    read_new: Moment,
    write_new: Moment,
    /// Of branches and addresses.
    control: Moment,
    released: Moment,
    /// The moments of promises not yet kept.
    promises: BTreeSet<Moment>,
    /// Written beyond memory, while it is tried what could be promised.
    beyond: Vec<Write>,
}

pub struct Machine<'p> {
    program: &'p Dependent,
    /// Acquire loads are LDAPR, and do not wait for earlier release stores.
    weak_acquires: bool,
}

impl<'p> Machine<'p> {
    pub fn new(program: &'p Dependent, weak_acquires: bool) -> Self {
        Machine { program, weak_acquires }
    }

    /// All outcomes of the program.
    pub fn outcomes(&self) -> BTreeSet<String> {
        let threads = self.program.threads.len();
        let (mut all, mut seen, mut open) = (BTreeSet::new(), HashSet::new(), vec![Vec::new()]);
        while let Some(memory) = open.pop() {
            let ends: Vec<BTreeSet<Vec<u64>>> = (0..threads).map(|thread| self.ends(&memory, thread)).collect();
            let mut reads: Vec<Vec<Vec<u64>>> = vec![Vec::new()];
            for ends in &ends {
                let longer = |so_far: &Vec<Vec<u64>>| {
                    let so_far = so_far.clone();
                    ends.iter().map(move |end| so_far.iter().chain([end]).cloned().collect()).collect::<Vec<_>>()
                };
                reads = reads.iter().flat_map(longer).collect();
            }
            let mut finals = vec![0; self.program.locations()];
            memory.iter().for_each(|write: &Write| finals[write.location] = write.value);
            all.extend(reads.iter().map(|reads| outcome(reads, &finals)));
            for thread in 0..threads {
                for write in self.promisable(&memory, thread) {
                    let mut longer = memory.clone();
                    longer.push(write);
                    if self.keeps(&longer, thread) && seen.insert(longer.clone()) {
                        open.push(longer);
                    }
                }
            }
        }
        all
    }

    fn start(&self, memory: &[Write], thread: usize) -> Thread {
        let locations = self.program.locations();
        let own = memory.iter().enumerate().filter(|(_, write)| write.thread == thread);
        Thread {
            next: 0,
            registers: vec![(0, 0); self.program.registers(thread)],
            coherence: vec![0; locations],
            forward: vec![Forward::default(); locations],
            read_old: 0,
            write_old: 0,
            read_new: 0,
            write_new: 0,
            control: 0,
            released: 0,
            promises: own.map(|(index, _)| index + 1).collect(),
            beyond: Vec::new(),
        }
    }

    /// Runs a thread alone in all ways. `fresh`: it may also write what is not promised.
    fn alone(&self, memory: &[Write], thread: usize, fresh: bool, mut look: impl FnMut(&Thread, Option<Write>)) {
        let (mut seen, mut open) = (HashSet::new(), vec![self.start(memory, thread)]);
        look(&open[0], None);
        while let Some(state) = open.pop() {
            for (after, promisable) in self.step(memory, &state, thread, fresh) {
                look(&after, promisable);
                if seen.insert(after.clone()) {
                    open.push(after);
                }
            }
        }
    }

    fn ends(&self, memory: &[Write], thread: usize) -> BTreeSet<Vec<u64>> {
        let (mut ends, length) = (BTreeSet::new(), self.program.threads[thread].len());
        self.alone(memory, thread, false, |state, _| {
            if state.next >= length && state.promises.is_empty() {
                ends.insert(state.registers.iter().map(|register| register.0).collect());
            }
        });
        ends
    }

    fn promisable(&self, memory: &[Write], thread: usize) -> HashSet<Write> {
        let mut found = HashSet::new();
        self.alone(memory, thread, true, |_, write| found.extend(write));
        found
    }

    fn keeps(&self, memory: &[Write], thread: usize) -> bool {
        let mut kept = false;
        self.alone(memory, thread, true, |state, _| kept |= state.promises.is_empty());
        kept
    }

    /// One step in all ways, each with the write that could be promised at the end of memory to come to it.
    fn step(&self, memory: &[Write], from: &Thread, thread: usize, fresh: bool) -> Vec<(Thread, Option<Write>)> {
        let Some(&step) = self.program.threads[thread].get(from.next) else { return Vec::new() };
        let mut state = from.clone();
        state.next += 1;
        let of = |state: &Thread, value| match value {
            Value::Just(value) => (value, 0),
            Value::Register(register) => state.registers[register],
        };
        match step {
            Step::Load(register, x, order) => {
                let strong = order.acquires() && !self.weak_acquires;
                let reads = read(memory, &state, x, order.acquires(), strong);
                reads.into_iter().map(|(after, value, view, _)| (after.holding(register, value, view), None)).collect()
            }
            Step::Store(x, value, order) => {
                let (value, view) = of(&state, value);
                let write = Write { thread, location: x, value };
                self.write(memory, &state, write, view, view, order.releases(), None, fresh)
            }
            Step::Update(register, x, update, operand, order) => {
                let (operand, view) = of(&state, operand);
                let mut all = Vec::new();
                for (after, old, old_view, source) in read(memory, &state, x, order.acquires(), order.acquires()) {
                    let (value, forwarded) = match update {
                        Update::Swap => (operand, view),
                        Update::Add => (old + operand, view.max(old_view)),
                        Update::Or => (old | operand, view.max(old_view)),
                    };
                    let write = Write { thread, location: x, value };
                    let after = after.holding(register, old, old_view);
                    let pair = Some((source, old_view, order.acquires()));
                    all.extend(self.write(memory, &after, write, view, forwarded, order.releases(), pair, fresh));
                }
                all
            }
            Step::Exchange(register, x, current, new, order) => {
                let (value, view) = of(&state, new);
                let mut all = Vec::new();
                for (after, old, old_view, source) in read(memory, &state, x, order.acquires(), order.acquires()) {
                    let after = after.holding(register, old, old_view);
                    if old == current {
                        let write = Write { thread, location: x, value };
                        let pair = Some((source, old_view, order.acquires()));
                        all.extend(self.write(memory, &after, write, view, view, order.releases(), pair, fresh));
                    } else {
                        all.push((after, None));
                    }
                }
                all
            }
            Step::Fence(order) => {
                let before = if order.releases() { state.read_old.max(state.write_old) } else { state.read_old };
                if order != Order::Relaxed {
                    state.read_new = state.read_new.max(before);
                    state.write_new = state.write_new.max(before);
                }
                vec![(state, None)]
            }
            Step::Skip { register, if_zero, steps } => {
                let (value, view) = state.registers[register];
                state.control = state.control.max(view);
                state.next += if (value == 0) == if_zero { steps } else { 0 };
                vec![(state, None)]
            }
        }
    }

    /// A write with its data's view; `forwarded` is what a read of it by its own thread depends on. Of a read-modify-write,
    /// `pair` has what was read, its view, and whether that was acquired.
    #[expect(clippy::too_many_arguments, reason = "the operands of one instruction")]
    fn write(
        &self,
        memory: &[Write],
        state: &Thread,
        write: Write,
        data: Moment,
        forwarded: Moment,
        release: bool,
        pair: Option<(Moment, Moment, bool)>,
        fresh: bool,
    ) -> Vec<(Thread, Option<Write>)> {
        let x = write.location;
        let mut before = data.max(state.control).max(state.write_new);
        if release {
            before = before.max(state.read_old).max(state.write_old);
        }
        if let Some((_, view, _)) = pair {
            before = before.max(view);
        }
        let before = before.max(state.coherence[x]);
        // Nobody else comes between the two halves of a read-modify-write.
        let whole = |until: Moment| pair.is_none_or(|(source, ..)| is_last(memory, state, x, source, until - 1));
        let done = |mut after: Thread, at: Moment| {
            after.coherence[x] = at;
            after.write_old = after.write_old.max(at);
            if release {
                after.released = after.released.max(at);
            }
            after.forward[x] = Forward { at, view: forwarded, exclusive: pair.is_some() };
            if release && pair.is_some_and(|(_, _, acquired)| acquired) {
                after.read_new = after.read_new.max(at);
                after.write_new = after.write_new.max(at);
            }
            after
        };
        let mut all = Vec::new();
        for &at in state.promises.iter().filter(|&&at| before < at && memory[at - 1] == write && whole(at)) {
            let mut after = state.clone();
            after.promises.remove(&at);
            all.push((done(after, at), None));
        }
        if fresh {
            let end = memory.len() + 1;
            let at = memory.len() + state.beyond.len() + 1;
            if whole(at) {
                let mut after = state.clone();
                after.beyond.push(write);
                let source = pair.map_or(0, |(source, ..)| source);
                let promisable = before < end && source < end && whole(end);
                all.push((done(after, at), promisable.then_some(write)));
            }
        }
        all
    }
}

impl Thread {
    fn holding(mut self, register: usize, value: u64, view: Moment) -> Thread {
        self.registers[register] = (value, view);
        self
    }
}

fn at<'a>(memory: &'a [Write], state: &'a Thread, moment: Moment) -> &'a Write {
    memory.get(moment - 1).unwrap_or_else(|| &state.beyond[moment - 1 - memory.len()])
}

/// Whether no write to the location comes after `from`, up to `until`.
fn is_last(memory: &[Write], state: &Thread, location: usize, from: Moment, until: Moment) -> bool {
    (from + 1..=until).all(|moment| at(memory, state, moment).location != location)
}

/// A read in all ways: the thread after it, the value and its view, and the moment of the write.
fn read(
    memory: &[Write],
    state: &Thread,
    x: usize,
    acquire: bool,
    waits_for_releases: bool,
) -> Vec<(Thread, u64, Moment, Moment)> {
    let before = state.read_new.max(if waits_for_releases { state.released } else { 0 });
    let mut all = Vec::new();
    for moment in 0..=memory.len() + state.beyond.len() {
        let value = match moment {
            0 => 0,
            _ if at(memory, state, moment).location == x => at(memory, state, moment).value,
            _ => continue,
        };
        if !is_last(memory, state, x, moment, before.max(state.coherence[x])) {
            continue;
        }
        let forward = state.forward[x];
        let forwards = forward.at == moment && !(forward.exclusive && acquire);
        let view = before.max(if forwards { forward.view } else { moment });
        let mut after = state.clone();
        after.coherence[x] = after.coherence[x].max(view);
        after.read_old = after.read_old.max(view);
        if acquire {
            after.read_new = after.read_new.max(view);
            after.write_new = after.write_new.max(view);
        }
        all.push((after, value, view, moment));
    }
    all
}
