#!/usr/bin/env bash
# Prints the features of a device, with which several checks build the program, so that it is compiled once for all of
# them. `v4l` is among them where libclang is, which its crate needs at build time.
set -euo pipefail
features=mqtt,cuda,tensorrt
if "$(dirname "$0")/v4l/libclang.sh"; then
    features+=,v4l
fi
echo "$features"
