# Sourced, from the repository's root, by checks that build the program with the features of a device. Sets `features`, and
# exports where TensorRT's headers are, so that all of them build the same program, and it is compiled once.
# Left out: `v4l` where there is no libclang, which its crate needs at build time; TensorRT's shim without its headers.
# shellcheck shell=bash
features=mqtt,cuda,tensorrt
if ci/v4l/libclang.sh; then
    features+=,v4l
fi
if headers=$(ci/tensorrt/headers.sh 2> /dev/null); then
    export TRT_INCLUDE_DIR=$headers/TRT-Enterprise-11.4 TRT_RTX_INCLUDE_DIR=$headers/TRT-RTX-1.7
fi
