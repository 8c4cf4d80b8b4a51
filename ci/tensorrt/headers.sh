#!/usr/bin/env bash
# Prints the folder of TensorRT's headers, which are part of trtx-sys' sources on crates.io. usage: headers.sh SCRATCH
set -euo pipefail
cargo init -q --lib --name headers "$1/headers" 2> /dev/null
printf 'trtx-sys = "=0.9.1"\n' >> "$1/headers/Cargo.toml"
cargo fetch -q --manifest-path "$1/headers/Cargo.toml"
folder=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/trtx-sys-0.9.1*/TensorRT-Headers)
[ -f "$folder/TRT-RTX-1.7/NvInfer.h" ] && echo "$folder"
