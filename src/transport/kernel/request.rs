//! What the program is asked: an ABI between the library and the program (`kernel/program/memory.rs`).

use crate::layout::MAX_VECTORS;
use core::ptr;
use std::io::IoSlice;

/// What the program is asked to write.
#[repr(C)]
pub(super) struct Request {
    /// How many pieces there are.
    count: u64,
    /// Address and length of each; zeros for those that there are not.
    pieces: [[u64; 2]; MAX_VECTORS],
}

impl Request {
    /// Nothing: is the program there at all?
    pub(super) fn nothing() -> Self {
        Request { count: u64::MAX, pieces: [[0; 2]; MAX_VECTORS] }
    }

    /// One record, of all these bytes one after the other.
    #[inline(always)]
    pub(super) fn of(vectors: &[IoSlice<'_>]) -> Self {
        let mut request = Request { count: vectors.len() as u64, pieces: [[0; 2]; MAX_VECTORS] };
        if vectors.len() > MAX_VECTORS {
            // It is refused, and counted with all of its bytes.
            request.pieces[0][1] = vectors.iter().fold(0, |sum: u64, vector| sum.saturating_add(vector.len() as u64));
            return request;
        }
        for (piece, vector) in request.pieces.iter_mut().zip(vectors) {
            *piece = [vector.as_ptr() as u64, vector.len() as u64];
        }
        request
    }
}

/// Reads a byte of every page of the vectors, so that the kernel finds them there.
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
