//! The crash sweep as a chart: a column for each step before which the thread died, a row for each outcome.

use crate::report::json::outcome;
use crate::run::Run;
use crate::sweep::Sweep;
use maud::{Markup, html};
use std::collections::BTreeSet;

pub fn section(sweeps: &[Sweep]) -> Markup {
    html! {
        section {
            h2 { "Death at every step" }
            p { "A thread is killed before each of its operations in turn, in every interleaving: what then comes of it." }
            @for sweep in sweeps { (chart(sweep)) }
        }
    }
}

fn chart(sweep: &Sweep) -> Markup {
    let outcomes: BTreeSet<&str> = sweep.steps.iter().flat_map(|run| run.outcomes.iter().map(String::as_str)).collect();
    let columns = format!("--steps: {}", sweep.steps.len());
    let executions = sweep.executions();
    html! {
        figure {
            figcaption {
                b { (sweep.name) } " in " (sweep.engine) "/" (sweep.case) ": " (sweep.steps.len()) " steps, " (executions) " executions, "
                @if sweep.passed() { span.good { "survived" } } @else { b.bad { "NOT SURVIVED" } }
            }
            div.chart style=(columns) role="img" aria-label=(format!("step by outcome; {} outcomes", outcomes.len())) {
                @for outcome in outcomes {
                    span.outcome { (outcome) }
                    @for (step, run) in sweep.steps.iter().enumerate() {
                        i.seen[run.outcomes.contains(outcome)] title=(title(step, run)) {}
                    }
                }
                @if sweep.failures().next().is_some() {
                    span.outcome.bad { "not survived" }
                    @for (step, run) in sweep.steps.iter().enumerate() {
                        i.lost[!run.verdict.passed()] title=(title(step, run)) {}
                    }
                }
                @for step in 0..sweep.steps.len() { small { @if step % 5 == 0 { (step) } } }
            }
            details {
                summary { "step by step" }
                div.wide { table {
                    thead { tr { th.number { "step" } th { "dies before" } th { "outcomes" } th.number { "executions" } } }
                    tbody { @for (step, run) in sweep.steps.iter().enumerate() { tr {
                        td.number { (step) } td { (before(run)) } td { (outcome(run)) } td.number { (run.executions) }
                    } } }
                } }
            }
        }
    }
}

fn title(step: usize, run: &Run) -> String {
    format!("before step {step} ({}): {}", before(run), outcome(run))
}

fn before(run: &Run) -> String {
    Vec::from_iter(run.killed_before.iter().copied()).join(", ")
}
