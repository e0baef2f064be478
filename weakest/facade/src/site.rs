//! Ordering sites: each operation on shared memory has one name, one ordering and one reason.

use crate::Order;
use core::fmt;

/// What a site does to shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// An atomic load; also what a compare-and-exchange that fails does, where that is a site of its own.
    Load,
    /// An atomic store.
    Store,
    /// A read-modify-write that always succeeds (swap, add, or, and their like).
    Rmw,
    /// A compare-and-exchange; the site's ordering is that of success. Failure is relaxed, or has a site of its own.
    CompareExchange,
    /// A memory fence.
    Fence,
    /// A read of a data word: not atomic to a checker, so unordered conflicting accesses are data races.
    Read,
    /// A write of a data word, likewise.
    Write,
    /// Sleeping on a futex word. Orders nothing.
    Wait,
    /// Waking sleepers of a futex word. Orders nothing.
    Wake,
}

/// One place in the code where shared memory is touched.
///
/// Declared with [`sites!`](crate::sites), so that the declaration is the documentation.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The name used in tables, traces and pictures. Unique within its table.
    pub name: &'static str,
    /// What is done there.
    pub operation: Operation,
    /// The ordering that ships.
    pub order: Order,
    /// The names of the sites on the other side: those that read what this one releases, or release what it acquires.
    pub pairs_with: &'static [&'static str],
    /// Why the ordering is what it is.
    pub reason: &'static str,
}

impl Site {
    /// The ordering that ships, usable in constants.
    #[inline(always)]
    pub const fn order(&self) -> Order {
        self.order
    }

    /// The orderings a checker tries in place of [`order`](Self::order): all strictly weaker ones that the operation may
    /// have, strongest first. A fence weakened to `Relaxed` is a fence removed.
    pub const fn weaker(&self) -> &'static [Order] {
        use Order::{AcqRel, Acquire, Relaxed, Release, SeqCst};
        match (self.operation, self.order) {
            (_, Relaxed) => &[],
            (_, Acquire | Release) => &[Relaxed],
            (_, AcqRel) => &[Acquire, Release, Relaxed],
            (Operation::Load, SeqCst) => &[Acquire, Relaxed],
            (Operation::Store, SeqCst) => &[Release, Relaxed],
            (_, SeqCst) => &[AcqRel, Acquire, Release, Relaxed],
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// Declares the table of a protocol's sites: one constant each, and `ALL` with every one of them in order.
///
/// ```
/// weakest_facade::sites! {
///     /// The flag that says the slot is filled.
///     FLAG_PUBLISH: Store Release, pairs with [FLAG_SEEN],
///         "the slot's bytes must be visible to whoever sees the flag";
///     /// The reader's look at the flag.
///     FLAG_SEEN: Load Acquire, pairs with [FLAG_PUBLISH],
///         "the slot is read after the flag was seen set";
///     /// Filling the slot.
///     SLOT_WRITE: Write, "plain data, ordered by FLAG_PUBLISH";
/// }
/// assert_eq!(ALL.len(), 3);
/// const _: () = assert!(matches!(FLAG_PUBLISH.order(), weakest_facade::Order::Release));
/// ```
#[macro_export]
macro_rules! sites {
    ($(
        $(#[$meta:meta])*
        $name:ident : $operation:ident $($order:ident)?, $(pairs with [$($pair:ident),* $(,)?],)? $reason:literal;
    )*) => {
        $(
            $(#[$meta])*
            pub const $name: $crate::Site = $crate::Site {
                name: stringify!($name),
                operation: $crate::Operation::$operation,
                order: $crate::sites!(@order $($order)?),
                pairs_with: &[$($(stringify!($pair)),*)?],
                reason: $reason,
            };
        )*
        // A pair that is not in the table does not compile. (In a function, since the constants name each other.)
        const _: fn() = || { $($($(let _ = $pair;)*)?)* };
        /// Every site of this table, in the order of declaration.
        pub const ALL: &[$crate::Site] = &[$($name),*];
    };
    (@order) => { $crate::Order::Relaxed };
    (@order $order:ident) => { $crate::Order::$order };
}

#[cfg(test)]
mod tests {
    use super::{Operation, Order, Site};

    #[test]
    fn nothing_is_weakened_to_what_its_operation_cannot_have() {
        let weaker =
            |operation, order| Site { name: "SITE", operation, order, pairs_with: &[], reason: "" }.weaker().to_vec();
        assert_eq!(weaker(Operation::Load, Order::SeqCst), [Order::Acquire, Order::Relaxed]);
        assert_eq!(weaker(Operation::Store, Order::SeqCst), [Order::Release, Order::Relaxed]);
        assert_eq!(weaker(Operation::Rmw, Order::SeqCst).len(), 4);
        assert_eq!(weaker(Operation::Fence, Order::AcqRel), [Order::Acquire, Order::Release, Order::Relaxed]);
        assert!(weaker(Operation::Load, Order::Relaxed).is_empty());
    }
}
