//! The results as one HTML file: no network, light and dark, for a phone and for paper.

mod deaths;
mod models;
mod orderings;

use super::Results;
use crate::draw::svg;
use crate::run::Verdict;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/script.js");

/// What a page says beside the results.
#[derive(Clone, Debug, Default)]
pub struct Preface {
    /// What was checked.
    pub title: String,
    /// One sentence on what that means.
    pub about: String,
    /// How this run came about: the command, versions, the date. Name and value.
    pub facts: Vec<(String, String)>,
    /// The engines: name, version, and what they do.
    pub engines: Vec<[String; 3]>,
    /// How to see a weakened ordering fail again, given the site's name.
    pub again: Option<fn(&str) -> String>,
    /// What this run left out: what, and why.
    pub left_out: Vec<(String, String)>,
    /// More chapters: title and HTML.
    pub chapters: Vec<(String, String)>,
}

/// Draws the page.
pub fn draw(preface: &Preface, results: &Results) -> String {
    let complaints = results.complaints();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (preface.title) }
                style { (PreEscaped(svg::STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (preface.title) }
                    p { (preface.about) }
                    (verdict(results, &complaints))
                }
                main {
                    (failures(results))
                    (facts(preface, results))
                    @if let Some(matrix) = &results.matrix { (orderings::section(matrix, results.sampled.as_ref(), preface.again)) }
                    @if !results.sweeps.is_empty() { (deaths::section(&results.sweeps)) }
                    (models::section(&results.models))
                    (left_out(preface, results))
                    @for (title, html) in &preface.chapters { section { h2 { (title) } (PreEscaped(html)) } }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The verdict, and what it rests on.
fn verdict(results: &Results, complaints: &[String]) -> Markup {
    let mutants = results.matrix.as_ref().map_or(0, |matrix| matrix.rows.len());
    let deaths: usize = results.sweeps.iter().map(|sweep| sweep.steps.len()).sum();
    let executions: u64 = results.models.iter().map(|run| run.executions).sum();
    html! {
        @if complaints.is_empty() {
            @if results.partial {
                p.verdict { "a part was asked for, and it passes: no proof" }
            } @else {
                p.verdict.good { "✓ verified" }
            }
        } @else {
            div.verdict.bad { "✗ NOT VERIFIED" ul { @for complaint in complaints { li { (complaint) } } } }
        }
        dl.figures {
            div { dt { "models" } dd { (results.models.len()) } }
            div { dt { "executions" } dd { (grouped(executions)) } }
            @if results.matrix.is_some() { div { dt { "weakened orderings" } dd { (mutants) } } }
            @if !results.sweeps.is_empty() { div { dt { "deaths" } dd { (deaths) } } }
        }
    }
}

/// Pictures of what must not fail and did.
fn failures(results: &Results) -> Markup {
    let failed = results.models.iter().map(|run| (format!("{}/{}", run.engine, run.scenario), run));
    let died = results.sweeps.iter().flat_map(|sweep| {
        let heading = |step| format!("{} dies before step {step} in {}/{}", sweep.name, sweep.engine, sweep.case);
        sweep.failures().map(move |(step, run)| (heading(step), run))
    });
    let mut failures: Vec<_> = failed.chain(died).filter(|(_, run)| !run.verdict.passed()).collect();
    // The shortest picture is the easiest to read.
    failures.sort_by_key(|(_, run)| match &run.verdict {
        Verdict::Fail(trace) => trace.events.len(),
        _ => usize::MAX,
    });
    html! {
        @if !failures.is_empty() {
            section {
                h2 { "What failed" }
                @for (at, (heading, run)) in failures.iter().enumerate() {
                    details open[at == 0] {
                        summary { b { (heading) } ": " (run.verdict) }
                        @if let Verdict::Fail(trace) = &run.verdict { (svg::element(trace)) }
                        @if let Some(replay) = &run.replay { p.note { "Again: " code { (replay) } } }
                    }
                }
            }
        }
    }
}

/// How this run came about.
fn facts(preface: &Preface, results: &Results) -> Markup {
    let of = |engine: &str| results.models.iter().filter(|run| run.engine == engine).count();
    html! {
        section {
            h2 { "This run" }
            dl.facts { @for (name, value) in &preface.facts { dt { (name) } dd { (value) } } }
            div.wide { table {
                thead { tr { th { "engine" } th { "version" } th.number { "models" } th { "what it does" } } }
                tbody { @for [name, version, does] in &preface.engines {
                    tr { td { (name) } td { (version) } td.number { (of(name)) } td { (does) } }
                } }
            } }
        }
    }
}

/// What this run has not shown: what was never asked of it, and what did not end.
fn left_out(preface: &Preface, results: &Results) -> Markup {
    let unfinished = results.models.iter().filter(|run| matches!(run.verdict, Verdict::Cut | Verdict::NotRun(_)));
    let unfinished = unfinished
        .map(|run| (format!("{}/{}", run.engine, run.scenario), format!("{}; {}", run.verdict, run.coverage)));
    let all: Vec<(String, String)> = unfinished.chain(preface.left_out.iter().cloned()).collect();
    html! {
        @if !all.is_empty() {
            section {
                h2 { "Left out of this run" }
                dl.stacked { @for (what, why) in all { dt { (what) } dd { (why) } } }
            }
        }
    }
}

/// A number with its thousands apart, by a space that does not break.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let apart = |(at, digit): (usize, char)| {
        let gap = at > 0 && (digits.len() - at).is_multiple_of(3);
        gap.then_some('\u{202f}').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(apart).collect()
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_apart() {
        assert_eq!(
            [7, 1234, 123456, 1234567].map(grouped),
            ["7", "1\u{202f}234", "123\u{202f}456", "1\u{202f}234\u{202f}567"]
        );
    }
}
