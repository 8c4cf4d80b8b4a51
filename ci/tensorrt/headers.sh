#!/usr/bin/env bash
# Prints the folder of TensorRT's headers, which are part of trtx-sys' sources on crates.io, and fetches them where they are
# not kept yet.
set -euo pipefail
kept() {
    folder=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/trtx-sys-0.9.1*/TensorRT-Headers)
    [ -f "$folder/TRT-RTX-1.7/NvInfer.h" ]
}
if ! kept; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    cargo init -q --lib --name headers "$scratch/headers" 2> /dev/null
    printf 'trtx-sys = "=0.9.1"\n' >> "$scratch/headers/Cargo.toml"
    cargo fetch -q --manifest-path "$scratch/headers/Cargo.toml"
    kept
fi
echo "$folder"
