#!/bin/sh
# Whether the fuzz targets find anything: takes away one check at a time, in a copy of the sources, and fails unless the target
# named by the patch finds it within a minute of fuzzing. `fuzz/breaks.sh hostile` takes the patches of that target only.
# BREAKS_DIR names a place for the copy; what was built there is used again.
set -eu
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
copy=${BREAKS_DIR:-$(mktemp -d)}
mkdir -p "$copy/fuzz"
# What has not changed keeps its time, and is not built again.
git ls-files -z | xargs -0 tar -cf - | tar -xf - -C "$copy"
[ -d "$copy/fuzz/target" ] || [ ! -d fuzz/target ] || cp -a fuzz/target "$copy/fuzz/target"
# As `cargo verify --fuzz` builds them: a false report of the sanitizer would be no discovery.
export RUSTFLAGS=-Cllvm-args=-asan-stack=0 CXXFLAGS=-fno-sanitize=all
missed=0
for patch in "$PWD"/fuzz/breaks/"${1:-}"*.patch; do
    name=$(basename "$patch" .patch)
    target=${name%%-*}
    features=--no-default-features
    [ "$target" != interleaving ] || features=
    patch -s -p1 -d "$copy" <"$patch"
    built=yes
    (cd "$copy" && cargo +nightly fuzz build $features "$target") >"$copy/$name.build" 2>&1 || built=no
    # At once, so that the copy is whole again whatever comes.
    patch -s -R -p1 -d "$copy" <"$patch"
    [ $built = yes ] || { cat "$copy/$name.build"; exit 1; }
    dictionary="$copy/fuzz/dictionaries/$target"
    [ -f "$dictionary" ] && dictionary="-dict=$dictionary" || dictionary=
    # From the seeds alone: what earlier runs have found would make it easy.
    found="$copy/$name.corpus"
    rm -rf "$found" && mkdir "$found"
    begun=$(date +%s)
    result=MISSED
    (cd "$copy" && "fuzz/target/$host/release/$target" -max_total_time=60 -timeout=20 $dictionary -artifact_prefix="$found/" "$found" \
        "fuzz/corpus/$target") >"$copy/$name.log" 2>&1 || result=found
    seconds=$(($(date +%s) - begun))
    how=$(grep -m1 -A1 -E "panicked at|ERROR: AddressSanitizer|ALARM: working" "$copy/$name.log" | tail -1)
    runs=$(grep -E '^#[0-9]+' "$copy/$name.log" | tail -1 | cut -f1)
    # Ended otherwise than by what it looks for: no discovery.
    [ -n "$how" ] || result=MISSED
    [ $result = found ] || missed=1
    printf '%-7s %-46s %2s s  %-7s %s\n' "$result" "$name" "$seconds" "${runs:-seeds}" "$how"
done
exit $missed
