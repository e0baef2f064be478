//! The programs, in our own words; each thread notes what it has read.

use std::collections::BTreeSet;
use std::sync::Arc;
use weakest::facade::{Atomic, Platform, sites};
use weakest::{Notes, Program, Scenario};

sites! {
    /// An addition.
    ADD: Rmw Relaxed, "as in the literature";
    /// A compare-and-exchange.
    EXCHANGE: CompareExchange Relaxed, "as in the literature";
    /// A load.
    LOAD: Load Acquire, "as in the literature";
    /// A store.
    STORE: Store Release, "as in the literature";
}

/// A family of programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Each thread adds 1 to one word.
    Ainc,
    /// To two words, one after the other.
    Binc,
    /// To three.
    Cinc,
    /// The thread i exchanges i - 1 for i.
    Casrot,
    /// Each thread exchanges 0 for 1 and then stores a number of its own.
    Casw,
    /// One writer, and so many readers that read once.
    Readers,
    /// So many writers and one more that store once each, and a reader that reads once.
    Writers,
    /// The writer i stores one more than it read from the word before its own; a reader looks for the last word that is 0.
    LastZero,
    /// Each thread puts four numbers into a table of hashes, each at the first free place from its own on.
    Indexer,
    /// Two threads add each other's word to their own, so many times; a third looks at both.
    Fibonacci,
}

use Kind::*;

/// A program of a size, and how many execution graphs others count.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Of this family.
    pub kind: Kind,
    /// Of this size.
    pub size: usize,
    /// GenMC's.
    pub graphs: u64,
    /// Where everything is sequentially consistent.
    pub sequential: bool,
}

const fn rc11(kind: Kind, size: usize, graphs: u64) -> Entry {
    Entry { kind, size, graphs, sequential: false }
}

/// All that are run. Under sequential consistency those that have another number of graphs there.
pub const ALL_PROGRAMS: &[Entry] = &[
    rc11(Ainc, 2, 2),
    rc11(Ainc, 3, 6),
    rc11(Ainc, 4, 24),
    rc11(Ainc, 5, 120),
    rc11(Ainc, 6, 720),
    rc11(Ainc, 7, 5_040),
    rc11(Binc, 2, 4),
    rc11(Binc, 3, 36),
    rc11(Binc, 4, 576),
    rc11(Cinc, 2, 8),
    rc11(Cinc, 3, 216),
    rc11(Cinc, 4, 13_824),
    rc11(Casrot, 2, 2),
    rc11(Casrot, 3, 5),
    rc11(Casrot, 4, 14),
    rc11(Casrot, 5, 43),
    rc11(Casrot, 6, 144),
    rc11(Casrot, 7, 523),
    rc11(Casrot, 8, 2_048),
    rc11(Casrot, 9, 8_597),
    rc11(Casw, 2, 6),
    rc11(Casw, 3, 66),
    rc11(Casw, 4, 1_200),
    rc11(Readers, 2, 4),
    rc11(Readers, 8, 256),
    rc11(Readers, 13, 8_192),
    rc11(Writers, 4, 720),
    rc11(LastZero, 5, 64),
    rc11(LastZero, 10, 3_328),
    rc11(LastZero, 15, 147_456),
    rc11(Indexer, 12, 8),
    rc11(Fibonacci, 5, 525_630),
    Entry { sequential: true, ..rc11(Fibonacci, 5, 218_243) },
];

