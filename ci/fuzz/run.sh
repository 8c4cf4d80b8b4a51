#!/usr/bin/env bash
# Changed inputs for every reader: a panic, a hang, or memory out of proportion is a failure, whose input is kept.
# usage: run.sh                          one minute over all targets, as every change must pass
#        run.sh --minutes N [--target T,...] [--seed N]
#        run.sh again TARGET FILE        run an input again that failed
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
# The versions are those of the program.
cp "$root/Cargo.lock" "$here/Cargo.lock"
cargo fmt --check --manifest-path "$here/Cargo.toml"
cargo test --quiet --release --manifest-path "$here/Cargo.toml"
cargo build --quiet --release --manifest-path "$here/Cargo.toml"
fuzz=$CARGO_TARGET_DIR/release/crosscheck-fuzz
case ${1:-} in
    again) exec "$fuzz" "$@" ;;
    --minutes)
        seconds=$(awk -v minutes="$2" 'BEGIN { print 60 * minutes }')
        shift 2
        exec "$fuzz" run --seconds "$seconds" "$@"
        ;;
    *) exec "$fuzz" run "$@" ;;
esac
