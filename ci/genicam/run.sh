#!/usr/bin/env bash
# The GenICam source on Aravis: against Aravis' fake camera and a camera of the tests' own, both over this machine's
# loopback; and the tests' camera against viva-genicam of PyPI and Aravis' command line. Exit code 0: passed, 1: failed,
# 77: not run, with the reason. As root on Debian it installs what is missing: ci/genicam/library.sh says what.
set -euo pipefail
cd "$(dirname "$0")/../.."

reason=$(ci/genicam/library.sh | tail -n 1) || { echo "GenICam test not run: $reason"; exit 77; }
# shellcheck source=ci/camera_build.sh
. ci/camera_build.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Two opinions of others on the tests' own camera.
if python3 -m venv "$scratch/viva" > /dev/null 2>&1 && "$scratch/viva/bin/pip" install -q viva-genicam==0.10.0 > /dev/null 2>&1; then
    export CROSSCHECK_VIVA_PYTHON=$scratch/viva/bin/python
else
    echo "without the opinion of viva-genicam: it cannot be had from PyPI"
fi
if tool=$(command -v arv-tool-0.8); then
    export CROSSCHECK_ARV_TOOL=$tool
else
    echo "without the opinion of Aravis' command line: aravis-tools-cli is not installed"
fi
# One at a time: each has a camera that sends as fast as it can.
cargo test --release --features "$(camera_features)" --test genicam -- --nocapture --test-threads=1
