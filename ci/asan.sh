#!/bin/sh
# AddressSanitizer over the tests that touch real memory. Needs rustup's nightly; stable builds are left alone.
set -eu
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="-Zsanitizer=address"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target/asan}"
# The models and their harness are left out, here and as a feature of the fuzz targets' bodies: their memory is a checker's own,
# and their threads switch stacks. (The fuzzer runs the target `interleaving` under the sanitizer all the same.)
cargo +nightly test --target "$host" --no-default-features --package iobring --package iobring-oracle \
    --package iobring-fuzz-bodies --package iobring-campaigns --package weakest-facade --tests "$@" \
    -- --skip nothing_is_left_behind
# It measures memory: what was freed must be free then, and not be held back to find who uses it after all.
export ASAN_OPTIONS="quarantine_size_mb=0:thread_local_quarantine_size_kb=0"
exec cargo +nightly test --target "$host" --package iobring --test process_churn nothing_is_left_behind
