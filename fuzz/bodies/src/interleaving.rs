//! Schedules: each byte decides which thread of a model steps next.
//!
//! The models are those of `cargo verify`, the code in them is the protocol that ships, the machine is the shuttle engine's
//! with its clocks for the orderings; only the choices are the fuzzer's. What is new about a schedule is told to it as
//! features: which step of one thread came right after which step of another, and which write each read read from.

use crate::{Target, decode_and_run, features};
use arbitrary::{Arbitrary, Unstructured};
use iobring_models::actors::Style;
use iobring_models::scenarios::death::Death as DeathScenario;
use iobring_models::scenarios::full::{Full, GivingBack};
use iobring_models::scenarios::mediator::Mediator;
use iobring_models::scenarios::peer::PeerClosed;
use iobring_models::scenarios::polling::Polling;
use iobring_models::scenarios::waiting::Waiting;
use iobring_oracle::machine::Reached;
use weakest::draw::text::draw;
use weakest::engine::shuttle::steer;
use weakest::run::{Changes, Death, Run, Verdict};
use weakest::trace::{Action, Event};

/// The target.
pub const TARGET: Target = Target {
    name: "interleaving",
    run: |bytes| decode_and_run::<Input<'_>>(bytes, run),
    reaches: &[
        "HEAD_RECHECK",
        "INTEREST_TAKE",
        "LOCK_HANDOVER",
        "LOCK_SLEEP",
        "LOCK_TAKE_MARKED",
        "LOCK_WAKE",
        "PEER_LOOK",
        "READER_SLEEP",
        "ROOM_TAKE",
        "a writer died",
        "a writer died with the lock",
        "read from another thread",
    ],
};

/// How many writers, and how many messages each.
const WRITERS: u64 = 3;

/// More steps than a mortal writer takes: death comes at any of them or not at all.
const STEPS: u8 = 64;

#[derive(Arbitrary)]
struct Input<'a> {
    model: Model,
    decisions: Decisions<'a>,
}

/// Whatever is left of the input.
struct Decisions<'a>(&'a [u8]);

impl<'a> Arbitrary<'a> for Decisions<'a> {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        input.bytes(input.len()).map(Decisions)
    }
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, scheduled by {} bytes", self.model, self.decisions.0.len())
    }
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Model {
    Waiting { bell: bool },
    Polling,
    Full,
    Mediator,
    PeerClosed,
    Death { bell: bool, writer: u8, step: u8 },
}

fn style(bell: bool) -> Style {
    if bell { Style::Bell } else { Style::Blocking }
}

fn run(input: &Input<'_>) -> Reached {
    let decisions = input.decisions.0;
    let alive = Changes::default();
    let (run, events) = match input.model {
        Model::Waiting { bell } => {
            steer(&Waiting { writers: WRITERS, messages: WRITERS, style: style(bell), biased: true }, alive, decisions)
        }
        Model::Polling => steer(&Polling { writers: WRITERS, messages: WRITERS, biased: true }, alive, decisions),
        Model::Full => steer(&Full { by: GivingBack::Cursor }, alive, decisions),
        Model::Mediator => steer(&Mediator, alive, decisions),
        Model::PeerClosed => steer(&PeerClosed, alive, decisions),
        Model::Death { bell, writer, step } => {
            let death = Death { thread: usize::from(writer) % WRITERS as usize, step: usize::from(step % STEPS) };
            let deadly = Changes { death: Some(death), ..alive };
            steer(
                &DeathScenario { mortals: WRITERS, messages: 1, style: style(bell), biased: false },
                deadly,
                decisions,
            )
        }
    };
    judge(&run);
    notice(&run.scenario, &events)
}

fn judge(run: &Run) {
    match &run.verdict {
        Verdict::Pass => {}
        Verdict::Fail(trace) => panic!("{}:\n\n{}", run.scenario, draw(trace, Default::default())),
        other => panic!("{}: {other:?}", run.scenario),
    }
}

/// Tells the fuzzer, and whoever asks for what was reached, what is special about this schedule.
fn notice(scenario: &str, events: &[Event]) -> Reached {
    let mut reached = Reached::new();
    let mut last_read: Vec<u64> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        reached.extend(event.site.map(|site| site.name));
        match &event.action {
            Action::Died => drop(reached.insert("a writer died")),
            Action::CleanedUp { what } if what.starts_with("lock taken") => {
                reached.insert("a writer died with the lock");
            }
            _ => {}
        }
        if let Some(before) = index.checked_sub(1).map(|before| &events[before]).filter(|b| b.thread != event.thread) {
            features::saw(&["switch", scenario, name(before), name(event)]);
        }
        if let Some(write) = source(&event.action).map(|from| &events[from]) {
            let own = write.thread == event.thread;
            let whose = if own { "own" } else { "another's" };
            if !own {
                reached.insert("read from another thread");
            }
            let read = features::saw(&["read", scenario, name(write), whose, name(event)]);
            last_read.resize(last_read.len().max(event.thread + 1), 0);
            let previous = std::mem::replace(&mut last_read[event.thread], read);
            features::saw_in_turn(previous, read);
        }
    }
    reached
}

fn name(event: &Event) -> &'static str {
    event.site.map_or("-", |site| site.name)
}

/// The event whose write this one read.
fn source(action: &Action) -> Option<usize> {
    match *action {
        Action::Read { from, .. } | Action::Updated { from, .. } | Action::Refused { from, .. } => from,
        Action::Awoke { by } => by,
        _ => None,
    }
}
