//! A figure is the median over several launches: fresh processes with fresh pages.
//!
//! Which pages a ring gets decides whether a whole launch is fast or slow, so rounds within one launch do not show it.
//! Launches that fall into two groups are shown as two figures.
//!
//! The ring beside itself is a peer of every kind of measurement: where its median is not 1, the kind measures nothing.

use crate::paired::quantile;
use crate::quiet::{LIMIT, Watch};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// How far from 1 the ring may be beside itself.
pub const TOLERANCE: f64 = 0.05;

/// The lists of measurements in the results.
const LISTS: [&str; 6] = ["rows", "blocking", "processes", "isolated", "round_trips", "scaling"];

/// What tells measurements of a list apart.
const IDENTITY: [&str; 7] = ["peer", "waiting", "axis", "payload", "writers", "mode", "x"];

/// Starts this program `count` times as it was started, and merges the results.
///
/// # Errors
/// If a launch fails, or says something else than results.
pub fn run(count: usize) -> Result<Value> {
    let (mut launches, mut others) = (Vec::new(), Vec::new());
    for i in 1..=count {
        eprintln!("launch {i} of {count}");
        let watch = Watch::new()?;
        let launch = Command::new(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .arg("--launch")
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(launch.status.success(), "launch {i}: {}", launch.status);
        others.push(watch.others()?);
        // A transport may have printed something before.
        let text = String::from_utf8_lossy(&launch.stdout);
        let results = text.lines().last().unwrap_or_default();
        launches.push(serde_json::from_str(results).with_context(|| format!("the results of launch {i}"))?);
    }
    Ok(merge(&launches, &others))
}

/// The results of all launches as one. `others`: how many processors others used during each.
fn merge(launches: &[Value], others: &[f64]) -> Value {
    let mut merged = launches[0].clone();
    for key in LISTS {
        merged[key] = judged(list(launches, key)).into();
    }
    let failed: Vec<Value> = launches.iter().flat_map(|launch| items(launch, "failed")).cloned().collect();
    merged["failed"] = failed.into();
    merged["machine"]["launches"] = launches.len().into();
    merged["machine"]["others"] = others.iter().map(|used| (used * 1e3).round() / 1e3).collect::<Vec<_>>().into();
    merged["machine"]["quiet"] = others.iter().all(|&used| used <= LIMIT).into();
    merged
}

fn items<'a>(results: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    results[key].as_array().into_iter().flatten()
}

fn identity(item: &Value) -> [&Value; IDENTITY.len()] {
    IDENTITY.map(|key| &item[key])
}

/// Each measurement once, with the medians over the launches.
fn list(launches: &[Value], key: &str) -> Vec<Value> {
    let mut merged: Vec<Value> = Vec::new();
    for item in launches.iter().flat_map(|launch| items(launch, key)) {
        if merged.iter().any(|known| identity(known) == identity(item)) {
            continue;
        }
        let all = launches.iter().flat_map(|launch| items(launch, key));
        let same: Vec<&Value> = all.filter(|other| identity(other) == identity(item)).collect();
        let mut ratios: Vec<f64> = same.iter().filter_map(|one| one["ratio"].as_f64()).collect();
        let mut one = item.clone();
        for (name, value) in one.as_object_mut().into_iter().flatten() {
            if !IDENTITY.contains(&name.as_str()) {
                *value = median(&same.iter().map(|other| &other[name]).collect::<Vec<_>>());
            }
        }
        if !ratios.is_empty() {
            one["modes"] = modes(&mut ratios).into();
            one["launches"] = ratios.into();
        }
        merged.push(one);
    }
    merged
}

/// The median of numbers; of arrays, item by item; of anything else, the first.
fn median(values: &[&Value]) -> Value {
    let mut numbers: Vec<f64> = values.iter().filter_map(|value| value.as_f64()).collect();
    if !numbers.is_empty() {
        return quantile(&mut numbers, 0.5).into();
    }
    match values[0].as_array() {
        Some(first) => (0..first.len())
            .map(|i| median(&values.iter().filter_map(|value| value.get(i)).collect::<Vec<_>>()))
            .collect(),
        None => values[0].clone(),
    }
}

