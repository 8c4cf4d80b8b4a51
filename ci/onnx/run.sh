#!/usr/bin/env bash
# The graphs of export-onnx in ONNX Runtime, checked by check.py, for engines of seeded weights: the golden data is of these.
# range.py evaluates them with every half rounded, also for engines with larger values.
# Exit code 0: passed, 1: failed, 77: not run, with the reason.
# usage: run.sh [--keep]
# What decides it has changed since all engines passed (`passed` beside this file): all of them are checked. Else one is.
#   --keep   all of them; then `passed` is written
# Needs python3; fetches onnx, onnxruntime and others from PyPI into a folder of its own.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/ci/onnx

not_run() {
    echo "ONNX test not run: $1"
    exit 77
}

command -v python3 > /dev/null || not_run "needs python3"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fetch_packages() {
    python3 -m venv "$scratch/venv" &&
        "$scratch/venv/bin/pip" install -q "onnx>=1.15,<2" "onnxruntime>=1.17,<2" "numpy>=1.26" "safetensors>=0.4,<1" "scipy>=1.11,<2"
}
fetch_packages > /dev/null 2>&1 || not_run "cannot fetch onnx, onnxruntime, numpy, safetensors and scipy from PyPI"

cd "$root"
# shellcheck source=ci/passed.sh
. ci/passed.sh
decides=(ci/onnx/passed ci/onnx/*.sh ci/onnx/*.py src/onnx.rs src/onnx src/model.rs src/model src/cli/export_onnx.rs src/fold.rs
    src/fold tests/golden)
cargo build --release --quiet
program=${CARGO_TARGET_DIR:-target}/release/crosscheck
python=$scratch/venv/bin/python
# export_both ENGINE: its graphs, in $scratch/f32 and $scratch/f16; $scratch/log-* have what the program says.
export_both() {
    for precision in f32 f16; do
        "$program" export-onnx --engine "$1" --precision "$precision" -o "$scratch/$precision" 2> "$scratch/log-$precision"
    done
}
check() {
    local golden=$1
    shift
    "$program" import --seeded 7 --precision f32 "$@" -o "$scratch/engine.safetensors" 2> /dev/null
    export_both "$scratch/engine.safetensors"
    for precision in f32 f16; do
        echo "$golden, $precision"
        "$python" "$here/check.py" "$scratch/engine.safetensors" "$scratch/$precision" "tests/golden/$golden.safetensors" "$precision"
    done
    echo "$golden, f16 rounded at every node"
    "$python" "$here/range.py" "$scratch/f16" "$scratch/f32" "tests/golden/$golden.safetensors"
}
# check_scaled GOLDEN massive|beyond ARGUMENTS...: the engine that `check` wrote, with larger values.
check_scaled() {
    echo "$1, $2 values, f16 rounded at every node"
    "$python" "$here/scaled.py" "$scratch/engine.safetensors" "$scratch/scaled.safetensors" "$2"
    export_both "$scratch/scaled.safetensors"
    "$python" "$here/range.py" "$scratch/f16" "$scratch/f32" "tests/golden/$1.safetensors" "${@:3}"
}
check tiny-a --variant tiny
if [ $# -eq 0 ] && has_passed "${decides[@]}"; then
    echo "the other engines passed with these sources (ci/onnx/passed)"
else
    check_scaled tiny-a massive
    check_scaled tiny-a beyond --overflows-in-halves
    grep -q "is computed in f32" "$scratch/log-f16" || { cat "$scratch/log-f16"; echo "no part is logged as f32"; exit 1; }
    check tiny-b --variant tiny
    check small-a --variant small
    check_scaled small-a massive
    check small-g128-b --variant small --group-size 128
    check medium-a --variant medium
    check full-a --variant full
fi

# Without mappings there is nothing to move in front of the interpolation: refused, with what to do.
if "$program" export-onnx --engine engines/default.safetensors -o "$scratch/none" 2> "$scratch/refusal"; then
    echo "an engine without mappings was exported"
    exit 1
fi
grep -q "fit it on good parts first" "$scratch/refusal" || { cat "$scratch/refusal"; exit 1; }
[ ! -e "$scratch/none/rgb_tokens.onnx" ] || { echo "a graph was written for an engine without mappings"; exit 1; }
if [ "${1:-}" = --keep ]; then
    keep_passed "${decides[@]}"
fi
echo "ONNX test passed"
