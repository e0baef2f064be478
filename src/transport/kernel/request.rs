//! What the program is asked ([`ask`]).

use crate::layout::MAX_VECTORS;
use crate::protocol::mediator::ask;
use core::marker::PhantomData;
use core::ptr;
use std::io::IoSlice;

/// What the program is asked, of memory that is borrowed as long.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    numbers: [u64; 3],
    memory: PhantomData<&'a [u8]>,
}

impl<'a> Request<'a> {
    fn that(address: u64, len: u64, what: u64) -> Self {
        Request { numbers: [address, len, what], memory: PhantomData }
    }

    /// The arguments of the call.
    pub(super) fn numbers(self) -> [u64; 3] {
        self.numbers
    }

    /// Nothing: is the program there at all?
    pub(super) fn nothing() -> Self {
        Self::that(0, 0, ask::NOTHING)
    }

    /// One record, of all these bytes one after the other.
    #[inline(always)]
    pub(super) fn of(vectors: &'a [IoSlice<'a>]) -> Self {
        match vectors {
            [vector] => Self::that(vector.as_ptr() as u64, vector.len() as u64, ask::RECORD + 1),
            // A vector is laid out as the system has it: an address, and a length.
            _ if vectors.len() <= MAX_VECTORS => {
                Self::that(vectors.as_ptr() as u64, 0, ask::RECORD + vectors.len() as u64)
            }
            // It is refused, and counted with all of its bytes.
            _ => {
                let len = vectors.iter().fold(0, |sum: u64, vector| sum.saturating_add(vector.len() as u64));
                Self::that(0, len, ask::RECORD + MAX_VECTORS as u64 + 1)
            }
        }
    }

    /// One record, as [`of`](Self::of), for which the writer waits.
    pub(super) fn waiting(vectors: &'a [IoSlice<'a>]) -> Self {
        let [address, len, what] = Self::of(vectors).numbers;
        Self::that(address, len, what + ask::WAITS)
    }

    /// A record of each of these, which are few enough.
    pub(super) fn batch(vectors: &'a [IoSlice<'a>]) -> Self {
        Self::that(vectors.as_ptr() as u64, 0, ask::RECORDS + vectors.len() as u64)
    }
}

/// Reads a byte of every page of the vectors, so that the kernel finds them there; and the vectors themselves.
pub(super) fn touch(vectors: &[IoSlice<'_>]) {
    let page = rustix::param::page_size();
    for vector in vectors {
        let last = vector.len().checked_sub(1);
        for at in (0..vector.len()).step_by(page).chain(last) {
            // SAFETY: a byte of the slice; the read must happen, though nobody wants the value.
            unsafe { ptr::read_volatile(&raw const vector[at]) };
        }
    }
}
