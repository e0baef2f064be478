//! Events in words, for any picture.

use crate::facade::Operation;
use crate::trace::{Action, Event, Fault, Ignorance, Trace};

/// What an event did, without its site and ordering: `head ← 16`, `flag → 0 (stale)`.
pub fn action(event: &Event) -> String {
    let object = &event.object;
    match &event.action {
        Action::Read { value, stale: false, .. } => format!("{object} → {}", number(*value)),
        Action::Read { value, stale: true, from: Some(from) } => {
            format!("{object} → {} (stale, from #{from})", number(*value))
        }
        Action::Read { value, stale: true, from: None } => format!("{object} → {} (stale)", number(*value)),
        Action::Wrote { value } => format!("{object} ← {}", number(*value)),
        Action::Updated { read, wrote, .. } => format!("{object}: {} ⇒ {}", number(*read), number(*wrote)),
        Action::Promised { value } => format!("⇠ {object} ← {} performed early", number(*value)),
        Action::Kept { read, value, promise } => {
            let read = read.map_or(String::new(), |read| format!(" ({} ⇒)", number(read)));
            let promise = promise.map_or(String::new(), |at| format!(", performed at #{at}"));
            format!("{object}{read} ← {}{promise}", number(*value))
        }
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
        Action::Died if object.is_empty() => "✝ killed here, no lock announced".into(),
        Action::Died => format!("✝ killed here, {object} announced"),
        Action::CleanedUp { what } => format!("cleans up {object}: {what}"),
        Action::Returned => "returns".into(),
    }
}

/// What the scenario says about the event, to be put behind it: ` (the record at 16)`.
pub fn caption(event: &Event) -> String {
    event.caption.as_ref().map_or(String::new(), |caption| format!(" ({caption})"))
}

/// The call of the program that begins with this event.
pub fn begins(trace: &Trace, index: usize) -> Option<&'static str> {
    let event = &trace.events[index];
    let before = trace.events[..index].iter().rfind(|other| other.thread == event.thread);
    event.call.filter(|call| before.and_then(|other| other.call) != Some(call))
}

/// What a thread did not know at the end: `reader may still read 0 or 16 from head, which is 24`.
pub fn ignorance(trace: &Trace, ignorance: &Ignorance) -> String {
    let values: Vec<String> = ignorance.readable.iter().map(|value| number(*value)).collect();
    let (newest, older) = values.split_last().expect("a location has a value");
    format!(
        "{} may still read {} from {}, which is {newest}",
        trace.threads[ignorance.thread],
        older.join(" or "),
        ignorance.object
    )
}

/// Whether weak memory has to do with it, where that is known.
pub fn weakness(trace: &Trace) -> Option<&'static str> {
    trace.weak.map(|weak| match weak {
        true => "It takes weak memory: no interleaving of the steps fails.",
        false => "It takes no stale read: drawn without.",
    })
}

/// A value: small ones in decimal, flags and addresses in hexadecimal.
fn number(value: u64) -> String {
    if value < 0x10000 { value.to_string() } else { format!("{value:#x}") }
}

/// The site and the ordering in force; a weakened one with what it was.
pub fn place(event: &Event) -> String {
    let Some(site) = event.site else { return String::new() };
    match ordering(event) {
        Some(ordering) => format!("{} {ordering}", site.name),
        None => site.name.into(),
    }
}

/// The ordering in force, a weakened one with what it was; nothing where an operation has none.
pub fn ordering(event: &Event) -> Option<String> {
    let site = event.site?;
    match site.operation {
        Operation::Read | Operation::Write | Operation::Wait | Operation::Wake => None,
        _ if event.weakened() => Some(format!("{} (ships {})", event.order, site.order)),
        _ => Some(event.order.to_string()),
    }
}

/// An operation in the field's shortest term.
pub fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Load => "load",
        Operation::Store => "store",
        Operation::Rmw => "rmw",
        Operation::CompareExchange => "cas",
        Operation::Fence => "fence",
        Operation::Read => "read",
        Operation::Write => "write",
        Operation::Wait => "wait",
        Operation::Wake => "wake",
    }
}

/// What a picture makes the eye stop at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// At the heart of the fault.
    Culprit,
    /// With a weakened ordering.
    Weakened,
    /// Read an old value.
    Stale,
    /// Performed a store early, or came to one that had been.
    Early,
}

impl Mark {
    /// The mark of the event of this index, if it has one.
    pub fn of(trace: &Trace, index: usize) -> Option<Mark> {
        let event = &trace.events[index];
        match () {
            _ if trace.culprits.contains(&index) => Some(Mark::Culprit),
            _ if event.weakened() => Some(Mark::Weakened),
            _ if matches!(event.action, Action::Read { stale: true, .. }) => Some(Mark::Stale),
            _ if matches!(event.action, Action::Promised { .. } | Action::Kept { .. }) => Some(Mark::Early),
            _ => None,
        }
    }

    /// The mark as one character, so that no picture depends on colours.
    pub fn sign(self) -> char {
        match self {
            Mark::Culprit => '!',
            Mark::Weakened => '~',
            Mark::Stale => '≈',
            Mark::Early => '⇠',
        }
    }
}

/// The lanes on which something happened, in order.
pub fn lanes(trace: &Trace) -> Vec<usize> {
    (0..trace.threads.len()).filter(|lane| trace.events.iter().any(|event| event.thread == *lane)).collect()
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
            if let Some(freed) = object.strip_prefix("life of ") {
                return format!(
                    "Use after free: {} and {} of {freed}, and nothing orders the two{}",
                    who(first),
                    who(second),
                    weakened(trace)
                );
            }
            format!("Data race: {} and {} both touch {object}, and nothing orders them", who(first), who(second))
        }
        (Fault::DataRace, _) => format!("Data race: {}", trace.message),
        (Fault::Deadlock, _) => format!("Lost wake-up or deadlock: {}", trace.message),
        (Fault::Outcome, _) => format!("Forbidden outcome: {}", trace.message),
        (Fault::Livelock, _) => format!("Livelock: {}", trace.message),
        (Fault::Assertion, _) => format!("Assertion failed: {}", trace.message),
    };
    what + &weakened(trace)
}

/// Which ordering was weakened, and the end of the sentence.
fn weakened(trace: &Trace) -> String {
    match trace.events.iter().find(|event| event.weakened()) {
        Some(event) => {
            let site = event.site.expect("only an event at a site is weakened");
            format!("; {} was weakened from {} to {}.", site.name, site.order, event.order)
        }
        None => ".".into(),
    }
}
