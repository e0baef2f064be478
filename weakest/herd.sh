#!/bin/sh
# Asks herd7 again what was recorded of it: every program of tests/herd must have the recorded outcomes, and each pairing of the ring's
# table of sites is written as litmus tests and judged. Where herd7 is not on the PATH this says NOT RUN, and ends with 77.
#
# HERD7_LIBDIR: its models, if it is not installed where it was built for. LINUX: a kernel's source tree, for the kernel's model.
set -eu
cd "$(dirname "$0")/.."
if ! command -v herd7 >/dev/null; then
    echo "herd: NOT RUN: herd7 is not on the PATH (https://github.com/herd/herdtools7; OCaml, dune, menhir and zarith build it)" >&2
    exit 77
fi
herd7 -version
HERD7=herd7 cargo test --quiet --package weakest --test explorer_herd_hardware -- --nocapture
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cargo run --release --quiet --package iobring-models --bin litmus -- "$folder" --herd herd7 \
    ${HERD7_LIBDIR:+--libdir "$HERD7_LIBDIR"} ${LINUX:+--kernel "$LINUX/tools/memory-model"}
