#!/usr/bin/env bash
# Packs what a machine needs on which the program meets its first GPU: program, golden frames, a camera file, first_run.sh.
# usage: bundle.sh [--program PROGRAM] [BUNDLE.tar.gz]
#   PROGRAM: a program with the features cuda, mqtt and tensorrt; built if left out
# Exit code: 0 if the bundle was written, 1 if not: the stripped program must be smaller than 30 MB.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# It travels on slow links and to machines that are lent by the minute: growth is to be noticed, not to fail by surprise.
BYTES_MAX=30000000
program=
if [ "${1:-}" = --program ]; then
    program=$(realpath "$2")
    shift 2
fi
bundle=$(realpath -m "${1:-crosscheck-gpu.tar.gz}")
if [ -z "$program" ]; then
    (cd "$root" && cargo build --release --quiet --features mqtt,cuda,tensorrt)
    program=$(realpath "${CARGO_TARGET_DIR:-$root/target}")/release/crosscheck
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
content=$scratch/crosscheck-gpu
mkdir -p "$content/golden"
strip -o "$content/crosscheck" "$program"
bytes=$(stat -c %s "$content/crosscheck")
if [ "$bytes" -ge $BYTES_MAX ]; then
    echo "the stripped program has $bytes bytes where less than $BYTES_MAX are allowed" >&2
    exit 1
fi
cp "$here/first_run.sh" "$here/README.md" "$content/"
cp "$root/calibration/depth-848x480-colour-1280x720.toml" "$content/camera.toml"
for name in tiny-a tiny-b small-a small-g128-b medium-a full-a; do
    cp "$root/tests/golden/$name.safetensors" "$content/golden/"
done
tar -C "$scratch" -czf "$bundle" crosscheck-gpu
glibc=$(objdump -T "$content/crosscheck" | sed -n 's/.*(\?GLIBC_\([0-9.]*\).*/\1/p' | sort -Vu | tail -n 1)
echo "$bundle: $(($(stat -c %s "$bundle") / 1000000)) MB, the program $((bytes / 1000)) kB stripped; it needs glibc $glibc or later"