/// The medians of the two groups that the values fall into, if they do; else their median. Sorts them.
///
/// Two groups: at least two values each, and a factor between the groups that is larger than 1.25 and than those within.
fn modes(values: &mut [f64]) -> Vec<f64> {
    let whole = vec![quantile(values, 0.5)];
    let factor = |group: &[f64]| group[group.len() - 1] / group[0];
    let cuts = 2..values.len().saturating_sub(1);
    let Some(cut) = cuts.max_by(|&a, &b| (values[a] / values[a - 1]).total_cmp(&(values[b] / values[b - 1]))) else {
        return whole;
    };
    let between = values[cut] / values[cut - 1];
    let (low, high) = values.split_at_mut(cut);
    if between > 1.25 && between > factor(low) && between > factor(high) {
        vec![quantile(low, 0.5), quantile(high, 0.5)]
    } else {
        whole
    }
}

/// Says of each measurement whether the ring beside itself came out as 1 in its kind.
fn judged(mut list: Vec<Value>) -> Vec<Value> {
    let kind = |item: &Value| ["waiting", "axis", "payload", "writers", "mode"].map(|key| item[key].clone());
    let itself = |item: &Value| item["itself"].as_f64().or_else(|| item["ratio"].as_f64().filter(|_| is_ring(item)));
    let kinds: Vec<_> = list.iter().filter_map(|item| Some((kind(item), itself(item)?))).collect();
    for item in &mut list {
        let found = kinds.iter().find(|(of, _)| *of == kind(item));
        item["published"] = found.is_some_and(|(_, itself)| (itself - 1.0).abs() <= TOLERANCE).into();
    }
    list
}

/// Whether the measurement is of the ring beside itself.
pub fn is_ring(item: &Value) -> bool {
    item["peer"] == json!("iobring")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(peer: &str, payload: u64, ratio: f64) -> Value {
        json!({ "peer": peer, "payload": payload, "ratio": ratio, "ratio_quartiles": [ratio, 2.0 * ratio] })
    }

    fn launch(rows: &[Value]) -> Value {
        json!({ "machine": {}, "rows": rows, "failed": [] })
    }

    #[test]
    fn a_figure_is_the_median_over_launches() {
        let launches = [3.0, 1.0, 1.1].map(|ratio| launch(&[row("iobring", 64, 1.0), row("rtrb", 64, ratio)]));
        let merged = merge(&launches, &[0.0, 0.05, 0.0]);
        let rtrb = &merged["rows"][1];
        assert_eq!(rtrb["ratio"], json!(1.1));
        assert_eq!(rtrb["ratio_quartiles"], json!([1.1, 2.2]));
        assert_eq!(rtrb["launches"], json!([1.0, 1.1, 3.0]));
        assert_eq!(rtrb["payload"].as_u64(), Some(64));
        assert_eq!(merged["machine"]["quiet"], json!(true));
    }

    #[test]
    fn one_launch_that_was_disturbed_makes_all_of_it_disturbed() {
        let launches = [launch(&[]), launch(&[])];
        assert_eq!(merge(&launches, &[0.0, 2.0 * LIMIT])["machine"]["quiet"], json!(false));
    }

    #[test]
    fn what_the_ring_fails_beside_itself_is_not_published() {
        let merged = judged(vec![
            row("iobring", 16, 1.04),
            row("rtrb", 16, 0.5),
            row("iobring", 64, 0.93),
            row("rtrb", 64, 0.5),
            row("rtrb", 256, 0.5),
        ]);
        let published = merged.iter().map(|item| item["published"].as_bool().expect("a verdict"));
        assert_eq!(published.collect::<Vec<_>>(), [true, true, false, false, false]);
    }

    #[test]
    fn a_curve_is_judged_by_its_first_point() {
        let point = |x: u64, itself: f64| json!({ "axis": "writers", "mode": "single", "x": x, "itself": itself });
        assert_eq!(judged(vec![point(1, 1.3), point(2, 1.3)])[1]["published"], json!(false));
        assert_eq!(judged(vec![point(1, 1.0), point(2, 1.0)])[1]["published"], json!(true));
    }

    #[test]
    fn two_groups_are_two_modes_and_a_stray_value_is_none() {
        assert_eq!(modes(&mut [0.4, 2.0, 0.44, 2.2, 0.42]), [0.42, 2.1]);
        assert_eq!(modes(&mut [0.4, 0.44, 0.42, 2.0, 0.41]), [0.42]);
        assert_eq!(modes(&mut [0.9, 1.0, 1.1, 1.2, 1.3]), [1.1]);
        assert_eq!(modes(&mut [0.5, 1.5]), [1.0]);
        assert_eq!(modes(&mut [0.7]), [0.7]);
    }
}
