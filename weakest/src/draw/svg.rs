//! A trace as SVG: a narrow lane for each thread, time runs downwards, and beside the lanes what happened, in words.
//!
//! The words stand in a column of their own, not in the lanes, so that the picture is narrow enough for a phone. Each row has
//! one event, so an arrow's horizontal parts cross no other event. All colours are CSS variables (see [`STYLE`]), which a
//! page may set; no mark depends on them alone.

mod arrows;
mod rows;

use super::fold;
use super::words::{self, Mark};
use crate::trace::{Action, Event, Trace};
use arrows::Router;
use maud::{Markup, html};
use rows::Row;

/// The style of every picture, for light and dark. A page that holds several [`element`]s needs it once.
pub const STYLE: &str = include_str!("svg/style.css");

/// Between two lanes.
const LANE: usize = 34;
/// Left of the lanes: a mark and a number.
const MARGIN: usize = 48;
/// A line of words.
const LINE: usize = 15;
/// A character, at the style's font size.
const CHARACTER: f64 = 6.7;
/// Lines of words are broken here.
const COLUMNS: usize = 44;

/// Draws `trace` as a file of its own, headed by what went wrong in one sentence.
pub fn draw(trace: &Trace) -> String {
    picture(trace, Some(STYLE)).into_string()
}

/// The same as an element of a page that has [`STYLE`].
pub fn element(trace: &Trace) -> Markup {
    picture(trace, None)
}

/// Where everything is.
struct Layout {
    lanes: Vec<usize>,
    rows: Vec<Row>,
    /// The right end of the lanes, where the words begin.
    words: usize,
    width: usize,
    /// The sentence on top, broken into lines.
    sentence: Vec<String>,
    /// Where the names of the lanes begin.
    names: usize,
    height: usize,
}

impl Layout {
    fn new(trace: &Trace) -> Self {
        let lanes = words::lanes(trace);
        let words = MARGIN + LANE * lanes.len();
        let width = words + (CHARACTER * COLUMNS as f64) as usize;
        let sentence = format!("{} {}", words::sentence(trace), words::weakness(trace).unwrap_or_default());
        let sentence = rows::wrap(sentence.trim_end(), (width as f64 / (CHARACTER * 1.1)) as usize - 1);
        let names = 8 + LINE * sentence.len() + 10;
        let rows = rows::place(trace, names + LINE * lanes.len() + 8);
        let height = rows.last().map_or(names, |row| row.top + row.height) + 10;
        Layout { lanes, rows, words, width, sentence, names, height }
    }

    /// The middle of a thread's lane.
    fn x(&self, thread: usize) -> usize {
        let lane = self.lanes.iter().position(|lane| *lane == thread).expect("every event is in a lane");
        MARGIN + LANE * lane + LANE / 2
    }
}

fn picture(trace: &Trace, style: Option<&str>) -> Markup {
    let trace = &fold::folded(trace);
    let layout = Layout::new(trace);
    let size = format!("0 0 {} {}", layout.width, layout.height);
    html! {
        svg.weakest xmlns="http://www.w3.org/2000/svg" viewBox=(size) width=(layout.width * 5 / 4) height=(layout.height * 5 / 4) role="img" {
            title { (words::sentence(trace)) }
            @if let Some(style) = style { style { (style) } }
            text.sentence { @for (line, words) in layout.sentence.iter().enumerate() {
                tspan x="8" y=(20 + LINE * line) { (words) }
            } }
            @for (index, row) in layout.rows.iter().enumerate() { (band(trace, &layout, index, row)) }
            @for (at, &lane) in layout.lanes.iter().enumerate() { (rail(trace, &layout, at, lane)) }
            (arrows(trace, &layout))
            @for (index, row) in layout.rows.iter().enumerate() { (event(trace, &layout, index, row)) }
        }
    }
}

/// What lies under a marked row.
fn band(trace: &Trace, layout: &Layout, index: usize, row: &Row) -> Markup {
    html! {
        @if let Some(mark) = Mark::of(trace, index) {
            rect.band.(class(mark)) x="2" y=(row.top) width=(layout.width - 4) height=(row.height - 2) rx="4" {}
        }
    }
}

