//! What is run: which engine explores which situation, how far, at each level of patience.
//!
//! The numbers here are claims. A loom model states the least number of executions it has when nothing swallows
//! interleavings (measured once, asserted at every run), and a bound on preemptions wherever loom does not end without one.

use crate::actors::Style::{self, Bell, Blocking};
use crate::scenarios::abandoned::Abandoned;
use crate::scenarios::accounts::{Accounts, Inherited};
use crate::scenarios::batch::Batch;
use crate::scenarios::by_hand::ByHand;
use crate::scenarios::by_two::ByTwo;
use crate::scenarios::cancelled::Cancelled;
use crate::scenarios::closing::Closing;
use crate::scenarios::death::Death;
use crate::scenarios::edge::Edge;
use crate::scenarios::full::{Full, GivingBack};
use crate::scenarios::in_place::InPlace;
use crate::scenarios::limited::Limited;
use crate::scenarios::mediated::{Bereaved, Marked, Mediated, Revoked, Together};
use crate::scenarios::mediator::Mediator;
use crate::scenarios::patient::{Beside, Patient};
use crate::scenarios::peer::PeerClosed;
use crate::scenarios::polling::Polling;
use crate::scenarios::repair::Repair;
use crate::scenarios::reserved::Reserved;
use crate::scenarios::restart::Restart;
use crate::scenarios::rung::Rung;
use crate::scenarios::stopped::Stopped;
use crate::scenarios::timed::Timed;
use crate::scenarios::waiting::Waiting;
use crate::scenarios::wishes::{Room, Wishes};
use crate::scenarios::wrapped::{Across, Wrapped};
use iobring::protocol::sites;
use std::collections::BTreeSet;
use weakest::Scenario;
use weakest::engine::loom::LoomOptions;
use weakest::engine::shuttle::{ShuttleOptions, Strategy};
use weakest::explorer::{ExplorerOptions, Memory, Often, Time};
use weakest::run::Run;
use weakest::suite::{Engine, Entry};

/// How patient a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Within a minute or so, on two cores.
    Quick,
    /// Within ten minutes.
    Default,
    /// As long as it takes.
    Full,
}

/// Every interleaving under loom, up to `bound` preemptions if one is given; at least `least` executions.
fn loom(scenario: impl Scenario, bound: Option<usize>, least: u64) -> Entry {
    let options = LoomOptions { preemption_bound: bound, least_executions: least, ..Default::default() };
    Entry::new(scenario, Engine::Loom(options))
}

/// Every state under the explorer, with up to so many deaths.
fn explore(scenario: impl Scenario, deaths: u8) -> Entry {
    explore_with(scenario, self::deaths(deaths))
}

/// The same with whatever options. One model per core, rather than one model on all of them.
fn explore_with(scenario: impl Scenario, options: ExplorerOptions) -> Entry {
    Entry::new(scenario, Engine::Explorer(ExplorerOptions { workers: 1, ..options }))
}

/// So many threads may die.
fn deaths(deaths: u8) -> ExplorerOptions {
    ExplorerOptions { deaths, ..Default::default() }
}

/// Waits may wake up for no reason, as often as they like.
fn restless() -> ExplorerOptions {
    ExplorerOptions { spurious_wakes: Often::Always, ..Default::default() }
}

/// Samples of schedules under shuttle, half of them random, half by probabilistic concurrency testing.
fn sample(scenario: impl Scenario + Copy, iterations: u64) -> [Entry; 2] {
    [Strategy::Random, Strategy::Pct { depth: 3 }].map(|strategy| {
        Entry::new(scenario, Engine::Shuttle(ShuttleOptions { iterations, strategy, ..Default::default() }))
    })
}

fn waiting(writers: u64, messages: u64, style: Style) -> Waiting {
    Waiting { writers, messages, style, biased: false }
}

fn polling(writers: u64, messages: u64) -> Polling {
    Polling { writers, messages, biased: false }
}

fn death(mortals: u64, style: Style) -> Death {
    Death { mortals, messages: 1, style, biased: false }
}

fn closing(style: Option<Style>, late: bool) -> Closing {
    Closing { style, late }
}

fn mediated(writers: u64, messages: u64, direct: bool) -> Mediated {
    Mediated { writers, messages, direct }
}

fn patient(beside: Beside) -> Patient {
    Patient { beside }
}

