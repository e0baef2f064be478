//! Events in words, for any picture.

use crate::facade::Operation;
use crate::trace::{Action, Event, Fault, Trace};

/// What an event did, without its site and ordering: `head ← 16`, `flag → 0 (stale)`.
pub fn action(event: &Event) -> String {
    let object = &event.object;
    match &event.action {
        Action::Read { value, stale: false, .. } => format!("{object} → {}", number(*value)),
        Action::Read { value, stale: true, .. } => format!("{object} → {} (stale)", number(*value)),
        Action::Wrote { value } => format!("{object} ← {}", number(*value)),
        Action::Updated { read, wrote, .. } => format!("{object}: {} ⇒ {}", number(*read), number(*wrote)),
        Action::Refused { found, expected, .. } => {
            format!("{object} → {}, not {}", number(*found), number(*expected))
        }
        Action::Fenced => "fence".into(),
        Action::Slept { expected } => format!("sleeps while {object} = {}", number(*expected)),
        Action::DidNotSleep { expected, found } => {
            format!("does not sleep: {object} = {}, not {}", number(*found), number(*expected))
        }
        Action::Awoke { by: Some(by) } => format!("awake, by #{by}"),
        Action::Awoke { by: None } => "awake, for no reason".into(),
        Action::TimedOut => "time is up".into(),
        Action::Woke { count } => format!("wakes {count} on {object}"),
        Action::Died => "✝ killed here".into(),
        Action::CleanedUp { what } => format!("cleans up {object}: {what}"),
        Action::Returned => "returns".into(),
    }
}

/// A value: small ones in decimal, flags and addresses in hexadecimal.
fn number(value: u64) -> String {
    if value < 0x10000 { value.to_string() } else { format!("{value:#x}") }
}

/// The site and the ordering in force; a weakened one with what it was.
pub fn place(event: &Event) -> String {
    let Some(site) = event.site else { return String::new() };
    match site.operation {
        Operation::Read | Operation::Write | Operation::Wait | Operation::Wake => site.name.into(),
        _ if event.weakened() => format!("{} {} (ships {})", site.name, event.order, site.order),
        _ => format!("{} {}", site.name, event.order),
    }
}

/// One sentence: what went wrong, and which ordering had been weakened.
pub fn sentence(trace: &Trace) -> String {
    let who = |at: usize| {
        let event = &trace.events[at];
        let site = event.site.map_or("?", |site| site.name);
        format!("{} at {site} (#{at})", trace.threads[event.thread])
    };
    let what = match (trace.fault, &trace.culprits[..]) {
        (Fault::DataRace, &[first, second]) => {
            let object = &trace.events[second].object;
            format!("Data race: {} and {} both touch {object}, and nothing orders them", who(first), who(second))
        }
        (Fault::DataRace, _) => format!("Data race: {}", trace.message),
        (Fault::Deadlock, _) => format!("Lost wake-up or deadlock: {}", trace.message),
        (Fault::Outcome, _) => format!("Forbidden outcome: {}", trace.message),
        (Fault::Livelock, _) => format!("Livelock: {}", trace.message),
        (Fault::Assertion, _) => format!("Assertion failed: {}", trace.message),
    };
    match trace.events.iter().find(|event| event.weakened()) {
        Some(event) => {
            let site = event.site.expect("only an event at a site is weakened");
            format!("{what}; {} was weakened from {} to {}.", site.name, site.order, event.order)
        }
        None => format!("{what}."),
    }
}
