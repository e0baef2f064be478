//! Why a record was not written.

/// Why a record was not written. In every case nothing of it was, and `head` did not move past it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// More than [`MAX_VECTORS`](crate::layout::MAX_VECTORS) vectors, or more than
    /// [`MAX_WRITE_SIZE`](crate::layout::MAX_WRITE_SIZE) bytes.
    Invalid,
    /// The record is larger than the whole ring.
    TooLarge,
    /// The indices in the header cannot be: `tail` beyond `head`, `head` not a multiple of 8, or too near its end.
    Corrupt,
    /// There is no room now.
    Full,
    /// The ring is closed.
    Closed,
}
