//! Litmus tests for other people's tools: what two sites order, cut out of a failing execution of a scenario.
//!
//! A kill of the [matrix](crate::matrix) shows two sites at work. Its steps, with what each of them read, are a straight-line program
//! and an outcome; steps are left out for as long as the explorer finds that outcome with the weakened ordering and does not find
//! it with the one that ships. What is left is small, and herd7 can be asked the same ([`Dialect`]).
//!
//! Left out for good are dependencies, branches and system calls: without them there are more executions, so that what is forbidden
//! is forbidden with them. Data words become relaxed atomics. A read-modify-write becomes a swap: in executions with the same values
//! it is one. Every write has a value of its own, so the outcome says who read from whom.

mod cut;
mod dialect;

pub use dialect::Dialect;

use crate::explorer::{ExplorerOptions, Memory, check};
use crate::facade::{Atomic, Operation, Order, Platform, Site};
use crate::matrix::Matrix;
use crate::parallel;
use crate::run::{Changes, Verdict};
use crate::scenario::{End, Program, Scenario};
use std::sync::Arc;

/// What a step does. Locations are numbered; `saw` is the value that the outcome wants it to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for what they are")]
pub enum Action {
    Load { location: usize, saw: u32 },
    Store { location: usize, value: u32 },
    Swap { location: usize, saw: u32, value: u32 },
    Fence,
}

impl Action {
    /// The location, unless it is a fence.
    pub fn location(self) -> Option<usize> {
        match self {
            Action::Load { location, .. } | Action::Store { location, .. } | Action::Swap { location, .. } => {
                Some(location)
            }
            Action::Fence => None,
        }
    }

    /// What the outcome wants it to have read.
    pub fn saw(self) -> Option<u32> {
        match self {
            Action::Load { saw, .. } | Action::Swap { saw, .. } => Some(saw),
            _ => None,
        }
    }
}

/// One step of a thread.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Where in the protocol.
    pub site: &'static Site,
    /// What is done.
    pub action: Action,
    /// The ordering that ships.
    pub shipped: Order,
    /// The ordering in the test with the weakened site: the same but for one site.
    pub weakened: Order,
}

impl Step {
    /// The ordering in one of the two tests.
    pub fn order(&self, weakened: bool) -> Order {
        if weakened { self.weakened } else { self.shipped }
    }
}

/// Two tests, of one program and one outcome: as it ships, which must not show it, and with a weakened site.
#[derive(Clone, Debug)]
pub struct Test {
    /// The pair of sites.
    pub pair: (&'static str, &'static str),
    /// The site that is weakened.
    pub mutant: (&'static str, Order),
    /// The scenario that it was cut out of.
    pub case: String,
    /// The weakest memory's test that shows the outcome when weakened: RC11, or what hardware does beyond it.
    pub shown_by: Memory,
    /// Labels of the locations, which all hold 0 at first.
    pub locations: Vec<String>,
    /// The threads.
    pub threads: Vec<Vec<Step>>,
    /// Values that the outcome wants locations to end with.
    pub finals: Vec<(usize, u32)>,
}

impl Test {
    /// The number of steps, fences among them.
    pub fn steps(&self) -> usize {
        self.threads.iter().map(Vec::len).sum()
    }

    /// Whether the outcome can come about on a memory; nothing if that takes too many states to tell.
    pub fn shows(&self, weakened: bool, memory: Memory) -> Option<bool> {
        if self.locations.len() > LABELS.len() {
            return None;
        }
        let fragment = Fragment { test: self.clone(), weakened, eager: memory == Memory::ReleaseAcquire };
        let max_states = Some(100_000);
        let options = ExplorerOptions { memory, workers: 1, max_states, liveness: false, ..Default::default() };
        match check(&fragment, Changes::default(), &options).verdict {
            Verdict::Fail(_) => Some(true),
            Verdict::Pass => Some(false),
            _ => None,
        }
    }
}

/// A test for each declared pairing of which a kill in `matrix` makes one, and the pairings that have none. On so many threads.
pub fn tests(matrix: &Matrix, workers: usize) -> (Vec<Test>, Vec<(&'static str, &'static str)>) {
    let pairs: Vec<_> = matrix.pairings().iter().map(|pairing| (pairing.site, pairing.pair)).collect();
    let cut = parallel::map(&pairs, workers, |&pair| {
        matrix.witnesses(pair.0, pair.1).into_iter().find_map(|(row, kill)| cut::test(pair, row, kill))
    });
    let without = pairs.iter().zip(&cut).filter(|(_, test)| test.is_none()).map(|(pair, _)| *pair).collect();
    (cut.into_iter().flatten().collect(), without)
}

/// What locations are called while the explorer looks at a test; more than these make no test.
const LABELS: [&str; 16] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];

/// A test as a scenario, which fails if the outcome comes about.
struct Fragment {
    test: Test,
    weakened: bool,
    /// Whether a thread ends when it has read something else: fewer states, but then what it writes depends on what it reads.
    eager: bool,
}

impl Scenario for Fragment {
    fn name(&self) -> String {
        format!("{}+{}", self.test.pair.0, self.test.pair.1)
    }

    fn program<P: Platform>(&self) -> Program {
        let atoms: Vec<P::AtomicU32> =
            LABELS.iter().take(self.test.locations.len()).map(|label| P::AtomicU32::new(label, 0)).collect();
        let atoms = Arc::new(atoms);
        let mut program = Program::new();
        for (number, steps) in self.test.threads.iter().enumerate() {
            let (atoms, steps) = (atoms.clone(), steps.clone());
            let (weakened, eager) = (self.weakened, self.eager);
            program = program.thread(format!("P{number}"), move || {
                let mut as_wanted = true;
                for step in &steps {
                    as_wanted &= perform::<P>(step, step.order(weakened), &atoms);
                    if eager && !as_wanted {
                        break;
                    }
                }
                vec![u64::from(as_wanted)]
            });
        }
        let finals = self.test.finals.clone();
        program.finish(move |ends: &[End]| {
            let read = ends.iter().all(|end| end.notes() == [1]);
            let last = finals.iter().all(|&(x, value)| atoms[x].load(site(Operation::Load, Order::Relaxed)) == value);
            assert!(!(read && last), "the outcome");
            "another outcome".into()
        })
    }
}

/// Does a step; whether it read what the outcome wants.
fn perform<P: Platform>(step: &Step, order: Order, atoms: &[P::AtomicU32]) -> bool {
    match step.action {
        Action::Load { location, saw } => atoms[location].load(site(Operation::Load, order)) == saw,
        Action::Store { location, value } => {
            atoms[location].store(site(Operation::Store, order), value);
            true
        }
        Action::Swap { location, saw, value } => atoms[location].swap(site(Operation::Rmw, order), value) == saw,
        Action::Fence => {
            P::fence(site(Operation::Fence, order));
            true
        }
    }
}

/// A site of a fragment's.
fn site(operation: Operation, order: Order) -> &'static Site {
    macro_rules! table {
        ($($operation:ident),*) => {
            match operation {
                $(Operation::$operation => {
                    const fn make(order: Order) -> Site {
                        let name = stringify!($operation);
                        Site { name, operation: Operation::$operation, order, pairs_with: &[], reason: "a litmus test" }
                    }
                    static SITES: [Site; 5] = [
                        make(Order::Relaxed), make(Order::Acquire), make(Order::Release), make(Order::AcqRel), make(Order::SeqCst),
                    ];
                    &SITES[order as usize]
                })*
                _ => unreachable!("no step of a litmus test"),
            }
        };
    }
    table!(Load, Store, Rmw, Fence)
}
