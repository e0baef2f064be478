//! The results of several machines, each of which ran a [`Shard`](crate::shard::Shard), as those of one.
//!
//! Every part's JSON has the whole [`Plan`] in it. Parts of different plans, a part that is missing or there twice, and a model, mutant or
//! sweep that nobody ran or two did are refused: a hole must not look like a proof.

use super::json::Part;
use crate::shard;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What all parts together are to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Of what: the source's fingerprint, the level and so on. Parts merge only if they agree.
    pub of: String,
    /// The models, as `engine/name`.
    pub models: Vec<String>,
    /// The weakened orderings, as `SITE Order`.
    pub mutants: Vec<String>,
    /// The sweeps, as `engine/scenario/thread`.
    pub sweeps: Vec<String>,
    /// The sites that some model must reach.
    pub sites: Vec<String>,
    /// Whether there are generated programs; the first part runs them.
    pub programs: bool,
}

/// The parts' documents as one, with `verified` and `complaints` of the whole.
///
/// # Errors
/// If they are not all the parts of one plan, or what they ran is not the plan. All that is wrong.
pub fn merge(documents: &[Value]) -> Result<Value, Vec<String>> {
    let parts: Vec<Part> =
        documents.iter().enumerate().map(part).collect::<Result<_, _>>().map_err(|error| vec![error])?;
    let Some(first) = parts.first() else { return Err(vec!["nothing to merge".into()]) };
    let (plan, count) = (&first.plan, first.parts);
    let mut wrong = Vec::new();
    for part in &parts {
        if part.plan != *plan || part.parts != count {
            let (own, of) = (format!("{}/{}", part.part, part.parts), &part.plan.of);
            wrong.push(format!("part {own} of {of} does not fit part {}/{count} of {}", first.part, plan.of));
        }
    }
    wrong.extend(shard::holes(parts.iter().map(|part| part.part), count));
    if !wrong.is_empty() {
        return Err(wrong);
    }

    let rows = |key: &str| documents.iter().flat_map(|document| list(document, key)).cloned().collect::<Vec<Value>>();
    let (models, matrix, sweep) = (rows("models"), rows("matrix"), rows("sweep"));
    // A generated program that failed is a model that nobody planned.
    let planned = models.iter().map(model).filter(|name| plan.models.contains(name));
    wrong.extend(holes("model", &plan.models, &counts(planned)));
    wrong.extend(holes("weakened ordering", &plan.mutants, &counts(matrix.iter().map(mutant))));
    let firsts = sweep.iter().filter(|step| step["step"] == 0);
    wrong.extend(holes("sweep", &plan.sweeps, &counts(firsts.map(thread))));
    let programs: Vec<&Value> =
        documents.iter().map(|document| &document["programs"]).filter(|it| !it.is_null()).collect();
    if programs.len() != usize::from(plan.programs) {
        wrong.push(format!("{} parts have generated programs", programs.len()));
    }
    if !wrong.is_empty() {
        // Why something was not run is for the parts to say.
        wrong.extend(rows("complaints").iter().map(words));
        return Err(wrong);
    }

    let mut complaints: Vec<String> = rows("complaints").iter().map(words).collect();
    let reached: BTreeSet<String> = rows("reached").iter().map(words).collect();
    let unreached = plan.sites.iter().filter(|site| !reached.contains(*site));
    complaints.extend(unreached.map(|site| format!("no model reaches {site}")));
    let pairings = pairings(&rows("pairings"));
    for ((site, pair), _) in pairings.iter().filter(|(_, witnessed)| !**witnessed) {
        complaints.push(format!("{site} is declared to pair with {pair}, but no kill shows the two at work"));
    }
    let pairings = pairings.into_iter();
    let pairings: Vec<Value> = pairings
        .map(|((site, pair), witnessed)| json!({ "site": site, "pair": pair, "witnessed": witnessed }))
        .collect();
    let mut whole = Map::new();
    whole.insert("verified".into(), complaints.is_empty().into());
    whole.insert("partial".into(), false.into());
    whole.insert("merged".into(), count.into());
    whole.insert("of".into(), plan.of.clone().into());
    whole.insert("complaints".into(), complaints.into());
    whole.insert("models".into(), models.into());
    whole.insert("programs".into(), programs.first().map_or(Value::Null, |programs| (*programs).clone()));
    whole.insert("matrix".into(), matrix.into());
    whole.insert("pairings".into(), pairings.into());
    whole.insert("sweep".into(), sweep.into());
    whole.insert("reached".into(), reached.into_iter().collect::<Vec<_>>().into());
    Ok(whole.into())
}

fn part((index, document): (usize, &Value)) -> Result<Part, String> {
    serde_json::from_value(document["shard"].clone())
        .map_err(|error| format!("document {index} is not of a part (`--shard`): {error}"))
}

fn list<'d>(document: &'d Value, key: &str) -> &'d [Value] {
    document[key].as_array().map_or(&[], Vec::as_slice)
}

fn words(value: &Value) -> String {
    value.as_str().unwrap_or_default().into()
}

fn model(row: &Value) -> String {
    format!("{}/{}", words(&row["engine"]), words(&row["name"]))
}

fn mutant(row: &Value) -> String {
    format!("{} {}", words(&row["site"]), words(&row["weakened"]))
}

fn thread(row: &Value) -> String {
    format!("{}/{}/{}", words(&row["engine"]), words(&row["scenario"]), words(&row["thread"]))
}

fn counts<T: Ord>(names: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    counts
}

/// What was planned and not run as often as planned, and what was not planned.
fn holes(what: &str, plan: &[String], run: &BTreeMap<String, usize>) -> Vec<String> {
    let planned = counts(plan.iter().cloned());
    let names: BTreeSet<&String> = planned.keys().chain(run.keys()).collect();
    let times = |counts: &BTreeMap<String, usize>, name: &String| counts.get(name).copied().unwrap_or(0);
    let differ = names.into_iter().filter(|name| times(&planned, name) != times(run, name));
    differ
        .map(|name| {
            format!("the {what} {name} was run {} times instead of {}", times(run, name), times(&planned, name))
        })
        .collect()
}

/// Which declared pairs some part has a witness for.
fn pairings(rows: &[Value]) -> BTreeMap<(String, String), bool> {
    let mut pairings = BTreeMap::new();
    for row in rows {
        let witnessed = pairings.entry((words(&row["site"]), words(&row["pair"]))).or_insert(false);
        *witnessed |= row["witnessed"] == true;
    }
    pairings
}