/// The models of a level.
pub fn models(level: Level) -> Vec<Entry> {
    let mut models = loom_models(level);
    models.extend(explorer_models(level));
    models.extend(on_memory(hardware_models(level), Memory::Hardware));
    if level >= Level::Default {
        // All of them: so nothing that is claimed of hardware needs a control dependency.
        models.extend(on_memory(hardware_models(level), Memory::HardwareStrict));
    }
    models.extend(shuttle_models(level));
    models
}

fn loom_models(level: Level) -> Vec<Entry> {
    let mut models = small_loom_models();
    models.extend([
        loom(polling(2, 1), Some(3), 1_248),
        loom(waiting(2, 1, Blocking), Some(2), 3_643),
        loom(waiting(2, 1, Bell), Some(2), 3_619),
    ]);
    if level >= Level::Default {
        models.extend([
            loom(Cancelled { then: Blocking }, None, 2_827),
            loom(Cancelled { then: Bell }, None, 9_238),
            loom(Repair, None, 9_043),
            loom(Reserved { gives_up: false }, Some(2), 62_802),
            loom(waiting(2, 1, Blocking), Some(3), 52_227),
            loom(waiting(2, 1, Bell), Some(3), 72_398),
        ]);
    }
    if level >= Level::Full {
        models.extend([
            loom(polling(2, 1), None, 10_000),
            loom(PeerClosed, Some(6), 10_000),
            loom(waiting(2, 1, Blocking), Some(4), 100_000),
        ]);
    }
    models
}

/// The loom models that take a second or less each.
fn small_loom_models() -> Vec<Entry> {
    vec![
        loom(polling(1, 1), None, 24),
        loom(polling(1, 2), None, 182),
        loom(Batch, None, 24),
        loom(InPlace, None, 24),
        loom(Full { by: GivingBack::Cursor }, None, 30),
        loom(Full { by: GivingBack::Amount }, None, 45),
        loom(Mediator, Some(3), 455),
        loom(Wishes { room: Room::Both }, Some(2), 5_216),
        loom(Reserved { gives_up: true }, Some(2), 7_966),
        loom(Wrapped { across: Across::Header }, None, 24),
        loom(Wrapped { across: Across::Message }, None, 24),
        loom(Edge, None, 66),
        loom(Accounts { together: true }, Some(3), 20),
        loom(waiting(1, 1, Blocking), None, 496),
        loom(waiting(1, 1, Bell), None, 800),
        loom(ByHand { style: Blocking }, None, 496),
        loom(ByHand { style: Bell }, None, 800),
        loom(Cancelled { then: Blocking }, Some(3), 174),
        loom(Cancelled { then: Bell }, Some(3), 281),
        loom(PeerClosed, Some(3), 1_109),
        loom(Repair, Some(3), 343),
        loom(mediated(1, 1, false), None, 3_477),
        loom(mediated(2, 1, false), Some(2), 6_981),
        loom(mediated(1, 1, true), Some(2), 10_294),
        loom(Together { unreadable: true }, None, 3_477),
        loom(Together { unreadable: false }, None, 3_477),
        loom(Revoked, None, 41),
        loom(closing(None, false), Some(2), 340),
        loom(closing(Some(Blocking), false), Some(2), 2_507),
        loom(Abandoned, None, 34),
    ]
}

/// The explorer's models of a lock that is biased, and take a moment.
fn small_biased_models() -> Vec<Entry> {
    vec![
        explore(Polling { biased: true, ..polling(1, 2) }, 1),
        explore(Waiting { biased: true, ..waiting(1, 1, Blocking) }, 0),
        explore(Waiting { biased: true, ..waiting(1, 1, Bell) }, 0),
        explore(Polling { biased: true, ..polling(2, 1) }, 2),
    ]
}

/// The larger ones.
fn biased_models(level: Level) -> Vec<Entry> {
    let dying = |style| Death { biased: true, messages: 2, ..death(1, style) };
    let mut models = vec![
        explore(Waiting { biased: true, ..waiting(1, 2, Blocking) }, 0),
        explore(Death { biased: true, ..death(1, Blocking) }, 1),
        explore(Death { biased: true, ..death(1, Bell) }, 1),
    ];
    if level >= Level::Default {
        models.extend([
            explore(Waiting { biased: true, ..waiting(1, 2, Bell) }, 0),
            explore(Waiting { biased: true, ..waiting(2, 1, Blocking) }, 0),
            explore(Polling { biased: true, ..polling(2, 2) }, 0),
            explore(dying(Blocking), 1),
            explore(dying(Bell), 1),
            explore(Polling { biased: true, ..polling(2, 2) }, 2),
        ]);
    }
    models
}

