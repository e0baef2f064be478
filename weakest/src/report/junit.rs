//! The verdicts as JUnit XML: models, weakened orderings, pairings and deaths are a suite each.

use super::Results;
use crate::draw::text;
use crate::matrix::{Fate, Matrix, Row};
use crate::run::{Run, Verdict};
use crate::sweep::Sweep;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::fs::File;
use std::io;
use std::path::Path;

/// Writes the verdicts to `path`; `name` says what was checked.
///
/// # Errors
/// Those of creating and writing the file.
pub fn write(path: &Path, name: &str, results: &Results) -> io::Result<()> {
    report(name, results).serialize(File::create(path)?).map_err(io::Error::other)
}

fn report(name: &str, results: &Results) -> Report {
    let mut report = Report::new(name);
    let mut models = suite("models", results.models.iter().map(model));
    if results.not_begun > 0 {
        let why = format!("stopped: {} models were not begun", results.not_begun);
        models.add_test_case(TestCase::new("not begun", failed(NonSuccessKind::Error, "stopped", why, None)));
    }
    report.add_test_suite(models);
    if let Some(matrix) = &results.matrix {
        report.add_test_suite(suite("orderings", matrix.rows.iter().map(mutant)));
        report.add_test_suite(suite("pairings", pairings(matrix)));
    }
    if !results.sweeps.is_empty() {
        report.add_test_suite(suite("deaths", results.sweeps.iter().flat_map(deaths)));
    }
    report
}

fn suite(name: &str, cases: impl IntoIterator<Item = TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.add_test_cases(cases);
    suite
}

fn model(run: &Run) -> TestCase {
    let mut case = TestCase::new(&*run.scenario, status(run));
    case.set_classname(run.engine).set_time(run.elapsed);
    case
}

fn mutant(row: &Row) -> TestCase {
    let status = match row.fate {
        Fate::Killed => TestCaseStatus::success(),
        Fate::Survived => failed(NonSuccessKind::Failure, "survived", "no model fails without it".into(), None),
        Fate::CannotTell => {
            failed(NonSuccessKind::Error, "cannot tell", "no engine that ran judges this ordering".into(), None)
        }
        Fate::Undecided => failed(NonSuccessKind::Error, "undecided", "not every model ran to its end".into(), None),
    };
    let mut case = TestCase::new(format!("{} {} to {}", row.site.name, row.site.order, row.order), status);
    case.set_classname(row.site.name);
    if let Some(kill) = row.killed_by.first() {
        case.set_system_out(text::draw(&kill.trace, Default::default()));
    }
    case
}

fn pairings(matrix: &Matrix) -> Vec<TestCase> {
    let case = |pairing: &crate::matrix::Pairing| {
        let status = match pairing.witness {
            Some(_) => TestCaseStatus::success(),
            None => failed(NonSuccessKind::Failure, "unwitnessed", "no kill shows the two at work".into(), None),
        };
        let mut case = TestCase::new(format!("{} with {}", pairing.site, pairing.pair), status);
        case.set_classname(pairing.site);
        case
    };
    matrix.pairings().iter().map(case).collect()
}

fn deaths(sweep: &Sweep) -> impl Iterator<Item = TestCase> {
    let end = (!sweep.complete && sweep.failures().next().is_none()).then(|| {
        TestCase::new("the end", failed(NonSuccessKind::Error, "stopped", "the sweep did not end".into(), None))
    });
    let steps = sweep.steps.iter().enumerate().map(|(step, run)| {
        let mut case = TestCase::new(format!("{} dies before step {step}", sweep.name), status(run));
        case.set_time(run.elapsed);
        case
    });
    steps.chain(end).map(|mut case| {
        case.set_classname(format!("{}/{}", sweep.engine, sweep.case));
        case
    })
}

fn status(run: &Run) -> TestCaseStatus {
    match &run.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::NotRun(why) => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(why.as_str());
            skipped
        }
        Verdict::Fail(trace) => {
            let picture = text::draw(trace, Default::default());
            failed(NonSuccessKind::Failure, run.verdict.word(), trace.message.clone(), Some(picture))
        }
        Verdict::Cut => failed(NonSuccessKind::Error, run.verdict.word(), run.coverage.to_string(), None),
        other => failed(NonSuccessKind::Failure, other.word(), other.to_string(), None),
    }
}

fn failed(kind: NonSuccessKind, word: &str, message: String, picture: Option<String>) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word).set_message(message);
    if let Some(picture) = picture {
        status.set_description(picture);
    }
    status
}
