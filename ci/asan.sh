#!/bin/sh
# AddressSanitizer over the tests that touch real memory. Needs rustup's nightly; stable builds are left alone.
set -eu
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="-Zsanitizer=address"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target/asan}"
# A model checker's threads switch stacks, which the sanitizer cannot follow: their packages are not in this list.
exec cargo +nightly test --target "$host" --package iobring --package iobring-oracle --package witness-facade --tests "$@"