/// The explorer's models that take a moment on any memory.
fn small_explorer_models() -> Vec<Entry> {
    vec![
        explore(polling(1, 2), 1),
        explore(polling(2, 1), 2),
        explore(Batch, 1),
        explore(InPlace, 1),
        explore(Full { by: GivingBack::Cursor }, 1),
        explore(Full { by: GivingBack::Amount }, 1),
        explore(ByTwo, 0),
        explore(Mediator, 0),
        explore(Wishes { room: Room::One }, 0),
        explore(Wishes { room: Room::Both }, 0),
        explore(Wishes { room: Room::Repair }, 0),
        explore(Reserved { gives_up: true }, 1),
        explore(Wrapped { across: Across::Header }, 1),
        explore(Wrapped { across: Across::Message }, 1),
        explore(Edge, 0),
        explore(Accounts { together: false }, 2),
        explore(Accounts { together: true }, 2),
        explore(waiting(1, 1, Blocking), 0),
        explore(waiting(1, 1, Bell), 0),
        explore(waiting(1, 2, Blocking), 0),
        explore(waiting(1, 2, Bell), 0),
        explore(ByHand { style: Blocking }, 0),
        explore(ByHand { style: Bell }, 0),
        explore(Cancelled { then: Blocking }, 0),
        explore(Cancelled { then: Bell }, 0),
        explore(Rung, 0),
        explore(PeerClosed, 0),
        explore_with(Limited, ExplorerOptions { time: Time::PassesInIdleness, ..Default::default() }),
        explore(Repair, 1),
        explore(Restart { style: Blocking, messages: 1 }, 1),
        explore(Restart { style: Bell, messages: 1 }, 1),
        explore(mediated(1, 1, false), 0),
        explore(mediated(1, 2, false), 0),
        explore(Marked, 0),
        explore(Together { unreadable: true }, 0),
        explore(Together { unreadable: false }, 0),
        explore(Revoked, 0),
        explore(closing(None, false), 0),
        explore(closing(Some(Blocking), false), 0),
        explore(closing(None, true), 0),
        explore(Abandoned, 1),
    ]
    .into_iter()
    .chain(small_biased_models())
    .collect()
}

fn explorer_models(level: Level) -> Vec<Entry> {
    let mut models = small_explorer_models();
    models.extend(biased_models(level));
    models.extend([
        explore(Inherited, 2),
        explore(death(1, Blocking), 1),
        explore(death(1, Bell), 1),
        explore(Stopped, 1),
        // One death, which leaves the reader and another writer asleep: loom does not get that far with two preemptions. Or two, after
        // which the lock's word may be what it was.
        explore(death(2, Blocking), 2),
        explore(mediated(1, 1, true), 0),
        explore(Bereaved, 1),
        explore(closing(Some(Bell), false), 0),
        explore(closing(None, false), 1),
    ]);
    if level >= Level::Default {
        models.extend([
            explore(waiting(2, 1, Blocking), 0),
            explore(waiting(2, 1, Bell), 0),
            explore(waiting(1, 4, Blocking), 0),
            explore(waiting(2, 2, Blocking), 0),
            explore(waiting(3, 1, Blocking), 0),
            explore_with(waiting(1, 4, Blocking), restless()),
            explore_with(waiting(2, 1, Blocking), restless()),
            explore_with(Timed { style: Blocking, messages: 2 }, restless()),
            explore(Restart { style: Blocking, messages: 2 }, 1),
            explore(mediated(2, 1, false), 0),
        ]);
    }
    if level >= Level::Full {
        models.push(explore(death(2, Bell), 2));
    }
    models
}

/// The explorer's models on what ARMv8 and RISC-V do, but those that take too long there.
fn hardware_models(level: Level) -> Vec<Entry> {
    let mut models = small_explorer_models();
    if level >= Level::Default {
        models.extend([
            explore(Inherited, 2),
            explore(death(1, Blocking), 1),
            explore(death(1, Bell), 1),
            explore(Restart { style: Blocking, messages: 2 }, 1),
            explore(waiting(1, 4, Blocking), 0),
            explore(waiting(1, 3, Bell), 0),
            explore(waiting(1, 4, Bell), 0),
            explore(waiting(2, 1, Blocking), 0),
            explore(waiting(2, 1, Bell), 0),
            explore(mediated(1, 1, true), 0),
            explore(mediated(2, 1, false), 0),
            explore(Bereaved, 1),
        ]);
    }
    if level >= Level::Full {
        models.extend([explore(waiting(3, 1, Blocking), 0), explore(death(2, Blocking), 1)]);
    }
    models
}

