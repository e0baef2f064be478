//! What the threads of a program may ever touch, as far as a search has found out.

use super::operation::{Operation, Request};
use super::state::Sizes;
use super::tree::footprint;
use crate::facade::Order;

/// Which threads may ever do what to which location: bits by thread, indexed by location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Touched {
    /// Who may change it.
    pub(super) writers: Vec<u64>,
    /// Whether its newest value is ever looked at by the kernel.
    pub(super) futex: Vec<bool>,
    /// Who may pass a sequentially consistent fence: bits by thread.
    pub(super) fencers: u64,
    /// Whether any access is sequentially consistent, so that a chart is kept.
    pub(super) sequential: bool,
}

impl Touched {
    pub(super) fn nothing(sizes: Sizes) -> Self {
        Touched {
            writers: vec![0; sizes.locations],
            futex: vec![false; sizes.locations],
            fencers: 0,
            sequential: false,
        }
    }

    /// Adds an operation of a thread.
    pub(super) fn add(&mut self, thread: usize, operation: &Operation, deaths: bool) {
        if operation.request == Request::Announce && !deaths {
            return;
        }
        if operation.request == Request::Fence && operation.order == Order::SeqCst {
            self.fencers |= 1 << thread;
        }
        let orders = [operation.order, operation.failure_order()];
        self.sequential |= operation.request != Request::Fence && orders.contains(&Order::SeqCst);
        let (writes, futex) = footprint(operation.request);
        if writes {
            self.writers[operation.object as usize] |= 1 << thread;
        }
        if futex {
            self.futex[operation.object as usize] = true;
        }
    }
}
