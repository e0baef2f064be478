//! A trace for a terminal: one column for each thread, time runs downwards.
//!
//! ```text
//!      writer                       │ reader
//!   0  FILL: slot[0] ← 7            │
//! ~ 1  PUBLISH Relaxed (ships Release): flag ← 1
//! ```
//!
//! `▸` begins a call of the program that has a name (see [`call`](crate::call)). `!` marks the events at the heart of the fault,
//! `~` a weakened ordering, `≈` a stale read, `⇠` a store that was performed early, there and where it stands.

use super::fold;
use super::words::{self, Mark};
use crate::trace::{Event, Trace};

/// Colours of a terminal, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    Off,
    /// ANSI escapes: culprits red, weakened orderings yellow, stale reads blue.
    On,
}

/// Draws `trace`, headed by what went wrong in one sentence.
pub fn draw(trace: &Trace, colour: Colour) -> String {
    let trace = &fold::folded(trace);
    let lanes = words::lanes(trace);
    let cells: Vec<String> = trace.events.iter().map(cell).collect();
    let widths: Vec<usize> = (lanes.iter())
        .map(|&lane| {
            let own = trace.events.iter().zip(&cells).filter(|(event, _)| event.thread == lane);
            let calls = trace.events.iter().filter(|event| event.thread == lane).filter_map(|event| event.call);
            let widest = own.map(|(_, cell)| width(cell)).chain(calls.map(|call| width(call) + 2)).max();
            widest.unwrap_or(0).max(width(&trace.threads[lane]))
        })
        .collect();
    let digits = trace.events.len().saturating_sub(1).to_string().len();
    let row = |margin: &str, text: &dyn Fn(usize) -> String| {
        let columns = lanes.iter().zip(&widths).map(|(&lane, &wide)| {
            let text = text(lane);
            let padding = " ".repeat(wide - width(&text));
            format!("{text}{padding}")
        });
        format!("{margin}  {}", columns.collect::<Vec<_>>().join(" │ ")).trim_end().to_string()
    };
    let mut lines = vec![words::sentence(trace)];
    lines.extend(words::weakness(trace).map(String::from));
    lines.push(String::new());
    lines.push(row(&" ".repeat(digits + 2), &|lane| trace.threads[lane].clone()));
    for (index, (event, cell)) in trace.events.iter().zip(&cells).enumerate() {
        let mark = Mark::of(trace, index);
        let margin = format!("{} {index:>digits$}", mark.map_or(' ', Mark::sign));
        if let Some(call) = words::begins(trace, index) {
            let call = format!("▸ {call}");
            let empty = " ".repeat(digits + 2);
            lines.push(row(&empty, &|lane| if lane == event.thread { call.clone() } else { String::new() }));
        }
        let line = row(&margin, &|lane| if lane == event.thread { cell.clone() } else { String::new() });
        lines.push(paint(line, mark, colour));
    }
    if !trace.ignorance.is_empty() {
        lines.extend([String::new(), "What was not known at the end:".into()]);
        lines.extend(trace.ignorance.iter().map(|ignorance| format!("  {}", words::ignorance(trace, ignorance))));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn cell(event: &Event) -> String {
    let place = words::place(event);
    let action = words::action(event) + &words::caption(event);
    if place.is_empty() { action } else { format!("{place}: {action}") }
}

/// Characters; every one that is drawn here is one column wide.
fn width(text: &str) -> usize {
    text.chars().count()
}

fn paint(line: String, mark: Option<Mark>, colour: Colour) -> String {
    let code = match (colour, mark) {
        (Colour::Off, _) | (_, None) => return line,
        (_, Some(Mark::Culprit)) => 31,
        (_, Some(Mark::Weakened)) => 33,
        (_, Some(Mark::Stale)) => 34,
        (_, Some(Mark::Early)) => 35,
    };
    format!("\x1b[{code}m{line}\x1b[0m")
}