/// Who chases what only hardware shows: INTEREST_NEXT, performed before the reader has taken its bell.
fn hardware_killers() -> Vec<Entry> {
    on_memory(vec![explore(Rung, 0)], Memory::HardwareStrict)
}

fn shuttle_models(level: Level) -> Vec<Entry> {
    let iterations = match level {
        Level::Quick => 300,
        Level::Default => 3_000,
        Level::Full => 100_000,
    };
    let mut models = Vec::new();
    for style in [Blocking, Bell] {
        models.extend(sample(waiting(4, 8, style), iterations));
        models.extend(sample(death(4, style), iterations));
        models.extend(sample(Restart { style, messages: 8 }, iterations));
    }
    models.extend(sample(polling(4, 8), iterations));
    models.extend(sample(PeerClosed, iterations));
    models.extend(sample(mediated(3, 4, true), iterations));
    models.extend(sample(Bereaved, iterations));
    models.extend(sample(Revoked, iterations));
    // Too large for the explorer as they are.
    for beside in [Beside::Nobody, Beside::Killed, Beside::Mortal] {
        models.extend(sample(patient(beside), iterations));
    }
    models.extend(sample(Mediator, iterations));
    models.extend(sample(Wishes { room: Room::Both }, iterations));
    models.extend(sample(Reserved { gives_up: false }, iterations));
    models.extend(sample(Accounts { together: true }, iterations));
    models
}

/// Who chases the mutants. The smallest models first, so that most mutants die at once and in a short execution: loom's of a few dozen
/// executions, the explorer's of a few hundred states, and then what takes a second.
pub fn killers() -> Vec<Entry> {
    let mut killers = vec![
        loom(polling(1, 1), None, 24),
        loom(Full { by: GivingBack::Cursor }, None, 30),
        loom(Full { by: GivingBack::Amount }, None, 45),
        loom(Accounts { together: true }, Some(3), 20),
        loom(closing(None, false), Some(2), 340),
    ];
    killers.extend(small_explorer_killers());
    killers.extend(hardware_killers());
    killers.extend([explore(mediated(1, 1, true), 0), explore(waiting(2, 1, Blocking), 0)]);
    killers.extend(small_loom_models());
    killers.push(explore(waiting(2, 1, Bell), 0));
    killers
}

/// The explorer's models that kill nearly every mutant, smallest first, so that it dies soon.
fn small_explorer_killers() -> Vec<Entry> {
    vec![
        explore(polling(1, 1), 0),
        explore(Full { by: GivingBack::Cursor }, 0),
        explore(Full { by: GivingBack::Amount }, 0),
        explore(waiting(1, 1, Blocking), 0),
        explore(waiting(1, 1, Bell), 0),
        explore(ByHand { style: Blocking }, 0),
        explore(ByHand { style: Bell }, 0),
        explore(Mediator, 0),
        explore(Wishes { room: Room::One }, 0),
        explore(Wishes { room: Room::Both }, 0),
        explore(Wishes { room: Room::Repair }, 0),
        explore(polling(2, 1), 0),
        explore(PeerClosed, 0),
        explore(closing(None, false), 0),
        explore(mediated(1, 1, false), 0),
        explore(Marked, 0),
        explore(Waiting { biased: true, ..waiting(1, 1, Blocking) }, 0),
        explore(Waiting { biased: true, ..waiting(1, 1, Bell) }, 0),
        explore(Polling { biased: true, ..polling(2, 1) }, 0),
    ]
}

/// Who chases the mutants by the explorer alone.
pub fn explorer_killers() -> Vec<Entry> {
    let mut killers = small_explorer_killers();
    killers.extend(hardware_killers());
    killers.push(explore(mediated(1, 1, true), 0));
    for style in [Blocking, Bell] {
        killers.push(explore(waiting(2, 1, style), 0));
    }
    killers
}

/// Who chases the mutants where no read is stale: most survive there, so that each of these is run for each of them.
pub fn interleaved_killers() -> Vec<Entry> {
    on_memory(small_explorer_killers(), Memory::Interleaved)
}

