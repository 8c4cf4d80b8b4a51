#!/usr/bin/env bash
# TensorRT's shim against its headers, and plans of every graph, built by TensorRT-RTX for SM86, 89 and 120 without a GPU.
# Exit code 0: passed, 1: failed, 77: not run, with the reason.
# Needs cargo, g++ and python3; fetches NVIDIA's library from PyPI and its headers from crates.io (where they are part of
# trtx-sys' sources) into a folder of its own.
set -euo pipefail
cd "$(dirname "$0")/../.."

not_run() {
    echo "TensorRT test not run: $1"
    exit 77
}
fail() {
    echo "$1"
    exit 1
}

command -v python3 > /dev/null || not_run "needs python3"
command -v g++ > /dev/null || not_run "needs g++"
[ "$(uname -m)" = x86_64 ] || not_run "the library on PyPI is for x86-64"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fetch_library() {
    python3 -m pip download -q --no-deps -d "$scratch" tensorrt-rtx-cu12-libs==1.7.1.116 &&
        python3 -m zipfile -e "$scratch"/tensorrt_rtx_cu12_libs-*.whl "$scratch/rtx"
}
fetch_library > /dev/null 2>&1 || not_run "cannot fetch tensorrt-rtx-cu12-libs from PyPI"
# shellcheck source=ci/device_build.sh
. ci/device_build.sh
[ -n "${headers:-}" ] || not_run "cannot fetch trtx-sys from crates.io"
libraries=$scratch/rtx/tensorrt_rtx_libs

for set in "$headers"/TRT-*; do
    g++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only -I src/backend/tensorrt/headers -isystem "$set" src/backend/tensorrt/shim.cpp
    echo "the shim compiles for $(basename "$set")"
done

# Both libraries in one program, of which one is here.
cargo build --release --quiet --features "$features"
# A copy: what runs beside this test builds the program with other features into the same place.
cp "${CARGO_TARGET_DIR:-target}/release/crosscheck" "$scratch/crosscheck"
program=$scratch/crosscheck
cargo test --release --quiet --features "$features" --lib tensorrt:: > "$scratch/unit" 2>&1 || { cat "$scratch/unit"; exit 1; }
LD_LIBRARY_PATH=$libraries cargo test --release --quiet --features "$features" --lib tensorrt:: -- --ignored > "$scratch/unit" 2>&1 ||
    { cat "$scratch/unit"; exit 1; }
grep -q "1 passed" "$scratch/unit" || { cat "$scratch/unit"; fail "no test built plans in f32"; }
plans=$scratch/plans

build() {
    LD_LIBRARY_PATH=$libraries "$program" engine build --cache "$plans" "$@"
}
# refused WORDS ARGUMENTS...: exit code 2, and these words.
refused() {
    local words=$1 status=0
    shift
    "$@" > "$scratch/refusal" 2>&1 || status=$?
    [ "$status" -eq 2 ] || { cat "$scratch/refusal"; fail "exit code $status where 2 is expected: $*"; }
    grep -q -- "$words" "$scratch/refusal" || { cat "$scratch/refusal"; fail "nothing of \"$words\""; }
}
# check NAME ENGINE PLANS: builds so many plans, of two graphs for three targets.
check() {
    echo "$1"
    build --engine "$2" --target sm86,sm89,sm120 2> "$scratch/log" > "$scratch/out" || { cat "$scratch/log"; fail "$1: not built"; }
    sed "s|, in $plans||; s/^/  /" "$scratch/out"
    [ "$(grep -c "built in" "$scratch/out")" -eq "$3" ] || fail "$1: $3 plans were expected"
}

"$program" synthesize --out "$scratch/parts" --part biscuit --seed 1 --train 4 --validation 1 --good 1 --defective 1 > /dev/null 2>&1
"$program" fit --score product --nominal "$scratch/parts/biscuit/train" --epochs 1 -o "$scratch/default.safetensors" 2> /dev/null
check "the built-in engine, fitted" "$scratch/default.safetensors" 6
# With other groups only the shape's graph is another one: the plans of equal graphs are there already.
for engine in "tiny 32 6" "small 32 6" "small 128 3" "medium 32 6" "full 32 6"; do
    read -r variant size count <<< "$engine"
    "$program" import --seeded 7 --variant "$variant" --group-size "$size" -o "$scratch/engine.safetensors" 2> /dev/null
    check "$variant, groups of $size" "$scratch/engine.safetensors" "$count"
    if [ "$variant" = tiny ]; then
        cp "$scratch/engine.safetensors" "$scratch/tiny.safetensors"
    fi
done

# What is kept is not built again; what is of another version, or was changed, is.
tiny=$scratch/tiny.safetensors
[ "$(build --engine "$tiny" --target sm89 2> /dev/null | grep -c "was there")" -eq 2 ] || fail "a kept plan was built again"
LC_ALL=C sed -i '1s/"version":"1.7.1"/"version":"1.6.0"/' "$plans"/*-sm89-tensorrt-rtx-rgb_tokens.plan
for plan in "$plans"/*-sm89-tensorrt-rtx-xyz_groups.plan; do
    printf 'X' | dd of="$plan" bs=1 seek="$(($(stat -c %s "$plan") - 100))" conv=notrunc status=none
done
build --engine "$tiny" --target sm89 > "$scratch/out" 2> "$scratch/log"
[ "$(grep -c "built in" "$scratch/out")" -eq 2 ] || { cat "$scratch/out"; fail "two stale plans were not built again"; }
grep -q "1.6.0, not 1.7.1" "$scratch/log" || fail "nothing is said of the other version"
grep -q "not what was written" "$scratch/log" || fail "nothing is said of the damage"

refused "does not build for sm87" build --engine "$tiny" --target sm87
# Without a GPU only, as it would be built for otherwise.
[ -e /dev/nvidia0 ] || refused "take the cpu back end" build --engine "$tiny" --target this
refused "has no mappings yet" build --engine engines/default.safetensors --target sm89
refused "LD_LIBRARY_PATH" env -u LD_LIBRARY_PATH "$program" engine build --engine "$tiny" --target sm89
echo "TensorRT test passed: $(find "$plans" -name '*.plan' | wc -l) plans"
