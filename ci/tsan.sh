#!/bin/sh
# ThreadSanitizer over the tests with threads that it can judge. Needs rustup's nightly; stable builds are left alone.
#
# What it cannot judge: a race through two mappings of one region (it keeps books by address), fences, what the kernel
# stores, and the standard library, which was built without it. So writers that contend for the lock are left out: a
# contended lock is handed over by a fence and the kernel's store, and every later access would be called a race. So are the
# executors that bring threads of their own. What it can see is proved first, by a race seeded on purpose.
set -eu
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target/tsan}"
export TSAN_OPTIONS="suppressions=$PWD/ci/tsan.suppressions halt_on_error=1"
report=$(mktemp)
trap 'rm -f "$report"' EXIT

if cargo +nightly run --quiet --target "$host" --package iobring-oracle --example seeded_race 2>"$report"; then
    cat "$report"
    echo "tsan: the seeded race was not seen, so that nothing below would mean anything" >&2
    exit 1
fi
grep -q "WARNING: ThreadSanitizer: data race" "$report" || { cat "$report"; exit 1; }
echo "tsan: the seeded race was seen"

cargo +nightly test --target "$host" --package iobring \
    --test wait_blocking --test wait_async --test wait_descriptor --test wakeups --test peers --test drain "$@" \
    -- --skip several_writers --skip of_writers --skip tokio --skip smol --skip select
