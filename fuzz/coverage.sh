#!/bin/sh
# What the fuzz targets reach: for each target and file of the library, how many of its lines with code the target's corpus runs
# through, and which it does not. Needs no nightly and no fuzzer, but `cov` (cargo install llvm_profparser --locked).
# `fuzz/coverage.sh hostile` for one target.
set -eu
cd "$(dirname "$0")/.."
command -v cov >/dev/null || {
    echo "coverage: NOT RUN: no cov (cargo install llvm_profparser --locked)" >&2
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target/coverage}"
# What build scripts and the like leave is of no interest.
LLVM_PROFILE_FILE="$work/build" RUSTFLAGS=-Cinstrument-coverage \
    cargo build --quiet --locked --package iobring-fuzz-bodies --bin replay
for target in ${1:-$(ls fuzz/corpus)}; do
    LLVM_PROFILE_FILE="$work/$target" "$CARGO_TARGET_DIR/debug/replay" "$target" "fuzz/corpus/$target" >"$work/log" 2>&1 ||
        { cat "$work/log"; exit 1; }
    cov show --instr-profile "$work/$target" --object "$CARGO_TARGET_DIR/debug/replay" |
        awk -F'|' -v target="$target" -v src="$PWD/src/" '
            /^\// { file = index($0, src) == 1 ? substr($0, length(src) + 1) : "" }
            file != "" && $2 ~ /[0-9]/ {
                lines[file]++
                if ($2 + 0 > 0) reached[file]++; else missed[file] = missed[file] " " $1 + 0
            }
            END {
                for (file in lines)
                    if (reached[file])
                        printf "%-13s %-32s %4d of %4d lines%s\n", target, file, reached[file], lines[file],
                            missed[file] == "" ? "" : ", not" missed[file]
            }' | sort
done
