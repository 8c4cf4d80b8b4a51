#!/usr/bin/env bash
# The V4L2 camera (feature `v4l`): lint and the tests that need no video node; tests/vm/run.sh has those on real ones.
# Exit code 0: passed, 1: failed, 77: not run, with the reason. As root on Debian 12 it installs libclang1-14 and libclang-common-14-dev.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
if ! "$here/libclang.sh"; then
    if [ "$(id -u)" -ne 0 ] || ! apt-get install -qy --no-install-recommends libclang1-14 libclang-common-14-dev > /dev/null 2>&1; then
        echo "V4L2 camera not run: the crate v4l needs libclang at build time: apt install libclang1-14 libclang-common-14-dev"
        exit 77
    fi
fi
cargo clippy --release --all-targets --features v4l -- -D warnings
cargo test --release --features v4l --lib camera::
