#!/usr/bin/env bash
# Runs each program of the folder examples without arguments, those that take files with files too, and looks for a line of
# what it prints. Exit code 0: passed, 1: failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch
failed=0

# runs LINE EXAMPLE ARGUMENT...: the example must end with exit code 0 and print a line that matches LINE as a whole.
ran=()
runs() {
    local line=$1 example=$2 status=0
    shift 2
    ran+=("$example")
    "$target/examples/$example" "$@" > "$scratch/out" 2>&1 || status=$?
    if [ "$status" -eq 0 ] && grep -qxE "$line" "$scratch/out"; then
        echo "$example $*: $(grep -xE "$line" "$scratch/out" | head -n 1)"
    else
        echo "$example $*: exit code $status, and no line that matches \"$line\" in"
        cat "$scratch/out"
        failed=1
    fi
}

cargo build --release --examples --bin crosscheck
target=${CARGO_TARGET_DIR:-target}/release
runs "REJECT" inspect_files
runs "reject above [0-9.]+: at most 5\.9 % of good parts" fit_and_calibrate
runs "frame 2: reject" own_camera
runs "part 1: Rejected" own_sink
runs "part 2: Passed" own_sink
runs "stopped: the output is at reject" own_sink
# Two of them have a defect; a good one may be rejected too, as its threshold was found on nine frames.
runs "16 frames, [2-6] rejected" stream 16
"$target/crosscheck" synthesize --part puck --train 6 --validation 0 --good 1 --defective 0 --out "$scratch/parts" 2> "$scratch/log" \
    || { cat "$scratch/log"; exit 1; }
runs "wrote $scratch/engine" fit_and_calibrate "$scratch/parts/puck/train/good" "$scratch/engine"
part=$scratch/parts/puck/test/good
runs "score [0-9.]+" inspect_files "$scratch/engine" "$part/rgb/000.png" "$part/xyz/000.tiff"
runs "4 frames, [0-4] rejected" stream 4 "$scratch/engine"
for path in examples/*.rs; do
    name=$(basename "$path" .rs)
    [[ " ${ran[*]} " == *" $name "* ]] || { echo "$path is not run by ci/examples/run.sh"; failed=1; }
done
exit "$failed"
