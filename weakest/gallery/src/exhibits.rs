//! The algorithms, one file each.

use crate::Exhibit;

mod arc;
mod eventcount;
mod futex_mutex;
mod mcs;
mod once;
mod peterson;
mod seqlock;
mod spsc;
mod ticket;

/// All exhibits.
pub fn all() -> Vec<Exhibit> {
    [
        seqlock::all(),
        spsc::all(),
        arc::all(),
        once::all(),
        futex_mutex::all(),
        ticket::all(),
        mcs::all(),
        peterson::all(),
        eventcount::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
