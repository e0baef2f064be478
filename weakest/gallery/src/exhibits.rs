//! The algorithms, one file each.

use crate::Exhibit;

mod agrona;
mod arc;
mod bpf_ringbuf;
mod chase_lev;
mod epoch;
mod eventcount;
mod futex_mutex;
mod io_uring;
mod mcs;
mod mpmc;
mod ms_queue;
mod once;
mod oneshot;
mod perfetto;
mod peterson;
mod reported;
mod robust;
mod rwlock;
mod seqlock;
mod spsc;
mod ticket;
mod treiber;

/// All exhibits.
pub fn all() -> Vec<Exhibit> {
    [
        seqlock::all(),
        spsc::all(),
        mpmc::all(),
        ms_queue::all(),
        treiber::all(),
        epoch::all(),
        chase_lev::all(),
        arc::all(),
        once::all(),
        futex_mutex::all(),
        robust::all(),
        rwlock::all(),
        ticket::all(),
        mcs::all(),
        peterson::all(),
        eventcount::all(),
        bpf_ringbuf::all(),
        agrona::all(),
        perfetto::all(),
        io_uring::all(),
        oneshot::all(),
        reported::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
