#!/bin/sh
# What the fuzz targets reach: for each file of the library and each target, how many of its regions (stretches of code without
# a branch) the target's corpus runs through. Needs nightly with llvm-tools, and cargo-fuzz. `fuzz/coverage.sh hostile` for one.
set -eu
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
llvm_cov=$(rustc +nightly --print sysroot)/lib/rustlib/$host/bin/llvm-cov
[ -x "$llvm_cov" ] || {
    echo "coverage: NOT RUN: no llvm-tools (rustup component add llvm-tools --toolchain nightly)" >&2
    exit 77
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for target in ${1:-$(cargo +nightly fuzz list)}; do
    cargo +nightly fuzz coverage "$target" >"$log" 2>&1 || { cat "$log"; exit 1; }
    "$llvm_cov" report "fuzz/target/$host/coverage/$host/release/$target" \
        --instr-profile="fuzz/coverage/$target/coverage.profdata" --sources src |
        awk -v target="$target" '
            $1 ~ /\.rs$/ { printf "%-14s %-34s %5d of %5d regions  %3d of %3d functions\n", target, $1, $2 - $3, $2, $5 - $6, $5 }
            $1 == "TOTAL" { printf "%-14s %-34s %5d of %5d regions  %3d of %3d functions\n", target, "all", $2 - $3, $2, $5 - $6, $5 }'
done
