#!/usr/bin/env bash
# What a user of the crate would get: the package is smaller than a registry accepts, has what a build needs, and nothing
# that only this repository needs. PACKAGE_BYTES_MAX sets another limit. Exit code 0: passed, 1: failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
limit=${PACKAGE_BYTES_MAX:-10000000}
list=$(cargo package --list --allow-dirty)
failed=0
for needed in Cargo.lock README.md LICENSE-MIT LICENSE-APACHE build.rs engines/default.safetensors examples/stream.rs \
    src/lib.rs src/main.rs src/view/assets/live.html src/backend/cuda/kernels/norm.ptx src/backend/tensorrt/shim.cpp; do
    grep -qxF "$needed" <<< "$list" || { echo "the package lacks $needed: see include in Cargo.toml"; failed=1; }
done
if unneeded=$(grep -E '^(ci|docs|\.ci|cross)/|^tests/golden/|\.(png|pth)$' <<< "$list"); then
    echo "the package has files that no user needs, see include in Cargo.toml:"
    echo "$unneeded"
    failed=1
fi
# Its own folder, so that it is this package whose size is measured.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cargo package --quiet --no-verify --allow-dirty --target-dir "$scratch"
bytes=$(stat -c %s "$scratch"/package/*.crate)
echo "the package has $bytes bytes in $(wc -l <<< "$list") files"
if [ "$bytes" -ge "$limit" ]; then
    echo "that is not below the limit of $limit bytes: see include in Cargo.toml"
    failed=1
fi
exit "$failed"
