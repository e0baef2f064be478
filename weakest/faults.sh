#!/bin/sh
# The explorer's own tests against faults seeded into the explorer, one at a time: each must make some test fail. Says which.
set -eu
cd "$(dirname "$0")/.."
tests="--test explorer_litmus --test explorer_random --test explorer_liveness --test explorer_ring --test explorer_scopes --test explorer_hardware"
output=$(mktemp)
trap 'rm -f "$output"' EXIT
check() {
    # shellcheck disable=SC2086 # several words on purpose
    WEAKEST_FAULT=$1 timeout 300 cargo test --quiet --package weakest --features seeded-faults $tests >"$output" 2>&1
}

unset WEAKEST_FAULT
# shellcheck disable=SC2086
cargo test --quiet --package weakest --features seeded-faults $tests >"$output" 2>&1 ||
    { cat "$output"; echo "explorer-faults: tests fail with no fault seeded" >&2; exit 1; }
faults=$(sed -n '/^pub(super) enum Fault/,/^}/s/^ *\([A-Z][A-Za-z]*\),$/\1/p' weakest/src/explorer/faults.rs)
survived=0
for fault in ${*:-$faults}; do
    status=0
    check "$fault" || status=$?
    if [ "$status" = 0 ]; then
        echo "$fault: NOT NOTICED"
        survived=$((survived + 1))
    elif [ "$status" = 124 ]; then
        echo "$fault: noticed, for the tests do not end"
    else
        noticed=$(sed -n 's/^---- \(.*\) stdout ----$/\1/p' "$output" | sort -u | paste -sd, -)
        [ -n "$noticed" ] || { cat "$output"; echo "explorer-faults: no test failed, but something else" >&2; exit 1; }
        echo "$fault: noticed by $noticed"
    fi
done
[ "$survived" = 0 ] || { echo "explorer-faults: $survived not noticed" >&2; exit 1; }
