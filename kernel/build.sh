#!/usr/bin/env bash
# The program, built by rustc alone; then compared with the object that is checked in, or put in its place (--update).
# Needs no sources of Rust's own, since the part of `core` that the program needs is in here; but exactly this compiler, since it
# is made of things that no compiler promises to keep.
set -euo pipefail
cd "$(dirname "$0")"
compiler="rustc 1.95.0 (59807616e 2026-04-14)"
if [ "$(rustc --version 2>/dev/null)" != "$compiler" ]; then
    echo "NOT RUN: the object is made by $compiler, and this is $(rustc --version 2>/dev/null || echo none)"
    exit 77
fi
# Unstable features of the stable compiler.
export RUSTC_BOOTSTRAP=1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

common=(--edition 2024 --target ./bpf.json -Zunstable-options --cap-lints allow --remap-path-prefix "$PWD=" --out-dir "$out" -L "$out"
    -C opt-level=2 -C panic=abort -C codegen-units=1 -C target-cpu=v4 -C overflow-checks=off -C debug-assertions=off
    # One function, whatever the compiler thinks of cold paths: that is all that the library links.
    -C "llvm-args=-inlinecold-threshold=100000 -inline-cold-callsite-threshold=100000")
# Only checked: everything that is used of the first three is inlined from their metadata.
meta=(--crate-type lib --emit=metadata -Zalways-encode-mir)
rustc --crate-name core core/lib.rs "${meta[@]}" "${common[@]}"
common+=(--extern "noprelude:core=$out/libcore.rmeta")
echo '#![no_std] #![feature(compiler_builtins)] #![compiler_builtins]' |
    rustc --crate-name compiler_builtins - "${meta[@]}" "${common[@]}"
common+=(--extern "noprelude:compiler_builtins=$out/libcompiler_builtins.rmeta")
rustc --crate-name weakest_facade platform/lib.rs "${meta[@]}" "${common[@]}"
rustc --crate-name iobring program/lib.rs --crate-type lib --emit=obj,asm "${common[@]}" \
    --extern "weakest_facade=$out/libweakest_facade.rmeta"

case "${1:-}" in
--update) cp "$out/iobring.o" iobring.o && echo "kernel/iobring.o is $(stat -c %s iobring.o) bytes long" ;;
--asm) cat "$out/iobring.s" ;;
*) cmp "$out/iobring.o" iobring.o && echo "kernel/iobring.o is what these sources make" ;;
esac
