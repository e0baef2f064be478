//! The matrix as a heat map: a cell for each weakened ordering, the stronger the sooner it died, which opens its counterexample.

use crate::draw::svg;
use crate::facade::{Order, Site};
use crate::matrix::{Fate, Kill, Matrix, Pairing, Row};
use crate::trace::Fault;
use maud::{Markup, html};

/// The columns: every ordering that can be a weaker one.
const COLUMNS: [Order; 4] = [Order::AcqRel, Order::Acquire, Order::Release, Order::Relaxed];

pub fn section(matrix: &Matrix, sampled: Option<&Matrix>, again: Option<fn(&str) -> String>) -> Markup {
    let sites: Vec<&Site> = matrix.sites.iter().filter(|site| !site.weaker().is_empty()).collect();
    html! {
        section {
            h2 { "Every ordering weakened" }
            p {
                "Each memory ordering was replaced by each weaker one, and a model then failed: how, and in which execution. "
                "The stronger the colour, the sooner. A cell opens the failing execution."
            }
            table.heat {
                thead { tr { th { "site, and what ships" } @for order in COLUMNS { th { (order) } } } }
                tbody { @for site in sites { tr {
                    th { (breakable(site.name)) " " small { (site.order) } }
                    @for order in COLUMNS { (cell(matrix, site, order)) }
                } } }
            }
            h3 { "The failing executions" }
            (legend())
            @for row in &matrix.rows { (counterexample(row, sampled, again)) }
            h3 { "Declared pairings" }
            p { "Two sites that are declared to be two sides of one thing take part, on different threads, in a failing execution." }
            dl.facts.long { @for pairing in matrix.pairings() { (pair(&pairing)) } }
        }
    }
}

fn cell(matrix: &Matrix, site: &Site, order: Order) -> Markup {
    let Some(row) = matrix.rows.iter().find(|row| row.site.name == site.name && row.order == order) else {
        return html! { td.none {} };
    };
    let heat = row.killed_by.first().map_or("", |kill| heat(kill.executions));
    html! {
        td.(tone(row)).(heat) { a href={ "#" (id(row)) } title=(title(row)) {
            @match row.killed_by.first() {
                Some(kill) => { (fault(kill.trace.fault)) br; small { "#" (kill.executions.max(1)) } }
                None => (fate(row)),
            }
        } }
    }
}

fn counterexample(row: &Row, sampled: Option<&Matrix>, again: Option<fn(&str) -> String>) -> Markup {
    let same = |other: &&Row| other.site.name == row.site.name && other.order == row.order;
    let sampled = sampled.and_then(|matrix| matrix.rows.iter().find(same)).and_then(|row| row.killed_by.first());
    html! {
        details id=(id(row)) {
            summary.(tone(row)) { b { (row.site.name) } " " (row.site.order) " → " (row.order) ": " (title(row)) }
            p { b { "Why it is " (row.site.order) ": " } (row.site.reason) "." }
            @if let Some(kill) = row.killed_by.first() { (svg::element(&kill.trace)) }
            p.note {
                @for kill in row.killed_by.iter().skip(1) { "Also " (by(kill)) ". " }
                @if let Some(kill) = sampled { "By sampling: " (by(kill)) ". " }
                @if let Some(again) = again { "Again: " code { (again(row.site.name)) } }
            }
        }
    }
}

fn legend() -> Markup {
    html! {
        p.note {
            "Time runs downwards, one lane for each thread. ○ reads, ● writes, □ sleeps and wakes, ━ a fence. "
            "An arrow leads from a write to whoever read it, a dashed one from a wake to whoever woke. "
            "! the events at the heart of the fault, ~ the weakened ordering, ≈ an old value was read, ⇠ a store was performed early."
        }
    }
}

fn pair(pairing: &Pairing) -> Markup {
    html! {
        dt { (pairing.site) " ↔ " (pairing.pair) }
        dd { @match pairing.witness {
            Some((row, kill)) => { a href={ "#" (id(row)) } { (row.site.name) " → " (row.order) } ", " (kill.engine) "/" (kill.case) }
            None => { b.bad { "no kill shows the two at work" } }
        } }
    }
}

/// A name that a narrow screen may break where words end.
fn breakable(name: &str) -> Markup {
    html! { @for (at, word) in name.split('_').enumerate() { @if at > 0 { "_" wbr; } (word) } }
}

fn id(row: &Row) -> String {
    format!("{}-{}", row.site.name, row.order)
}

fn title(row: &Row) -> String {
    row.killed_by.first().map_or_else(|| fate(row).into(), by)
}

fn by(kill: &Kill) -> String {
    format!("{}, {}/{}, execution {}", fault(kill.trace.fault), kill.engine, kill.case, kill.executions.max(1))
}

fn fate(row: &Row) -> &'static str {
    match row.fate {
        Fate::Killed => "killed",
        Fate::Survived => "SURVIVED",
        Fate::Undecided => "undecided",
        Fate::CannotTell => "cannot tell",
    }
}

fn tone(row: &Row) -> &'static str {
    match row.fate {
        Fate::Killed => "killed",
        Fate::Survived => "survived",
        Fate::Undecided | Fate::CannotTell => "undecided",
    }
}

fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Assertion => "assertion",
        Fault::DataRace => "race",
        Fault::Deadlock => "deadlock",
        Fault::Outcome => "outcome",
        Fault::Livelock => "livelock",
    }
}

/// How soon it died, in powers of ten.
fn heat(executions: u64) -> &'static str {
    match executions {
        0..10 => "at-once",
        10..100 => "soon",
        100..1000 => "later",
        _ => "late",
    }
}
