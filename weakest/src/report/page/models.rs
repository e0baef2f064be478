//! The models: a row each, which a narrow screen shows in three lines.

use super::grouped;
use crate::run::{Run, Verdict};
use maud::{Markup, html};

/// More outcomes than these are counted.
const MOST: usize = 8;

pub fn section(runs: &[Run]) -> Markup {
    html! {
        section {
            h2 { "Models" }
            table.models {
                thead { tr {
                    th { "model" } th { "engine" } th.number { "executions" } th.number { "states" } th { "covered" }
                    th { "outcomes" } th { "verdict" } th.number { "time" }
                } }
                tbody { @for run in runs { (row(run)) } }
            }
        }
    }
}

fn row(run: &Run) -> Markup {
    let outcomes = match run.outcomes.len() {
        0..=MOST => Vec::from_iter(run.outcomes.iter().map(String::as_str)).join(", "),
        many => format!("{many} different ones"),
    };
    html! {
        tr {
            td.model { (run.scenario) }
            td.engine { (run.engine) }
            td.executions.number { (grouped(run.executions)) }
            td.states.number { @if let Some(states) = run.states { (grouped(states)) } }
            td.covered { (run.coverage) }
            td.outcomes { (outcomes) }
            td.verdict-of.(tone(&run.verdict)) { (run.verdict) }
            td.time.number { (format!("{:.1} s", run.elapsed.as_secs_f64())) }
        }
    }
}

fn tone(verdict: &Verdict) -> &'static str {
    if verdict.passed() { "good" } else { "bad" }
}
