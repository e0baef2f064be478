//! Sequences of operations on a ring of any size that starts at any index, compared with the `VecDeque` oracle after each.
//!
//! The operations and the oracle live in the `iobring-oracle` package; the fuzz target `operations` uses the same.
//! `PROPTEST_CASES` sets how many sequences are tried; a failure prints its seed and keeps it beside this file.

use iobring_oracle::machine;
use iobring_oracle::operation::Case;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use std::sync::LazyLock;

/// Whether the kernel can write here.
static MEDIATION: LazyLock<Result<(), iobring::Obstacle>> = LazyLock::new(iobring::mediation);

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

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/state_machine.regressions"))),
        // Each loads a few programs, which takes milliseconds.
        ..ProptestConfig::with_cases(24)
    })]

    #[test]
    fn a_ring_into_which_the_kernel_writes_and_the_oracle_agree(case: Case) {
        match &*MEDIATION {
            Ok(()) => drop(machine::run_by_kernel(&case)),
            Err(obstacle) => println!("NOT RUN: {obstacle}"),
        }
    }
}
