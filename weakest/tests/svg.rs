//! The pictures for a page: well-formed, complete, with the arrows that the traces have.

#[path = "../examples/mailbox.rs"]
mod mailbox;

use mailbox::{ALL, Letters, protocol};
use roxmltree::{Document, Node};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use weakest::draw::{svg, words};
use weakest::engine::loom::LoomOptions;
use weakest::facade::Platform;
use weakest::matrix::{self, MatrixOptions};
use weakest::run::Verdict;
use weakest::suite::{Engine, Entry};
use weakest::sweep::{self, SweepOptions};
use weakest::trace::{Action, Trace};
use weakest::{Program, Scenario};

/// Letters of a sender for whom nobody hangs up when it dies.
struct Abandoned;

impl Scenario for Abandoned {
    fn name(&self) -> String {
        "abandoned".into()
    }

    fn about(&self) -> String {
        "the receiver waits for ever".into()
    }

    fn program<P: Platform>(&self) -> Program {
        Program { on_death: None, ..Letters { count: 1 }.program::<P>() }
    }
}

/// Races, and lost wake-ups after a death.
static TRACES: LazyLock<Vec<Trace>> = LazyLock::new(|| {
    let matrix = matrix::run(ALL, &protocol().suite(), &MatrixOptions::default());
    let races = matrix.rows.into_iter().flat_map(|row| row.killed_by).map(|kill| kill.trace);
    let broken = Entry::new(Abandoned, Engine::Loom(LoomOptions::default()));
    let sweeps = sweep::run(&[broken], &SweepOptions::default());
    let deadlocks = sweeps.iter().flat_map(|sweep| sweep.failures()).map(|(_, run)| match &run.verdict {
        Verdict::Fail(trace) => (**trace).clone(),
        other => panic!("{other:?}"),
    });
    races.chain(deadlocks).collect()
});

fn with_class<'a>(document: &'a Document, class: &str) -> Vec<Node<'a, 'a>> {
    let has = |node: &Node| node.attribute("class").is_some_and(|all| all.split(' ').any(|one| one == class));
    document.descendants().filter(has).collect()
}

fn number(node: &Node, attribute: &str) -> usize {
    node.attribute(attribute).unwrap().parse().unwrap()
}

/// All text under a node, as it is read.
fn read(node: &Node) -> String {
    let texts: Vec<&str> = node.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect();
    texts.join(" ")
}

fn pairs(nodes: &[Node]) -> BTreeSet<(usize, usize)> {
    nodes.iter().map(|node| (number(node, "data-from"), number(node, "data-to"))).collect()
}

#[test]
fn every_event_is_there_in_words_and_order() {
    assert!(TRACES.len() > 6, "{}", TRACES.len());
    for trace in TRACES.iter() {
        let picture = svg::draw(trace);
        let document = Document::parse(&picture).unwrap();
        let events = with_class(&document, "event");
        assert_eq!(events.len(), trace.events.len());
        for (index, (node, event)) in events.iter().zip(&trace.events).enumerate() {
            assert_eq!(number(node, "data-event"), index);
            let words = read(node);
            assert!(words.contains(&words::action(event)), "{words}");
            if let Some(site) = event.site {
                assert!(words.contains(site.name), "{words}");
            }
        }
        let sentence = read(&with_class(&document, "sentence")[0]);
        let said = format!("{} {}", words::sentence(trace), words::weakness(trace).unwrap_or_default());
        assert_eq!(sentence, said.trim_end());
        let lanes: Vec<String> = with_class(&document, "name").iter().map(read).collect();
        let expected: Vec<String> = words::lanes(trace).iter().map(|lane| trace.threads[*lane].clone()).collect();
        assert_eq!(lanes, expected);
    }
}

#[test]
fn arrows_are_the_reads_from_and_the_wake_ups() {
    for trace in TRACES.iter() {
        let picture = svg::draw(trace);
        let document = Document::parse(&picture).unwrap();
        let mut reads = BTreeSet::new();
        let mut wakes = BTreeSet::new();
        for (to, event) in trace.events.iter().enumerate() {
            match event.action {
                Action::Read { from: Some(from), .. }
                | Action::Updated { from: Some(from), .. }
                | Action::Refused { from: Some(from), .. } => drop(reads.insert((from, to))),
                Action::Awoke { by: Some(by) } => drop(wakes.insert((by, to))),
                _ => {}
            }
        }
        assert_eq!(pairs(&with_class(&document, "from")), reads);
        assert_eq!(pairs(&with_class(&document, "wakes")), wakes);
    }
}

#[test]
fn culprits_and_weakened_orderings_are_marked() {
    let weakened = |trace: &Trace| trace.events.iter().any(|event| event.weakened());
    assert!(TRACES.iter().any(weakened) && TRACES.iter().any(|trace| !weakened(trace)));
    for trace in TRACES.iter() {
        let picture = svg::draw(trace);
        let document = Document::parse(&picture).unwrap();
        let events = with_class(&document, "event");
        for (index, (node, event)) in events.iter().zip(&trace.events).enumerate() {
            let class = node.attribute("class").unwrap();
            assert_eq!(class.contains("culprit"), trace.culprits.contains(&index), "{class}");
            if event.weakened() {
                assert!(read(node).contains(&format!("(ships {})", event.site.unwrap().order)));
            }
        }
    }
}

#[test]
fn nothing_stands_outside_of_the_picture() {
    for trace in TRACES.iter() {
        let picture = svg::draw(trace);
        let document = Document::parse(&picture).unwrap();
        let root = document.root_element();
        let size: Vec<usize> = root.attribute("viewBox").unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
        let (width, height) = (size[2], size[3]);
        for node in root.descendants().filter(|node| node.has_tag_name("tspan")) {
            let characters = read(&node).chars().count();
            // A bold character of the sentence is the widest there is.
            assert!(number(&node, "x") + characters * 7 <= width + 16, "cut off: {}", read(&node));
            assert!(number(&node, "y") < height);
        }
    }
}
