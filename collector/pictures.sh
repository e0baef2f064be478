#!/usr/bin/env bash
# Makes PICTURES.md: what is seen on a screen, by running it.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --locked -p iobring-cli -p tracing-iobring --bin iobring --example busy
target=$(cargo metadata --format-version 1 --no-deps --locked | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
PATH="$target/debug:$target/debug/examples:$PATH"
room=$(mktemp -d)
export IOBRING_SOCKET="$room/socket"
started=()
# Each that this has started, by its id.
trap 'kill -9 "${started[@]}" 2>/dev/null || true; rm -rf "$room"' EXIT

iobring serve --out none --capacity 64KiB 2>"$room/serving" &
started+=($!)
until [ -S "$IOBRING_SOCKET" ]; do sleep 0.05; done
for rate in 1000 200 50; do busy "$rate" & started+=($!); done
victim=${started[-1]}

fence() { printf '```console\n'; "$@"; printf '```\n'; }
show() { printf '$ %s\n' "$1"; shift; "$@" || true; }
{
    printf '# Pictures\n\nMade by `collector/pictures.sh`, never by hand.\n'
    printf '\n## The life of a record through a kill\n\n'
    killed() { env -u IOBRING_SOCKET iobring run -- sh -c 'echo hi; kill -9 $$'; }
    fence show "iobring run -- sh -c 'echo hi; kill -9 \$\$'" killed
    printf '\nThree services that log, by `tracing_iobring::init()`, to `iobring serve`:\n\n## `iobring top`\n\n'
    fence show 'iobring top' iobring top
    printf '\n## One of them is killed\n\n'
    printf 'Fifteen seconds of `iobring top --picture top.svg`; the dead are grey:\n\n![iobring top](top.svg)\n\n'
    iobring top --picture collector/top.svg & started+=($!)
    recording=$!
    sleep 6
    kill -9 "$victim"
    wait "$recording"
    until iobring stat --format json | grep -vq "\"pid\":$victim,"; do sleep 0.1; done
    last() { timeout 2 iobring tail --pid "$victim" | tail -n 4 || true; }
    fence show "iobring tail --pid $victim" last
    printf '\n## `iobring stat`\n\n'
    fence show 'iobring stat' iobring stat
} > "$room/page"
mv "$room/page" collector/PICTURES.md
