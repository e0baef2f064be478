//! Sequences of operations on a ring of any size that starts at any index, compared with the `VecDeque` oracle after each.
//!
//! The operations and the oracle live in the `iobring-oracle` package; the fuzz target `operations` uses the same.
//! `PROPTEST_CASES` sets how many sequences are tried; a failure prints its seed and keeps it beside this file.

use iobring_oracle::machine;
use iobring_oracle::operation::Case;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/state_machine.regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn ring_and_oracle_agree(case: Case) {
        machine::run(&case);
    }
}
