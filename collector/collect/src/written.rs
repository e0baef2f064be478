//! What becomes of a record.

/// What became of a record that was given to a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a record that was not written is the caller's to print, keep or drop"]
pub enum Written {
    /// It is on its way to the collector.
    ToCollector,
    /// The collector is behind: it was refused, which the collector learns of.
    Refused,
    /// There is no collector now.
    NoCollector,
    /// It is too long for a record.
    TooLong,
}
