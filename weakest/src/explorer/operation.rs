//! What a thread may ask of memory, and what memory may answer.

use crate::facade::heap::qualified;
use crate::facade::{Operation as Declared, Order, Rmw, Site, Value};
use std::hash::{Hash, Hasher};

/// What an operation does, with its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Request {
    Load,
    Store(u64),
    Update(Rmw, u64),
    CompareExchange {
        current: u64,
        new: u64,
        weak: bool,
    },
    Read,
    Write(u64),
    Fence,
    /// The deadline in nanoseconds of virtual time.
    Wait {
        expected: u64,
        deadline: Option<u64>,
    },
    Wake {
        count: u32,
    },
    StoreAndWakeAll(u64),
    Announce,
    Retire,
    Now,
}

impl Request {
    /// What a site must be declared as for this to be done there.
    pub(super) fn operation(self) -> Option<Declared> {
        Some(match self {
            Request::Load => Declared::Load,
            Request::Store(_) => Declared::Store,
            Request::Update(..) => Declared::Rmw,
            Request::CompareExchange { .. } => Declared::CompareExchange,
            Request::Read => Declared::Read,
            Request::Write(_) => Declared::Write,
            Request::Fence => Declared::Fence,
            Request::Wait { .. } => Declared::Wait,
            Request::Wake { .. } | Request::StoreAndWakeAll(_) => Declared::Wake,
            Request::Announce | Request::Retire | Request::Now => return None,
        })
    }
}

/// One facade operation of one thread, not yet answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) site: Option<&'static Site>,
    /// The ordering in force, after mutation.
    pub(super) order: Order,
    /// The location or the cell. A fence has none, and says here whether it is [`LIGHT`].
    pub(super) object: u16,
    pub(super) request: Request,
    /// The site, with the ordering in force, of what a compare-and-exchange that fails has found; relaxed if there is none.
    pub(super) failure: Option<(&'static Site, Order)>,
    /// The call of the program that it is part of, for the picture: no part of what it is.
    pub(super) call: Option<&'static str>,
}

/// In the place of a fence's object: it is the light half of an asymmetric pair.
pub(super) const LIGHT: u16 = 1;

impl Operation {
    /// The ordering of what a compare-and-exchange that fails has found.
    pub(super) fn failure_order(&self) -> Order {
        self.failure.map_or(Order::Relaxed, |(_, order)| order)
    }

    /// What a read that finds this value may be answered.
    pub(super) fn answers(&self, value: u64) -> Vec<Answer> {
        match self.request {
            Request::CompareExchange { current, .. } if value != current => vec![Answer::value(value)],
            Request::CompareExchange { weak: false, .. } => vec![Answer::exchanged(value)],
            Request::CompareExchange { .. } => vec![Answer::exchanged(value), Answer::value(value)],
            _ => vec![Answer::value(value)],
        }
    }

    /// Whether it is the light half of an asymmetric fence.
    pub(super) fn is_light_fence(&self) -> bool {
        self.request == Request::Fence && self.object == LIGHT
    }
}

impl Hash for Operation {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let failure = self.failure.map(|(site, order)| (site.name, order));
        (self.site.map(|site| site.name), self.order, self.object, self.request, failure).hash(state);
    }
}

impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        self.object == other.object
            && self.request == other.request
            && self.order == other.order
            && self.site.map(|s| s.name) == other.site.map(|s| s.name)
            && self.failure.map(|(s, order)| (s.name, order)) == other.failure.map(|(s, order)| (s.name, order))
    }
}

/// What memory answered: a value, and a flag whose meaning depends on the request (a compare-and-exchange's success; how
/// a wait ended).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Answer {
    pub(super) value: u64,
    pub(super) flag: u8,
}

impl Answer {
    pub(super) const NOTHING: Answer = Answer { value: 0, flag: 0 };
    pub(super) const WOKEN: Answer = Answer { value: 0, flag: 1 };
    pub(super) const CHANGED: Answer = Answer { value: 0, flag: 2 };
    pub(super) const TIMED_OUT: Answer = Answer { value: 0, flag: 3 };

    pub(super) fn value(value: u64) -> Answer {
        Answer { value, flag: 0 }
    }
    pub(super) fn exchanged(value: u64) -> Answer {
        Answer { value, flag: 1 }
    }
}

/// A shared atomic of a program.
#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) label: String,
    pub(super) initial: u64,
    /// All ones, as wide as the value.
    pub(super) mask: u64,
    /// Whether the highest bit is a sign.
    pub(super) signed: bool,
}

impl Location {
    pub(super) fn new<T: Value>(label: &'static str, initial: T) -> Self {
        Location { label: qualified(label), initial: initial.to_bits(), mask: T::MASK, signed: T::SIGNED }
    }

    /// What a read-modify-write makes of a value.
    pub(super) fn update(&self, rmw: Rmw, old: u64, operand: u64) -> u64 {
        rmw.apply_as(old, operand, self.mask, self.signed)
    }
}

/// A data word of a program.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) label: String,
    pub(super) initial: u64,
}

/// Everything a program shares, in the order of creation.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    pub(super) locations: Vec<Location>,
    pub(super) words: Vec<Word>,
    /// The virtual time, in nanoseconds.
    pub(super) now: u64,
}
