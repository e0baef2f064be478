//! What programs are made of, and which pairs of that there are.

use super::call::{Call, Side};
use super::choose::Circumstances;
use super::program::{Program, Start, Thread};
use crate::spec::Time;
use std::collections::{BTreeSet, HashSet};
use std::fmt;

/// Where the indices of a ring stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Index {
    /// At the start.
    Zero,
    /// So that the first record's header lies across the end of the ring.
    WrapsHeader,
    /// So that its message begins the ring again.
    WrapsMessage,
    /// So that the second record's header lies across the end.
    WrapsLater,
    /// So that one record fits before the end of the index range.
    Last,
}

/// How full a ring is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Filled {
    /// Empty.
    Empty,
    /// There is something.
    Partly,
    /// No record fits.
    Full,
}

/// What a program's calls happen in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Circumstance {
    /// The ring's size.
    Capacity(u64),
    /// Where its indices stand.
    Index(Index),
    /// How full it is.
    Filled(Filled),
    /// The lock is biased towards one of the threads.
    Biased,
    /// So many threads may die.
    Deaths(u8),
    /// Waits may end for nothing.
    Restless,
    /// Time passes only when no thread can do anything.
    Idle,
}

impl Start {
    /// Where the indices stand.
    pub fn place(&self) -> Index {
        match self.index {
            index if index > u64::MAX / 2 => Index::Last,
            index => match self.capacity - index % self.capacity {
                8 => Index::WrapsHeader,
                16 => Index::WrapsMessage,
                32 if self.capacity > 32 => Index::WrapsLater,
                _ => Index::Zero,
            },
        }
    }

    /// How full the ring is.
    pub fn fill(&self) -> Filled {
        match self.filled {
            0 => Filled::Empty,
            filled if self.capacity - 24 * filled < 24 => Filled::Full,
            _ => Filled::Partly,
        }
    }
}

/// Two things that meet in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pair {
    /// One call after the other, by one thread.
    Then(Call, Call),
    /// One call beside the other, by two threads.
    Beside(Call, Call),
    /// A call in such circumstances.
    In(Call, Circumstance),
    /// Two circumstances at once.
    Both(Circumstance, Circumstance),
}

/// Three things that meet in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Triple {
    /// Three calls, one after the other, by one thread.
    Then([Call; 3]),
    /// One call after the other, by one thread, and one beside them.
    ThenBeside([Call; 3]),
    /// Three calls by three threads.
    Beside([Call; 3]),
    /// One call after the other, in such circumstances.
    ThenIn([Call; 2], Circumstance),
    /// One call beside the other, in such circumstances.
    BesideIn([Call; 2], Circumstance),
}

impl Triple {
    /// All kinds, by number, in words.
    pub const KINDS: [&str; 5] = [
        "three calls of one thread",
        "two calls of one thread beside another's",
        "three calls beside each other",
        "a call, then another, in a circumstance",
        "a call beside another thread's, in a circumstance",
    ];

    /// The number of its kind.
    pub fn kind(self) -> usize {
        match self {
            Triple::Then(_) => 0,
            Triple::ThenBeside(_) => 1,
            Triple::Beside(_) => 2,
            Triple::ThenIn(..) => 3,
            Triple::BesideIn(..) => 4,
        }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pair::Then(one, other) => write!(f, "{}, then {}", one.name(), other.name()),
            Pair::Beside(one, other) => write!(f, "{} beside {}", one.name(), other.name()),
            Pair::In(call, circumstance) => write!(f, "{} with {circumstance:?}", call.name()),
            Pair::Both(one, other) => write!(f, "{one:?} with {other:?}"),
        }
    }
}

impl Program {
    /// What its calls happen in.
    pub fn circumstances(&self) -> Vec<Circumstance> {
        let mut all = vec![
            Circumstance::Capacity(self.start.capacity),
            Circumstance::Index(self.start.place()),
            Circumstance::Filled(self.start.fill()),
        ];
        all.extend(self.start.biased.then_some(Circumstance::Biased));
        all.extend((self.deaths > 0).then_some(Circumstance::Deaths(self.deaths)));
        all.extend(self.restless.then_some(Circumstance::Restless));
        all.extend((self.time == Time::WhenIdle).then_some(Circumstance::Idle));
        all
    }

    /// The pairs that meet in it.
    pub fn pairs(&self) -> BTreeSet<Pair> {
        let mut pairs = BTreeSet::new();
        self.add_pairs(&mut pairs);
        pairs
    }

    fn add_pairs(&self, pairs: &mut impl Extend<Pair>) {
        for (at, thread) in self.threads.iter().enumerate() {
            for (place, &one) in thread.calls.iter().enumerate() {
                pairs.extend(thread.calls[place + 1..].iter().map(|&other| Pair::Then(one, other)));
                let others = self.threads[at + 1..].iter().flat_map(|thread| &thread.calls);
                pairs.extend(others.map(|&other| Pair::Beside(one.min(other), one.max(other))));
            }
        }
        let circumstances = self.circumstances();
        pairs.extend(self.calls().flat_map(|call| circumstances.iter().map(move |&other| Pair::In(call, other))));
        for (at, &one) in circumstances.iter().enumerate() {
            pairs.extend(circumstances[at + 1..].iter().map(|&other| Pair::Both(one, other)));
        }
    }
}

impl Program {
    /// The triples of calls that meet in it, and the pairs of calls with what they happen in.
    pub fn triples(&self) -> Vec<Triple> {
        let circumstances = self.circumstances();
        let mut triples = Vec::new();
        for (at, thread) in self.threads.iter().enumerate() {
            for (place, &one) in thread.calls.iter().enumerate() {
                for (next, &two) in thread.calls.iter().enumerate().skip(place + 1) {
                    triples.extend(thread.calls[next + 1..].iter().map(|&three| Triple::Then([one, two, three])));
                    let others = self.threads.iter().enumerate().filter(|&(other, _)| other != at);
                    let others = others.flat_map(|(_, other)| &other.calls);
                    triples.extend(others.map(|&three| Triple::ThenBeside([one, two, three])));
                    triples.extend(circumstances.iter().map(|&other| Triple::ThenIn([one, two], other)));
                }
                for (next, other) in self.threads.iter().enumerate().skip(at + 1) {
                    for &two in &other.calls {
                        let both = [one.min(two), one.max(two)];
                        triples.extend(circumstances.iter().map(|&other| Triple::BesideIn(both, other)));
                        for &three in self.threads[next + 1..].iter().flat_map(|thread| &thread.calls) {
                            let mut all = [one, two, three];
                            all.sort();
                            triples.push(Triple::Beside(all));
                        }
                    }
                }
            }
        }
        triples
    }
}

/// Every pair that any sensible program of two calls or threads has.
pub fn all_pairs() -> BTreeSet<Pair> {
    let all = Circumstances::all();
    let mut pairs = HashSet::new();
    for one in Call::ALL {
        for other in Call::ALL {
            let mut shapes = vec![vec![vec![one, other]]];
            if one.side() == Side::Writer {
                shapes.push(vec![vec![one], vec![other]]);
            }
            for shape in shapes {
                all.of(&shape).for_each(|program| program.add_pairs(&mut pairs));
            }
        }
    }
    pairs.into_iter().collect()
}

/// A thread that does this.
pub(super) fn thread(calls: &[Call], mortal: bool) -> Thread {
    Thread { calls: calls.to_vec(), mortal }
}
