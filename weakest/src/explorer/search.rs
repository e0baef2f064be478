//! Breadth-first search over all states, in parallel where a level is large.

use super::faults::{Fault as Seeded, seeded};
use super::level::Level;
use super::livelock;
use super::machine::{Branch, Failure, Machine, World};
use super::operation::Location;
use super::replay::{self, Looked};
use super::state::{State, Status};
use super::tree::{Reader, Tree, lock};
use super::visited::{NOBODY, StateId, Visited};
use crate::run::Coverage;
use crate::scenario::{End, Outcomes, Program};
use crate::trace::{Event, Fault, Ignorance};
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use xxhash_rust::xxh3::xxh3_128;

/// States that one worker takes from a level at a time.
const CHUNK: usize = 256;
/// Levels smaller than this are not worth a second worker, and stay deterministic.
const LARGE: usize = 8 * CHUNK;
/// So many states more, and as many as before, after threads have touched what they were assumed not to touch.
const LOOKING_ON: u64 = 100;

/// What a search found.
pub(super) struct Found {
    pub(super) states: u64,
    pub(super) transitions: u64,
    /// Distinct final states.
    pub(super) executions: u64,
    pub(super) outcomes: BTreeSet<String>,
    /// The outcomes of executions in which nobody died.
    pub(super) unharmed: BTreeSet<String>,
    pub(super) coverage: Coverage,
    pub(super) failure: Option<(Failure, Story)>,
    /// The sites before which threads were killed.
    pub(super) killed_before: BTreeSet<&'static str>,
    /// Encoded size of all states, in bytes.
    pub(super) bytes: u64,
    pub(super) levels: u64,
    pub(super) largest_level: u64,
}

impl Found {
    /// Nothing yet.
    pub(super) fn nothing(coverage: Coverage) -> Self {
        Found {
            states: 0,
            transitions: 0,
            executions: 0,
            outcomes: BTreeSet::new(),
            unharmed: BTreeSet::new(),
            coverage,
            failure: None,
            killed_before: BTreeSet::new(),
            bytes: 0,
            levels: 0,
            largest_level: 0,
        }
    }
}

/// The way to a failure.
pub(super) struct Story {
    pub(super) events: Vec<Event>,
    pub(super) ignorance: Vec<Ignorance>,
}

/// How a search ended.
pub(super) enum Ending {
    /// With a result.
    Found(Box<Found>),
    /// The threads do what they were assumed not to do: start again, assuming more.
    Surprised,
}

/// A failure, and where it happened.
struct Hit {
    /// Index in the level.
    index: usize,
    state: StateId,
    /// The failing branch, unless the state itself fails.
    branch: Option<u16>,
    failure: Failure,
}

/// What one worker brings back from a level.
#[derive(Default)]
struct Harvest {
    next: Level,
    transitions: u64,
    outcomes: BTreeSet<String>,
    unharmed: BTreeSet<String>,
    terminals: Vec<StateId>,
    /// Dependable steps to states met before.
    edges: Vec<(StateId, StateId)>,
    /// The state at hand, encoded.
    encoded: Vec<u8>,
    /// The new states in which somebody has promises to keep.
    promising: Vec<StateId>,
    hit: Option<Hit>,
}

pub(super) struct Search<'s, 'p> {
    pub(super) world: &'s World<'s>,
    pub(super) program: &'p Program,
    pub(super) tree: &'s Mutex<Tree<'p>>,
    /// The outcomes allowed when nobody dies.
    pub(super) allowed: &'s Outcomes,
    visited: Visited,
}

/// A search that was stopped.
fn cut(mut found: Found, reason: String) -> Ending {
    found.coverage = Coverage::Cut(reason);
    Ending::Found(Box::new(found))
}

impl<'s, 'p> Search<'s, 'p> {
    pub(super) fn new(
        world: &'s World<'s>,
        program: &'p Program,
        tree: &'s Mutex<Tree<'p>>,
        allowed: &'s Outcomes,
    ) -> Self {
        Search { world, program, tree, allowed, visited: Visited::none(world.options.workers) }
    }

