#!/usr/bin/env bash
# The CUDA back end on the stand-in for the driver's library. usage: stand_in.sh [--all] [--keep]
# All tests take thirteen minutes on two slow cores, and the same sources give the same result. `passed` beside this file has
# a digest of what decides it: the back ends but for the CPU's own, learning, the tests, and the stand-in. Where it is still right only the
# tests of misuse, limits and registration run, which show that the program fits the stand-in.
#   --all    every test, whatever `passed` says
#   --keep   every test; then `passed` is written
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=ci/device_build.sh
. ci/device_build.sh
# shellcheck source=ci/passed.sh
. ci/passed.sh
decides=(ci/cuda/passed src/backend.rs src/backend ':!src/backend/cpu' src/fit.rs src/fit tests/cuda_backend tests/support
    ci/cuda/host ci/cuda/standin ci/gpu)
only=()
if [ $# -eq 0 ] && has_passed "${decides[@]}"; then
    only=(misuse:: limits:: registration::)
    echo "the other tests passed with these sources (ci/cuda/passed)"
fi
cargo test --release --features "$features" --test cuda_backend -- "${only[@]}"
if [ "${1:-}" = --keep ]; then
    keep_passed "${decides[@]}"
fi
