#!/bin/sh
# Miri over the protocol core on plain heap memory: weak memory, many schedules, little- and big-endian. Needs nightly's
# components miri and rust-src; where they are missing this says so, and ends with 77: skipped, not passed.
set -eu
cd "$(dirname "$0")/.."
if ! cargo +nightly miri --version >/dev/null 2>&1; then
    echo "miri: NOT RUN: it is not installed (rustup component add miri rust-src --toolchain nightly)" >&2
    exit 77
fi
seeds=${1:-64}
export MIRIFLAGS="-Zmiri-many-seeds=0..$seeds -Zmiri-disable-isolation -Zmiri-preemption-rate=0.1"
for target in x86_64-unknown-linux-gnu s390x-unknown-linux-gnu; do
    echo "miri: $target, $seeds schedules"
    cargo +nightly miri test --target "$target" --package iobring --test miri
done
