#!/bin/sh
# The library with the oldest compiler, and on other targets: musl, where no thread has a robust list before its first robust
# mutex, and aarch64, under qemu-user unless this is one. Each that is not installed is NOT RUN; if any was not, this ends with 77:
# skipped, not passed.
set -eu
cd "$(dirname "$0")/.."
machine=$(uname -m)
missing=0
not_run() { echo "targets: $1: NOT RUN: $2" >&2; missing=1; }
for target in "$machine-unknown-linux-musl" aarch64-unknown-linux-gnu; do
    if ! rustc --print target-libdir --target "$target" 2>/dev/null | xargs -r test -d; then
        not_run "$target" "rustup target add $target"
        continue
    fi
    if [ "${target%%-*}" != "$machine" ]; then
        if ! command -v qemu-aarch64 >/dev/null || ! command -v aarch64-linux-gnu-gcc >/dev/null; then
            not_run "$target" "it needs qemu-aarch64 (qemu-user) and aarch64-linux-gnu-gcc"
            continue
        fi
        export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
        export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
        # An emulator keeps no robust lists, so that nothing is handed over mapped, and forks no process that has threads. The rest:
        emulated() { cargo test --quiet --locked --target "$target" "$@" --skip a_fork --skip however_it_was_made \
            --skip endpoints_elsewhere --skip an_endpoint_says --skip in_its_destructors; }
        emulated -p iobring --lib --test threads --test records --test wakeups --test interfaces --test interrupt \
            --test damage --test drain --test batches --
        emulated -p weakest-facade --lib --
        continue
    fi
    cargo test --quiet --locked --target "$target" -p iobring -p weakest-facade --tests
done
# The oldest compiler that the published packages promise.
oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml | sort -V | head -1)
if command -v rustup >/dev/null && rustup run "$oldest" rustc --version >/dev/null 2>&1; then
    rustup run "$oldest" cargo check --quiet --locked -p iobring -p weakest-facade
else
    not_run "Rust $oldest" "rustup toolchain install $oldest"
fi
[ "$missing" -eq 0 ] || exit 77