/// A lane's name, and the line down to its last event; dashed while the thread sleeps, to the bottom if for ever.
fn rail(trace: &Trace, layout: &Layout, at: usize, lane: usize) -> Markup {
    let x = layout.x(lane);
    let top = layout.names + LINE * at;
    let own: Vec<usize> = (0..trace.events.len()).filter(|index| trace.events[*index].thread == lane).collect();
    let middle = |index: usize| layout.rows[index].middle();
    let asleep = |index: usize| matches!(trace.events[index].action, Action::Slept { .. });
    html! {
        g.lane data-lane=(lane) {
            text.name x=(x + 7) y=(top + 11) { (trace.threads[lane]) }
            path.rail d={ "M" (x) " " (top) "V" (middle(own[0])) } {}
            @for pair in own.windows(2) {
                path.rail.asleep[asleep(pair[0])] d={ "M" (x) " " (middle(pair[0])) "V" (middle(pair[1])) } {}
            }
            @if let Some(&last) = own.last() && asleep(last) {
                path.rail.asleep.forever d={ "M" (x) " " (middle(last)) "V" (layout.height - 4) } {}
            }
        }
    }
}

/// Who read from whom, who woke whom, what was performed early, and the pair that nothing orders.
fn arrows(trace: &Trace, layout: &Layout) -> Markup {
    let mut router = Router::default();
    let point = |index: usize| (layout.x(trace.events[index].thread), layout.rows[index].middle());
    let mut arrow = |from: usize, to: usize| router.arrow(point(from), point(to));
    html! {
        @for (to, event) in trace.events.iter().enumerate() {
            @if let Some(from) = source(event) {
                @let own = trace.events[from].thread == event.thread;
                path.from.own[own] data-from=(from) data-to=(to) d=(arrow(from, to)) {}
            }
            @if let Action::Awoke { by: Some(by) } = event.action {
                path.wakes data-from=(by) data-to=(to) d=(arrow(by, to)) {}
            }
            @if let Action::Kept { promise: Some(promise), .. } = event.action {
                path.keeps data-from=(promise) data-to=(to) d=(arrow(promise, to)) {}
            }
        }
        @if let [first, second] = trace.culprits[..] && trace.fault == crate::trace::Fault::DataRace {
            path.race data-from=(first) data-to=(second) d=(arrow(first, second)) {}
        }
    }
}

/// The event that wrote what this one read.
fn source(event: &Event) -> Option<usize> {
    match event.action {
        Action::Read { from, .. } | Action::Updated { from, .. } | Action::Refused { from, .. } => from,
        _ => None,
    }
}

fn event(trace: &Trace, layout: &Layout, index: usize, row: &Row) -> Markup {
    let event = &trace.events[index];
    let mark = Mark::of(trace, index);
    html! {
        g.event.(mark.map_or("plain", class)) data-event=(index) {
            text.number x=(MARGIN - 8) y=(row.top + 14) { (index) }
            @if let Some(mark) = mark { text.sign x="8" y=(row.top + 14) { (mark.sign()) } }
            (dot(event, layout.x(event.thread), row.middle()))
            text x=(layout.words) y=(row.top + 14) {
                @for (line, words) in row.lines.iter().enumerate() {
                    tspan.place[line < row.places] x=(layout.words) y=(row.top + 14 + LINE * line) { (words) }
                }
            }
        }
    }
}

/// Hollow where something was read, full where something was written, a diamond where it was performed early, a bar for a fence.
fn dot(event: &Event, x: usize, y: usize) -> Markup {
    html! {
        @match event.action {
            Action::Read { .. } | Action::Refused { .. } | Action::DidNotSleep { .. } => circle.dot cx=(x) cy=(y) r="4" {},
            Action::Promised { .. } => path.dot.full d={ "M" (x - 6) " " (y) "l6 -6l6 6l-6 6z" } {},
            Action::Fenced => path.dot d={ "M" (x - 7) " " (y) "h14" } {},
            Action::Died => path.dot d={ "M" (x) " " (y - 6) "v13M" (x - 4) " " (y - 2) "h8" } {},
            Action::Slept { .. } | Action::Awoke { .. } | Action::TimedOut => rect.dot x=(x - 4) y=(y - 4) width="8" height="8" {},
            Action::Returned => path.dot d={ "M" (x - 5) " " (y) "h10" } {},
            _ => circle.dot.full cx=(x) cy=(y) r="4" {},
        }
    }
}

fn class(mark: Mark) -> &'static str {
    match mark {
        Mark::Culprit => "culprit",
        Mark::Weakened => "weakened",
        Mark::Stale => "stale",
        Mark::Early => "early",
    }
}
