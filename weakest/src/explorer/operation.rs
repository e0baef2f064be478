//! What a thread may ask of memory, and what memory may answer.

use crate::facade::{Order, Site};
use std::hash::{Hash, Hasher};

/// What an operation does, with its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Request {
    Load,
    Store(u64),
    Update(Update, u64),
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

/// A read-modify-write that always succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Update {
    Swap,
    Add,
    Or,
    And,
}

impl Update {
    /// The new value, of an integer with the given mask.
    pub(super) fn apply(self, old: u64, operand: u64, mask: u64) -> u64 {
        match self {
            Update::Swap => operand,
            Update::Add => old.wrapping_add(operand) & mask,
            Update::Or => old | operand,
            Update::And => old & operand,
        }
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
}

/// In the place of a fence's object: it is the light half of an asymmetric pair.
pub(super) const LIGHT: u16 = 1;

impl Operation {
    /// Whether it is the light half of an asymmetric fence.
    pub(super) fn is_light_fence(&self) -> bool {
        self.request == Request::Fence && self.object == LIGHT
    }
}

impl Hash for Operation {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.site.map(|site| site.name), self.order, self.object, self.request).hash(state);
    }
}

impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        self.object == other.object
            && self.request == other.request
            && self.order == other.order
            && self.site.map(|s| s.name) == other.site.map(|s| s.name)
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
    /// All ones, as wide as the integer.
    pub(super) mask: u64,
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
