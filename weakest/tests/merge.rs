//! A suite run in parts, and the parts put together: as good as the whole, and no better than what is in them.

use serde_json::{Value, json};
use std::sync::Arc;
use weakest::explorer::ExplorerOptions;
use weakest::facade::{Atomic, Cell, Platform, sites};
use weakest::matrix::{self, Chase, MatrixOptions};
use weakest::report::json::{self as document, Part};
use weakest::report::merge::{Plan, merge};
use weakest::report::{Programs, Results};
use weakest::run::Changes;
use weakest::shard::Shard;
use weakest::suite::{Engine, Entry};
use weakest::sweep::{self, SweepOptions};
use weakest::{Program, Scenario};

sites! {
    /// The message.
    FILL: Write, "plain data";
    /// It is there.
    PUBLISH: Store Release, pairs with [LOOK], "the message is there before the flag";
    /// Whether it is there.
    LOOK: Load Acquire, pairs with [PUBLISH], "as PUBLISH";
    /// The message.
    TAKE: Read, "plain data";
}

struct Message(&'static str);

impl Scenario for Message {
    fn name(&self) -> String {
        self.0.into()
    }

    fn program<P: Platform>(&self) -> Program {
        let shared = Arc::new((P::AtomicBool::new("flag", false), P::Cell::new("message", 0, 0)));
        let reader = shared.clone();
        Program::new()
            .mortal("writer", move || {
                shared.1.write(&FILL, 7);
                shared.0.store(&PUBLISH, true);
                vec![]
            })
            .thread("reader", move || if reader.0.load(&LOOK) { vec![reader.1.read(&TAKE)] } else { vec![] })
    }
}

const PARTS: usize = 3;

fn suite() -> Vec<Entry> {
    ["first", "second"].map(|name| Entry::new(Message(name), Engine::Explorer(ExplorerOptions::default()))).into()
}

/// What the machine of this part writes.
fn part(number: usize) -> Value {
    let shard = Shard::new(number, PARTS).unwrap();
    let sweeps = SweepOptions { shard, ..SweepOptions::default() };
    let mutants = MatrixOptions { shard, chase: Chase::UntilWitnessed, ..MatrixOptions::default() };
    let plan = Plan {
        of: "this".into(),
        models: ["explorer/first", "explorer/second"].map(String::from).into(),
        mutants: ["PUBLISH Relaxed", "LOOK Relaxed"].map(String::from).into(),
        sweeps: ["explorer/first/writer", "explorer/second/writer"].map(String::from).into(),
        sites: ALL.iter().map(|site| site.name.into()).collect(),
        programs: true,
    };
    let results = Results {
        models: shard.of(suite()).iter().map(|entry| entry.run(Changes::default())).collect(),
        matrix: Some(matrix::run(ALL, &suite(), &mutants)),
        sweeps: sweep::run(&suite(), &sweeps),
        programs: (number == 0).then(Programs::default),
        partial: true,
        shard: Some(Part { part: number, parts: PARTS, plan }),
        ..Results::default()
    };
    let path = std::env::temp_dir().join(format!("weakest-{}-{number}.json", std::process::id()));
    document::write(&path, &results).unwrap();
    let text = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn parts_make_a_whole_or_are_refused() {
    let parts = [part(0), part(1), part(2)];
    assert!(parts.iter().all(|part| part["verified"] == false), "no part is a proof");
    let whole = merge(&parts).unwrap();
    assert_eq!((&whole["verified"], &whole["complaints"]), (&json!(true), &json!([])));
    let count = |key: &str| whole[key].as_array().unwrap().len();
    assert_eq!((count("models"), count("matrix"), count("sweep")), (2, 2, 4), "{whole:#}");

    let refused = |parts: &[Value], why: &str| {
        let wrong = merge(parts).expect_err(why).join("\n");
        assert!(wrong.contains(why), "{wrong}");
    };
    refused(&[], "nothing to merge");
    refused(&parts[..2], "part 2/3 is missing");
    refused(&[parts[0].clone(), parts[1].clone(), parts[1].clone()], "part 1/3 is there twice");
    let changed = |number: usize, change: &dyn Fn(&mut Value)| {
        let mut changed = parts.clone();
        change(&mut changed[number]);
        changed
    };
    refused(&changed(1, &|part| part["shard"]["plan"]["of"] = "that".into()), "does not fit");
    refused(&changed(1, &|part| part["shard"]["plan"]["models"] = json!([])), "does not fit");
    refused(&changed(1, &|part| part["shard"] = Value::Null), "document 1 is not of a part");
    refused(&changed(1, &|part| part["models"] = json!([])), "explorer/second was run 0 times instead of 1");
    refused(&changed(1, &|part| part["matrix"] = json!([])), "LOOK Relaxed was run 0 times");
    refused(&changed(0, &|part| part["sweep"] = json!([])), "explorer/first/writer was run 0 times");
    refused(&changed(0, &|part| part["programs"] = Value::Null), "0 parts have generated programs");
    let twice = changed(2, &|part| part["models"] = parts[0]["models"].clone());
    refused(&twice, "explorer/first was run 2 times instead of 1");

    let complaints = |parts: &[Value]| {
        let whole = merge(parts).unwrap();
        assert_eq!(whole["verified"], false);
        whole["complaints"].to_string()
    };
    assert!(complaints(&changed(0, &|part| part["complaints"] = json!(["broken"]))).contains("broken"));
    let mut unseen = parts.clone();
    unseen.iter_mut().for_each(|part| part["reached"] = json!(["FILL", "PUBLISH", "LOOK"]));
    assert!(complaints(&unseen).contains("no model reaches TAKE"));
    let mut alone = parts.clone();
    alone.iter_mut().for_each(|part| part["pairings"][0]["witnessed"] = false.into());
    assert!(complaints(&alone).contains("PUBLISH is declared to pair with LOOK"));
}

#[test]
fn a_part_is_named_as_k_of_n_from_0() {
    assert_eq!("1/4".parse::<Shard>().unwrap().of(vec![0, 1, 2, 3, 4, 5]), [1, 5]);
    for wrong in ["4/4", "0/0", "1", "-1/2", "a/b"] {
        assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
    }
}