    /// Searches to the end.
    pub(super) fn run(&self) -> Ending {
        match self.world.sizes.slots() {
            0..=16 => self.go::<16>(),
            17..=32 => self.go::<32>(),
            33..=64 => self.go::<64>(),
            _ => self.go::<128>(),
        }
    }

    fn go<const N: usize>(&self) -> Ending {
        match self.world.options.samples {
            Some(executions) => self.sample::<N>(executions),
            None => self.search::<N>(),
        }
    }

    fn search<const N: usize>(&self) -> Ending {
        let options = self.world.options;
        let workers = options.workers.max(1);
        let mut machines: Vec<Machine<'_, '_, '_, N>> =
            (0..workers).map(|_| Machine::new(self.world, Reader::new(self.tree))).collect();
        let mut found = Found::nothing(Coverage::Exhausted);
        let (mut terminals, mut edges, mut promising) = (Vec::new(), Vec::new(), FxHashSet::default());
        lock(self.tree).enter_level(0);
        let mut first = Harvest::default();
        let starts = machines[0].start();
        self.take(&mut machines[0], NOBODY, 0, starts, &mut first);
        let mut harvests = vec![first];
        // Nothing that is found from then on counts, nor more states than this.
        let mut surprised: Option<u64> = None;
        loop {
            let mut level = Level::default();
            let mut hit: Option<Hit> = None;
            for harvest in harvests.drain(..) {
                level.append(harvest.next);
                found.transitions += harvest.transitions;
                found.outcomes.extend(harvest.outcomes);
                found.unharmed.extend(harvest.unharmed);
                terminals.extend(harvest.terminals);
                edges.push(harvest.edges);
                promising.extend(harvest.promising);
                if let Some(new) = harvest.hit
                    && hit.as_ref().is_none_or(|old| new.index < old.index)
                {
                    hit = Some(new);
                }
            }
            for machine in &mut machines {
                found.killed_before.append(&mut machine.killed_before);
            }
            found.states = self.visited.count();
            if surprised.is_none() && self.world.touched != lock(self.tree).touched {
                // What else the threads touch is looked for a little longer: each search that is begun again costs as much.
                surprised = Some(2 * found.states + LOOKING_ON);
            }
            found.executions = terminals.len() as u64;
            found.bytes += level.size() as u64;
            found.largest_level = found.largest_level.max(level.states.len() as u64);
            if let Some(progress) = &options.progress {
                progress.states.store(found.states, Ordering::Relaxed);
                progress.frontier.store(level.states.len() as u64, Ordering::Relaxed);
            }
            if let Some(most) = surprised {
                let over = hit.is_some() || level.states.is_empty() || self.stopped().is_some();
                if over || found.states >= most || machines.iter().any(|machine| machine.overflow.is_some()) {
                    return Ending::Surprised;
                }
            }
            if let Some(hit) = hit {
                let story = self.replay::<N>(hit.state, hit.branch);
                found.failure = Some((hit.failure, story));
                // What was not looked at behind the failure is no part of the claim.
                found.coverage = Coverage::Cut("a failure was found".into());
                return Ending::Found(Box::new(found));
            }
            if let Some(reason) = machines.iter_mut().find_map(|machine| machine.overflow.take()).or(self.stopped()) {
                return cut(found, reason);
            }
            if level.states.is_empty() {
                break;
            }
            found.levels += 1;
            lock(self.tree).enter_level(found.levels as u32);
            for machine in &mut machines {
                machine.enter_level(found.levels as u32);
            }
            let workers = if level.states.len() < LARGE { 1 } else { workers };
            harvests = self.expand_level(&level, &mut machines[..workers]);
            if let Some(reason) = self.stopped() {
                return if surprised.is_some() { Ending::Surprised } else { cut(found, reason) };
            }
        }
        if lock(self.tree).loops
            && options.liveness
            && !seeded(Seeded::LivelocksAreMissed)
            && let Some(stuck) = livelock::find(&self.visited, &terminals, &promising, edges)
        {
            let message = "from here on no execution ever ends, whatever anybody does".to_string();
            let failure = Failure { fault: Fault::Livelock, message };
            found.failure = Some((failure, self.replay::<N>(stuck, None)));
        }
        Ending::Found(Box::new(found))
    }

