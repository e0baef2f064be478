#!/bin/sh
# Each package that is to be published, packed, and built and tested from the packed file alone: what a stranger gets. Those of
# ours that it needs are taken from their packed files too, as from a registry.
set -eu
cd "$(dirname "$0")/.."
target=$(cargo metadata --format-version 1 --no-deps --locked | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
packages="weakest-facade iobring weakest"
# Not verified by cargo, which would build each in a directory of its own.
rm -f "$target"/package/*.crate
# shellcheck disable=SC2046 # one option a package
cargo package --quiet --no-verify --exclude-lockfile $(printf -- ' -p %s' $packages) "$@"
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
for package in $packages; do
    tar -xzf "$target/package/$package-"[0-9]*.crate -C "$room"
    mv "$room/$package-"[0-9]* "$room/$package"
    for file in README.md LICENSE-MIT LICENSE-APACHE; do
        [ -s "$room/$package/$file" ] || { echo "package: $package has no $file" >&2; exit 1; }
    done
done
{
    printf '[workspace]\nresolver = "3"\nmembers = ["weakest-facade", "iobring", "weakest"]\n[patch.crates-io]\n'
    for package in $packages; do printf '%s = { path = "%s" }\n' "$package" "$package"; done
} > "$room/Cargo.toml"
cp Cargo.lock "$room"
export CARGO_TARGET_DIR="$target/package-check"
cargo test --quiet --manifest-path "$room/Cargo.toml" -p weakest-facade -p iobring
cargo test --quiet --manifest-path "$room/Cargo.toml" -p weakest --features loom,shuttle --lib --examples
echo "package: $packages: packed, built and tested"
