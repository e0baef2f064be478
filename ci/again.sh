#!/bin/sh
# The library's tests, again and again while others keep every processor busy and all of it runs on one: what depends on who is
# quicker shows here, and not on CI. Prints what failed, and keeps its output.
#
#     ci/again.sh [ROUNDS] [PATTERN of test files]
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-10} pattern=${2:-.}
profile=${PROFILE---release}
kept=$(mktemp -d)
# shellcheck disable=SC2086 # A profile is one word, or none.
cargo test $profile --locked --quiet -p iobring --no-run --message-format json 2>/dev/null |
    sed -n 's#.*"executable":"\([^"]*/deps/[^"]*\)".*#\1#p' | grep -e "$pattern" >"$kept/files" || {
    echo "no test file is like '$pattern', or the tests cannot be built: cargo test $profile -p iobring --no-run" >&2
    exit 2
}
busy=''
for _ in $(seq "$(nproc)"); do
    (while :; do :; done) &
    busy="$busy $!"
done
# shellcheck disable=SC2064,SC2086 # These processes, now.
trap "kill $busy" EXIT
trap "exit 130" INT TERM
failed=0
for round in $(seq "$rounds"); do
    while read -r file; do
        log="$kept/$(basename "$file").$round"
        if taskset -c 0 "$file" >"$log" 2>&1 </dev/null; then
            rm "$log"
        else
            echo "round $round: $(basename "$file"): $(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" | tr '\n' ' ') $log"
            failed=1
        fi
    done <"$kept/files"
done
if [ "$failed" -eq 0 ]; then
    echo "$rounds rounds of $(wc -l <"$kept/files") files: none failed"
    rm -r "$kept"
fi
exit "$failed"