    /// Why the search should stop now, if it should.
    pub(super) fn stopped(&self) -> Option<String> {
        let options = self.world.options;
        let states = self.visited.count();
        if options.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Some(format!("stopped by hand after {states} states"));
        }
        options.max_states.filter(|&limit| states >= limit).map(|limit| format!("stopped at {limit} states"))
    }

    fn expand_level<const N: usize>(&self, level: &Level, machines: &mut [Machine<'_, '_, '_, N>]) -> Vec<Harvest> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = |machine: &mut Machine<'_, '_, '_, N>| {
            let mut harvest = Harvest::default();
            loop {
                let start = next.fetch_add(CHUNK, Ordering::Relaxed);
                if start >= level.states.len() || failed.load(Ordering::Relaxed) || self.stopped().is_some() {
                    return harvest;
                }
                for index in start..(start + CHUNK).min(level.states.len()) {
                    let id = level.get(index, &mut harvest.encoded);
                    let state = State::decode(self.world.sizes, &harvest.encoded);
                    if state.threads.iter().all(|thread| thread.status == Status::Ended) {
                        continue;
                    }
                    let from = Branch::at(state);
                    let branches = machine.expand(&from);
                    let state = &from.state;
                    let stuck = !branches.iter().any(|branch| branch.dependable);
                    // Promises that cannot be kept any more say nothing.
                    if stuck
                        && (state.promisers == 0 || seeded(Seeded::StuckPromisesFail))
                        && machine.overflow.is_none()
                    {
                        let failure = Failure { fault: Fault::Deadlock, message: machine.stuck(state) };
                        harvest.hit.get_or_insert(Hit { index, state: id, branch: None, failure });
                    }
                    self.take(machine, id, index, branches, &mut harvest);
                    if harvest.hit.is_some() {
                        failed.store(true, Ordering::Relaxed);
                        return harvest;
                    }
                }
            }
        };
        match machines {
            [machine] => vec![work(machine)],
            machines => std::thread::scope(|scope| {
                let workers: Vec<_> = machines.iter_mut().map(|machine| scope.spawn(|| work(machine))).collect();
                workers.into_iter().map(|worker| worker.join().expect("a worker's own bug")).collect()
            }),
        }
    }

    /// Takes in the branches of one state.
    fn take<const N: usize>(
        &self,
        machine: &mut Machine<'_, '_, '_, N>,
        from: StateId,
        index: usize,
        branches: Vec<Branch<N>>,
        harvest: &mut Harvest,
    ) {
        for (ordinal, branch) in branches.into_iter().enumerate() {
            let ordinal = ordinal as u16;
            harvest.transitions += 1;
            let mut failed = |failure| {
                harvest.hit.get_or_insert(Hit { index, state: from, branch: Some(ordinal), failure });
            };
            if let Some(failure) = branch.failure {
                failed(failure);
                continue;
            }
            let over = branch.state.threads.iter().all(|thread| thread.status == Status::Ended);
            harvest.encoded.clear();
            let identity = branch.state.encode(self.world.sizes, &mut harvest.encoded);
            let key = xxh3_128(&harvest.encoded[..identity]);
            let (id, new) = self.visited.enter(key, from, ordinal, branch.dependable);
            if !new {
                // The step to a new state is known by that state.
                let counts = branch.dependable && self.world.options.liveness && from != NOBODY;
                if counts && !seeded(Seeded::OtherStepsAreForgotten) {
                    harvest.edges.push((from, id));
                }
                continue;
            }
            harvest.next.push(id, &harvest.encoded);
            if branch.state.promisers != 0 {
                harvest.promising.push(id);
            }
            if over {
                harvest.terminals.push(id);
                match self.outcome(machine, &branch.state).0 {
                    Ok((outcome, died)) => {
                        if let Some(failure) = self.unstated(&outcome, died) {
                            harvest.hit.get_or_insert(Hit { index, state: id, branch: None, failure });
                        }
                        if !died {
                            harvest.unharmed.insert(outcome.clone());
                        }
                        harvest.outcomes.insert(outcome);
                    }
                    Err(message) => {
                        let failure = Failure { fault: Fault::Assertion, message };
                        harvest.hit.get_or_insert(Hit { index, state: id, branch: None, failure });
                    }
                }
            }
        }
    }

    /// What is wrong with an outcome, where the scenario states all that there are if nobody dies.
    pub(super) fn unstated(&self, outcome: &str, died: bool) -> Option<Failure> {
        let Outcomes::Exactly(allowed) = self.allowed else { return None };
        (!died && !allowed.contains(outcome)).then(|| Failure {
            fault: Fault::Outcome,
            message: format!("the outcome “{outcome}” is not among those that the scenario states"),
        })
    }

    /// The outcome of a final state, and whether somebody died on the way.
    pub(super) fn outcome<const N: usize>(
        &self,
        machine: &Machine<'_, '_, '_, N>,
        state: &State<N>,
    ) -> (Result<(String, bool), String>, Vec<Looked>) {
        let ends: Vec<End> = state
            .threads
            .iter()
            .map(|thread| match thread.killed {
                true => End::Died { after: thread.after as usize },
                false => End::Returned(machine.tree.notes(thread.node)),
            })
            .collect();
        let mut objects = self.world.objects.clone();
        state.show(&mut objects);
        let (outcome, looked) = replay::finish(objects, || (self.program.finish)(&ends));
        (outcome.map(|outcome| (outcome, ends.iter().any(End::died))), looked)
    }

    /// Goes the way to a state (and its given branch) again, recording what happens.
    fn replay<const N: usize>(&self, state: StateId, branch: Option<u16>) -> Story {
        let mut machine: Machine<'_, '_, '_, N> = Machine::new(self.world, Reader::new(self.tree));
        machine.recording = Some(0);
        let mut events = Vec::new();
        let mut now: Option<Branch<N>> = None;
        for (level, ordinal) in (0..).zip(self.visited.path(state).into_iter().chain(branch)) {
            machine.enter_level(level);
            let mut branches = match &now {
                None => machine.start(),
                Some(from) => machine.expand(from),
            };
            let taken = branches.swap_remove(ordinal as usize);
            events.extend(taken.events);
            machine.recording = Some(events.len());
            now = Some(Branch::at(taken.state));
        }
        let now = now.map(|branch| branch.state);
        if let Some(state) = now.as_ref().filter(|state| state.threads.iter().all(|t| t.status == Status::Ended)) {
            let (_, looked) = self.outcome(&machine, state);
            events.extend(looked.into_iter().map(|looked| machine.looked(looked)));
        }
        let ignorance = now.map_or_else(Vec::new, |state| self.ignorance(&state));
        Story { events, ignorance }
    }

    /// What threads do not know of in a state.
    fn ignorance<const N: usize>(&self, state: &State<N>) -> Vec<Ignorance> {
        let living = (0..state.threads.len()).filter(|&thread| state.threads[thread].status != Status::Ended);
        let of = |thread: usize| {
            let unknown = move |(location, object): (usize, &Location)| {
                let known = state.threads[thread].view.0[location] as usize;
                let readable: Vec<u64> = state.of(location)[known..].iter().map(|message| message.value).collect();
                (readable.len() > 1).then(|| Ignorance { thread, object: object.label.clone(), readable })
            };
            self.world.objects.locations.iter().enumerate().filter_map(unknown)
        };
        living.flat_map(of).collect()
    }
}
