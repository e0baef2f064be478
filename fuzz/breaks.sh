#!/bin/sh
# Whether the fuzz targets find anything: takes away one check at a time, in a copy of the sources, and fails unless the target
# named by the patch finds it within a minute of fuzzing. `fuzz/breaks.sh hostile` takes the patches of that target only.
set -eu
cd "$(dirname "$0")/.."
copy=${BREAKS_DIR:-$(mktemp -d)}
mkdir -p "$copy"
git ls-files -z | xargs -0 tar -cf - | tar -xf - -C "$copy"
[ -d "$copy/fuzz/target" ] || { [ -d fuzz/target ] && cp -a fuzz/target "$copy/fuzz/target"; }
missed=0
for patch in fuzz/breaks/"${1:-}"*.patch; do
    name=$(basename "$patch" .patch)
    target=${name%%-*}
    patch -s -p1 -d "$copy" <"$patch"
    (cd "$copy" && rm -rf fuzz/artifacts corpus && mkdir corpus && cargo +nightly fuzz build "$target" 2>build.log) || {
        cat "$copy/build.log"
        exit 1
    }
    log="$copy/$name.log"
    dictionary="$copy/fuzz/dictionaries/$target"
    [ -f "$dictionary" ] && dictionary="-dict=$dictionary" || dictionary=
    begun=$(date +%s)
    # From the seeds alone: what earlier runs have found would make it easy.
    (cd "$copy" && cargo +nightly fuzz run "$target" corpus "fuzz/corpus/$target" -- -max_total_time=60 $dictionary) \
        >"$log" 2>&1 && found=no || found=yes
    seconds=$(($(date +%s) - begun))
    how=$(grep -m1 -A1 -E "panicked at|ERROR: AddressSanitizer|ALARM: working" "$log" | tr '\n' ' ' || true)
    runs=$(grep -E '^#[0-9]+' "$log" | tail -1 | cut -f1)
    if [ "$found" = yes ] && [ -n "$how" ]; then
        printf 'found   %-50s in %s s, after %s: %s\n' "$name" "$seconds" "$runs" "$how"
    else
        printf 'MISSED  %-50s in %s s, after %s\n' "$name" "$seconds" "$runs"
        missed=1
    fi
    patch -s -R -p1 -d "$copy" <"$patch"
done
exit $missed
