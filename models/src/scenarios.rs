//! The situations in which the ring is explored, one per file.

pub mod abandoned;
pub mod accounts;
pub mod batch;
pub mod by_hand;
pub mod by_two;
pub mod cancelled;
pub mod closing;
pub mod death;
pub mod edge;
pub mod full;
pub mod in_place;
pub mod limited;
pub mod mediated;
pub mod mediator;
pub mod patient;
pub mod peer;
pub mod polling;
pub mod repair;
pub mod reserved;
pub mod restart;
pub mod rung;
pub mod stopped;
pub mod timed;
pub mod waiting;
pub mod wishes;
pub mod wrapped;

/// What the name of a scenario ends in, if the lock may be biased.
fn suffix(biased: bool) -> &'static str {
    if biased { "-biased" } else { "" }
}