/// The memories that are asked which orderings they need: where reads may be stale.
pub const JUDGES: [Memory; 3] = [Memory::ReleaseAcquire, Memory::Hardware, Memory::HardwareStrict];

/// The explorer's models of a level, all on one memory.
pub fn of_memory(level: Level, memory: Memory) -> Vec<Entry> {
    match memory {
        Memory::Hardware | Memory::HardwareStrict => on_memory(hardware_models(level), memory),
        _ => on_memory(explorer_models(level), memory),
    }
}

/// Who chases a mutant by the explorer, on one memory.
pub fn memory_killers(memory: Memory) -> Vec<Entry> {
    let killers = match memory {
        // Three threads with a bell take too long there. What the small ones do not kill meets everything that takes a moment.
        Memory::Hardware | Memory::HardwareStrict => {
            let mut killers = small_explorer_killers();
            killers.extend(small_explorer_models());
            killers.extend([explore(waiting(2, 1, Blocking), 0)]);
            killers
        }
        _ => explorer_killers(),
    };
    on_memory(killers, memory)
}

/// Those of the entries that run under the explorer, on another memory.
pub fn on_memory(entries: Vec<Entry>, memory: Memory) -> Vec<Entry> {
    let moved = |Entry { case, engine }| match engine {
        Engine::Explorer(options) => {
            Some(Entry { case, engine: Engine::Explorer(ExplorerOptions { memory, ..options }) })
        }
        _ => None,
    };
    entries.into_iter().filter_map(moved).collect()
}

/// The same by the engine that only samples, at a size that loom cannot reach. Most mutants survive, so that each of these is run for
/// each of them.
pub fn sampling_killers(level: Level) -> Vec<Entry> {
    let iterations = if level == Level::Quick { 50 } else { 200 };
    let mut killers = Vec::new();
    for style in [Blocking, Bell] {
        killers.extend(sample(waiting(4, 8, style), iterations));
    }
    killers.extend(sample(polling(4, 8), iterations));
    killers.extend(sample(Full { by: GivingBack::Cursor }, iterations));
    killers.extend(sample(Full { by: GivingBack::Amount }, iterations));
    killers.extend(sample(ByHand { style: Blocking }, iterations));
    killers.extend(sample(PeerClosed, iterations));
    killers.extend(sample(mediated(3, 4, true), iterations));
    killers
}

/// The sites that no model reaches, and why that is so.
pub const UNMODELLED: [(&str, &str); 0] = [];

/// The sites of the table that none of these runs has reached, apart from those that are [`UNMODELLED`].
pub fn unreached<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<&'static str> {
    let reached: BTreeSet<&str> = runs.into_iter().flat_map(|run| run.reached.iter().copied()).collect();
    let excused = |name: &str| UNMODELLED.iter().any(|(site, _)| *site == name);
    sites::ALL.iter().map(|site| site.name).filter(|name| !reached.contains(name) && !excused(name)).collect()
}

/// The situations in which a thread is killed at every step, under loom. (The explorer's models with deaths and shuttle's
/// do the same by themselves.)
pub fn sweeps(level: Level) -> Vec<Entry> {
    let mut sweeps = vec![
        loom(polling(1, 2), Some(2), 0),
        loom(Batch, Some(2), 0),
        loom(Full { by: GivingBack::Cursor }, Some(2), 0),
        loom(death(1, Blocking), Some(2), 0),
        loom(death(1, Bell), Some(2), 0),
        loom(Stopped, Some(2), 0),
        loom(Restart { style: Blocking, messages: 1 }, Some(2), 0),
        loom(Restart { style: Bell, messages: 1 }, Some(2), 0),
        loom(Repair, Some(1), 0),
        loom(Accounts { together: true }, Some(2), 0),
        loom(Inherited, Some(2), 0),
        loom(InPlace, Some(2), 0),
    ];
    if level >= Level::Default {
        sweeps.extend([
            loom(closing(Some(Blocking), false), Some(2), 0),
            // Long ones, of which the explorer's model with a death has the same at the quick level, without any bound.
            loom(Bereaved, Some(2), 0),
            loom(closing(None, false), Some(2), 0),
            loom(Reserved { gives_up: true }, Some(2), 0),
            loom(death(2, Blocking), Some(2), 0),
            loom(death(2, Bell), Some(2), 0),
        ]);
    }
    sweeps
}
