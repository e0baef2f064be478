//! Sequences of operations against the oracle: what the proptest state machine does, with coverage to guide it.

use crate::{Target, decode_and_run};
use iobring_oracle::machine;
use iobring_oracle::operation::Case;

/// The target.
pub const TARGET: Target = Target {
    name: "operations",
    run: |bytes| decode_and_run::<Case>(bytes, machine::run),
    reaches: &[
        "await: refused",
        "await: woken",
        "drain: all",
        "drain: broken off",
        "peer closed",
        "poll",
        "read: BadAlignment",
        "read: BadLength",
        "read: TooSmall",
        "read: across the end",
        "read: empty",
        "read: ok",
        "resync",
        "wait: not there",
        "wait: there",
        "write: ACCESS_DENIED",
        "write: INVALID_ARGS",
        "write: IO_DATA_INTEGRITY",
        "write: NO_SPACE",
        "write: OUT_OF_RANGE",
        "write: full",
        "write: ok",
        "write_batch: all",
        "write_batch: refused",
        "write_batch: some",
    ],
};