impl Kind {
    /// Its name in the literature.
    pub fn name(self) -> &'static str {
        match self {
            Ainc => "ainc",
            Binc => "binc",
            Cinc => "cinc",
            Casrot => "casrot",
            Casw => "casw",
            Readers => "readers",
            Writers => "N-writers",
            LastZero => "lastzero",
            Indexer => "indexer",
            Fibonacci => "fib_bench",
        }
    }

    /// Whether the values read tell all of the graph.
    pub fn is_comparable(self) -> bool {
        !matches!(self, Casw | Writers)
    }

    /// How many threads a program has.
    pub fn threads(self, size: usize) -> usize {
        match self {
            Ainc | Binc | Cinc | Casrot | Casw | Indexer => size,
            Readers | LastZero => size + 1,
            Writers => size + 2,
            Fibonacci => 3,
        }
    }

    fn words(self, size: usize) -> usize {
        match self {
            Ainc | Casrot | Casw | Readers | Writers => 1,
            Binc | Fibonacci => 2,
            Cinc => 3,
            LastZero => size + 1,
            Indexer => places(size).len(),
        }
    }

    /// What the thread of this number does.
    fn body<P: Platform>(self, size: usize, thread: usize, words: &[P::AtomicU32]) -> Notes {
        let number = thread as u32;
        let (load, store) =
            (|word: usize| words[word].load(&LOAD), |word: usize, value| words[word].store(&STORE, value));
        let exchange = |word: usize, from, to| words[word].compare_exchange(&EXCHANGE, from, to);
        let (Ok(found) | Err(found)) = match self {
            Ainc | Binc | Cinc => return words.iter().map(|word| word.fetch_add(&ADD, 1).into()).collect(),
            Casrot => exchange(0, number, number + 1),
            Casw => {
                let found = exchange(0, 0, 1);
                store(0, number + 3);
                found
            }
            Readers | Writers if thread > 0 && (self == Readers || thread == size + 1) => Ok(load(0)),
            Readers | Writers => {
                store(0, 42 + number);
                return vec![];
            }
            LastZero if thread == 0 => {
                let last = (0..=size).rev().map(load).take_while(|&found| found != 0);
                return last.map(u64::from).collect();
            }
            LastZero => {
                let found = load(thread - 1);
                store(thread, found + 1);
                Ok(found)
            }
            Indexer => {
                let places = places(size);
                return (0..4).flat_map(|round| index::<P>(words, &places, hashed(round, thread))).collect();
            }
            Fibonacci if thread == 2 => return (0..2).map(|word| load(word).into()).collect(),
            Fibonacci => {
                let round = |_| {
                    let found = [load(0), load(1)];
                    store(thread, found[0] + found[1]);
                    found.map(u64::from)
                };
                return (0..size).flat_map(round).collect();
            }
        };
        vec![found.into()]
    }
}

/// The number that a thread puts into the table in one round.
fn hashed(round: usize, thread: usize) -> usize {
    round * 11 + thread
}

/// The table's places that any number comes to: its own, and the next if that is taken. The literature's table has 128.
fn places(size: usize) -> Vec<usize> {
    let own = |round, thread| hashed(round, thread) * 7 % 128;
    let all = (0..4).flat_map(|round| (0..size).flat_map(move |thread| [own(round, thread), own(round, thread) + 1]));
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Puts a number where it belongs or behind; what was found on the way.
fn index<P: Platform>(table: &[P::AtomicU32], places: &[usize], number: usize) -> Notes {
    let mut found = Vec::new();
    for place in (number * 7 % 128).. {
        let word = &table[places.binary_search(&place).expect("nobody comes here")];
        match word.compare_exchange(&EXCHANGE, 0, number as u32) {
            Ok(_) => break,
            Err(other) => found.push(other.into()),
        }
    }
    // So that where one number's ends, the next one's begins.
    found.push(0);
    found
}

/// One program.
#[derive(Clone, Copy, Debug)]
pub struct Literature {
    /// Of this family.
    pub kind: Kind,
    /// Of this size.
    pub size: usize,
}

impl Scenario for Literature {
    fn name(&self) -> String {
        format!("{}({})", self.kind.name(), self.size)
    }

    fn program<P: Platform>(&self) -> Program {
        let Literature { kind, size } = *self;
        let first = if kind == Fibonacci { 1 } else { 0 };
        let words: Arc<Vec<_>> = Arc::new((0..kind.words(size)).map(|_| P::AtomicU32::new("word", first)).collect());
        (0..kind.threads(size))
            .fold(Program::new(), |program, thread| {
                let words = words.clone();
                program.thread(thread.to_string(), move || kind.body::<P>(size, thread, &words))
            })
            .finish(|ends| format!("{:?}", ends.iter().map(|end| end.notes()).collect::<Vec<_>>()))
    }
}
